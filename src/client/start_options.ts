/**
 * How a program says what client it wants.
 *
 * @module
 */
import { buildConfig, type ConfigResult } from "../config/build.ts";
import { type ConfigLine, parseTorrc, splitCommand } from "../config/torrc.ts";

/** A value of an option, written as in a torrc; `true` and `false` stand for 1 and 0. */
export type OptionValue = string | number | boolean;

/** What client is wanted; everything has a default. */
export interface StartOptions {
  /**
   * The folder for what is kept from run to run, `chive-data` unless given. Only one client at a
   * time can use it. The process needs to be permitted to read and write it.
   */
  readonly dataDirectory?: string;
  /**
   * A SOCKS port for other programs: `9050`, `"auto"` for any free one, or what stands after
   * SocksPort in a torrc, once or more. There is none unless given.
   */
  readonly socksPort?: number | string | readonly (number | string)[];
  /**
   * What is logged where, as after Log in a torrc: `"notice stderr"`, once or more. Unless given,
   * nothing is logged. Logging is set up for the whole process, with LogTape.
   */
  readonly log?: string | readonly string[];
  /** Lines of a torrc, C tor's configuration file. */
  readonly torrc?: string;
  /**
   * Any of C tor's options that chive has, by name; a list for one that may be repeated. They
   * count more than `torrc`. A network of one's own is given so too: `{ DirAuthority: [...] }`.
   */
  readonly options?: Readonly<Record<string, OptionValue | readonly OptionValue[]>>;
  /** PEM: who may sign certificates of servers for fetch, beside Mozilla's authorities. */
  readonly caCerts?: readonly string[];
}

/** Ports are for those who ask for them. */
const NO_PORTS = settings("SocksPort", 0);

/**
 * Makes one configuration of it.
 *
 * @throws ConfigError for whatever is wrong
 */
export function configOf(options: StartOptions): ConfigResult {
  const { dataDirectory, socksPort, log, torrc = "", options: named = {} } = options;
  const own = [
    ...settings("DataDirectory", dataDirectory),
    ...settings("SocksPort", socksPort),
    ...settings("Log", log),
  ];
  const others = Object.entries(named).flatMap(([name, value]) => settings(name, value));
  return buildConfig([NO_PORTS, parseTorrc(torrc, "torrc"), others, own], "none");
}

function settings(
  written: string,
  value: OptionValue | readonly OptionValue[] | undefined,
): ConfigLine[] {
  if (value === undefined) return [];
  const { name, command } = splitCommand(written);
  const origin = { file: "start options", line: undefined };
  return [value].flat().map((each: OptionValue) => ({
    name,
    value: typeof each === "boolean" ? String(Number(each)) : String(each),
    command,
    origin,
  }));
}
