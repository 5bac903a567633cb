/**
 * What `fetch` is asked for: the URL and the flags as a request.
 *
 * @module
 */
import { ConfigError, type ConfigErrorCode, type Origin } from "../config/errors.ts";
import { unreadableFile } from "../config/unreadable_file.ts";
import type { CommandArguments } from "./command_arguments.ts";
import type { ReadFile } from "./command_line.ts";
import { CliError } from "./errors.ts";

/** A request, and what becomes of its answer. */
export interface FetchRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | undefined;
  /** Whether redirects are followed; otherwise the answer that names the new place counts. */
  readonly follow: boolean;
  /** Requests with another one share no circuit. */
  readonly isolation: string | undefined;
  /** Whether the headers are shown in place of what follows them. */
  readonly head: boolean;
  /** Where the answer goes; undefined: standard output. */
  readonly output: string | undefined;
  /** Whether a status of 400 or more is a failure. */
  readonly fail: boolean;
  /** PEM; who may sign the certificates of servers, beside those that Deno trusts. */
  readonly caCerts: readonly string[];
  /** Milliseconds for all of it; undefined: no limit. */
  readonly maxTime: number | undefined;
  /** Whether nothing but errors is said. */
  readonly silent: boolean;
}

const ORIGIN: Origin = { file: undefined, line: undefined };
const FORM = "application/x-www-form-urlencoded";
/** The longest time that can be asked for, in seconds: what a timer takes. */
const LONGEST_TIME = 2_000_000;

/**
 * Reads the operands and flags.
 *
 * @param readFile for what is to be sent from a file
 * @throws CliError url-malformed; ConfigError for a flag that makes no sense
 */
export function readFetchRequest(
  { operands, flags }: Pick<CommandArguments, "operands" | "flags">,
  readFile: ReadFile,
): FetchRequest {
  const last = (flag: string) => flags.get(flag)?.at(-1);
  const head = flags.has("--head");
  const body = flags.get("--data")?.map((data) => readData(data, readFile)).join("&");
  if (head && body !== undefined) {
    throw refusal("config-conflict", "'--data' does not go with '--head'");
  }
  const headers = readHeaders(flags.get("--header") ?? []);
  if (body !== undefined && !headers.has("content-type")) headers.set("content-type", FORM);
  const method = last("--request") ?? (head ? "HEAD" : body === undefined ? "GET" : "POST");
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(method)) {
    throw refusal("config-bad-value", `'${method}' is no method of HTTP`);
  }
  if (body !== undefined && /^(GET|HEAD)$/i.test(method)) {
    throw refusal("config-conflict", `'--data' does not go with the method ${method}`);
  }
  return {
    url: readUrl(operands[0]),
    method,
    headers,
    body,
    follow: flags.has("--location"),
    isolation: last("--isolate"),
    head,
    output: last("--output"),
    fail: flags.has("--fail"),
    caCerts: (flags.get("--cacert") ?? []).map((path) =>
      readGiven(path, "the certificates", readFile)
    ),
    maxTime: readTime(last("--max-time")),
    silent: flags.has("--silent"),
  };
}

/** As curl does, takes what has no scheme for a web server's name. */
function readUrl(written: string): URL {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`);
  if (url === null || url.hostname === "") {
    throw new CliError("url-malformed", "The URL makes no sense");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new CliError("url-scheme-unsupported", `'${url.protocol}' is not fetched`);
  }
  return url;
}

function readData(data: string, readFile: ReadFile): string {
  if (!data.startsWith("@")) return data;
  return readGiven(data.slice(1), "the data", readFile).replaceAll(/[\r\n]/g, "");
}

function readGiven(path: string, what: string, readFile: ReadFile): string {
  try {
    return readFile(path);
  } catch (error) {
    throw unreadableFile("config-unreadable", what, path, error, ORIGIN);
  }
}

function readHeaders(lines: readonly string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    try {
      if (colon < 1) throw new TypeError("there is no colon in it");
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw refusal("config-bad-value", `A header must be 'NAME: VALUE' (${reason})`);
    }
  }
  return headers;
}

function readTime(written: string | undefined): number | undefined {
  if (written === undefined) return undefined;
  const seconds = /^\d{1,9}(\.\d+)?$/.test(written) ? Number(written) : NaN;
  if (!(seconds > 0 && seconds <= LONGEST_TIME)) {
    throw refusal("config-bad-value", `'--max-time' must be seconds, not '${written}'`);
  }
  return seconds * 1000;
}

function refusal(code: ConfigErrorCode, message: string): ConfigError {
  return new ConfigError(code, message, ORIGIN);
}
