/**
 * All that is wrong with a configuration at once, and what each of its lines does.
 *
 * @module
 */
import { buildConfig } from "../config/build.ts";
import { ConfigError, type Origin } from "../config/errors.ts";
import { findForeignOption, type ForeignOption } from "../config/foreign_options.ts";
import { findOption, optionFacts } from "../config/options.ts";
import { Settings } from "../config/settings.ts";
import { type ConfigLine, parseTorrc } from "../config/torrc.ts";

/** A line, and what is to be said about it. */
export interface CheckedLine {
  readonly origin: Origin;
  /** As it is understood, without comments and quotes. */
  readonly written: string;
  /** What is wrong; undefined for a line that is right. */
  readonly fault: string | undefined;
  /** What it does, as sentences; empty where something is wrong. */
  readonly effect: string;
}

/** What is to be said about a configuration. */
export interface CheckedConfiguration {
  /** In the order in which they stand, those of the command line last. */
  readonly lines: readonly CheckedLine[];
  /** What is wrong with the whole. */
  readonly faults: readonly string[];
  /** What would be logged at the start. */
  readonly remarks: readonly string[];
}

/** What a line that is not understood becomes. */
interface Fault {
  readonly origin: Origin;
  readonly written: string;
  readonly message: string;
}

/** So many faults are looked for. */
const MOST_FAULTS = 100;

/**
 * Checks a whole configuration. Where a line is wrong, the others are judged without it; what is
 * wrong only because it is missing is not reported.
 *
 * @param file the text of the file and its name in messages, if there is one
 * @param commandLine the options of the command line
 */
export function checkLines(
  file: { readonly path: string; readonly text: string } | undefined,
  commandLine: readonly ConfigLine[],
): CheckedConfiguration {
  const { lines: fileLines, faults: syntax } = file === undefined
    ? { lines: [], faults: [] }
    : parseAll(file);
  // Each with an origin of its own, so that an error can be traced to it.
  const lines = commandLine.map((line) => ({ ...line, origin: { ...line.origin } }));
  const wrong = new Map<ConfigLine, string>();
  const faults: string[] = [];
  let remarks: readonly string[] = [];
  while (wrong.size < MOST_FAULTS) {
    const sources = [fileLines, lines].map((source) => source.filter((line) => !wrong.has(line)));
    try {
      const { warnings, notices } = buildConfig(sources);
      remarks = [...warnings, ...notices];
      break;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const culprit = sources.flat().find(({ origin }) => isAt(error, origin));
      const isFollowing = error.code === "config-conflict" && (wrong.size > 0 || syntax.length > 0);
      if (culprit === undefined) {
        if (!isFollowing) faults.push(messageOf(error));
        break;
      }
      wrong.set(culprit, isFollowing ? "" : messageOf(error));
    }
  }
  const tooMany = wrong.size === MOST_FAULTS;
  if (tooMany) faults.push("The rest is not checked before these are corrected.");
  const settings = tooMany ? undefined : settingsOf([fileLines, lines], wrong);
  const checked = [...fileLines, ...lines].map((line) => {
    const fault = wrong.get(line);
    return {
      origin: line.origin,
      written: writtenLine(line),
      fault: fault === "" ? undefined : fault,
      effect: fault === undefined
        ? effectOf(line, settings)
        : fault === ""
        ? "To be judged when the other lines are right."
        : "",
    };
  });
  const broken = syntax.map(({ origin, written, message }) => ({
    origin,
    written,
    fault: message,
    effect: "",
  }));
  return { lines: inOrder([...broken, ...checked]), faults, remarks };
}

function isAt({ origin }: ConfigError, place: Origin): boolean {
  return origin === place ||
    (origin?.line !== undefined && origin.line === place.line && origin.file === place.file);
}

/** Without the place, which is shown beside it. */
function messageOf(error: ConfigError): string {
  const { origin, message, advice } = error;
  const place = /^(command line|.*?, line \d+): /.exec(message)?.[0] ?? "";
  const text = origin === undefined ? message : message.slice(place.length);
  const told = text.charAt(0).toUpperCase() + text.slice(1).replace(/(?<![.?!])$/, ".");
  return advice === undefined ? told : `${told} ${advice}`;
}

/** The lines that can be read; one that cannot is taken out, with those that continue it. */
function parseAll(
  { path, text }: { readonly path: string; readonly text: string },
): { readonly lines: readonly ConfigLine[]; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const raw = text.split("\n");
  for (;;) {
    try {
      return { lines: parseTorrc(raw.join("\n"), path), faults };
    } catch (error) {
      if (!(error instanceof ConfigError) || error.origin?.line === undefined) throw error;
      const { origin } = error;
      let at = error.origin.line - 1;
      faults.push({ origin, written: raw[at].trim(), message: messageOf(error) });
      if (faults.length === MOST_FAULTS) return { lines: [], faults };
      for (let goesOn = true; goesOn; at++) {
        goesOn = raw[at].endsWith("\\") && at + 1 < raw.length;
        raw[at] = "";
      }
    }
  }
}

function settingsOf(
  sources: readonly (readonly ConfigLine[])[],
  wrong: ReadonlyMap<ConfigLine, string>,
): Settings {
  const settings = new Settings({ notices: [], warnings: [] });
  for (const source of sources) settings.assign(source.filter((line) => !wrong.has(line)));
  return settings;
}

function writtenLine({ name, value, command }: ConfigLine): string {
  const sign = { set: "", append: "+", reset: "/" }[command];
  return `${sign}${name} ${value}`.trimEnd();
}

const FOREIGN: Readonly<Record<ForeignOption["reason"], string>> = {
  relay: "About relays; with this value it asks for nothing that chive does not do.",
  service: "About onion services; with this value it asks for nothing that chive does not do.",
  unsupported: "chive has no such option; with this value it asks for no more than chive does.",
  ignored: "Ignored: chive has nothing that it would change.",
  obsolete: "Skipped, as by C tor: it is obsolete.",
};

function effectOf(line: ConfigLine, settings: Settings | undefined): string {
  if (settings === undefined) return "Not checked.";
  const name = findOption(line.name);
  if (name === undefined) {
    const foreign = findForeignOption(line.name);
    return foreign === undefined ? "" : FOREIGN[foreign.reason];
  }
  if (line.command === "reset") return `Forgets what was said of ${name} before.`;
  const { help, default: usual } = optionFacts(name);
  if (!settings.uses(name, line)) return `Does nothing: ${name} is set again later.`;
  return line.value === usual ? `${help} This is the default.` : help;
}

/** Lines of a file by their number; the command line stays last. */
function inOrder(lines: readonly CheckedLine[]): readonly CheckedLine[] {
  const place = ({ origin }: CheckedLine) => origin.line ?? Infinity;
  return lines.toSorted((a, b) => place(a) === place(b) ? 0 : place(a) - place(b));
}
