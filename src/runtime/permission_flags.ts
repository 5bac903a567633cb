/**
 * Deno's permissions in the words that a user can do something with: as flags.
 *
 * @module
 */
import { BUILD, type Build } from "./build.ts";

/** The flag of Deno that permits to read `path`, as a shell takes it. */
export function readFlag(path: string): string {
  return quoted(`--allow-read=${path}`);
}

/** The flag of Deno that permits to write `path`, as a shell takes it. */
export function writeFlag(path: string): string {
  return quoted(`--allow-write=${path}`);
}

/**
 * What to do about permissions that were not granted, as the end of a sentence.
 *
 * @param flags those that are missing, as a shell takes them
 */
export function grantAdvice(flags: readonly string[], build: Build = BUILD): string {
  return build.form === "source"
    ? `add ${flags.join(" ")} to the flags of Deno`
    : `this copy of chive was built without it: build one with '${
      [compileCommand(build), ...flags].join(" ")
    }'`;
}

/**
 * What to do about a data directory that may not be read and written, as the end of a sentence.
 *
 * @param path as it was configured
 */
export function dataDirectoryAdvice(path: string, build: Build = BUILD): string {
  return build.form === "source"
    ? grantAdvice([readFlag(path), writeFlag(path)], build)
    : `this copy of chive may use ${build.dataDirectory} alone: build one with '${
      compileCommand(build)
    } --data-dir ${quoted(path)}'`;
}

/**
 * What to do about an operation that Deno has refused, as a sentence; undefined for any other error.
 *
 * @param error with what it was caused by
 */
export function missingPermission(error: unknown, build: Build = BUILD): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) continue;
    const [, kind, value] = DENIED.exec(cause.message) ?? [];
    if (kind === undefined) return `Deno: ${cause.message}`;
    // Of system facts and of the network, Deno's flags do not take all that its messages name.
    const scope = value === undefined || kind === "sys" || kind === "net" ? "" : `=${value}`;
    const advice = grantAdvice([quoted(`--allow-${kind}${scope}`)], build);
    return `chive was started without permission for it: ${advice}.`;
  }
  return undefined;
}

/** For example: Requires read access to "/etc/passwd", run again with the --allow-read flag */
const DENIED =
  /^Requires (read|write|net|env|sys|run|ffi) access(?: to (?:"(.+)"|all|<\w+>))?, run again/;

function compileCommand({ form }: Build): string {
  return form === "portable" ? "deno task compile --portable" : "deno task compile";
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
