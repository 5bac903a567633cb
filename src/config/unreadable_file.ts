/**
 * What to say about a file that a configuration names and that cannot be read.
 *
 * @module
 */
import { grantAdvice, readFlag } from "../runtime/permission_flags.ts";
import { ConfigError, type ConfigErrorCode, type Origin } from "./errors.ts";

/**
 * The error to throw; its message names the flag of Deno's that is missing, where one is.
 *
 * @param what the file's role, such as "the country file"
 * @param path as it was given to the operation that failed
 * @param cause what that operation threw
 * @param origin where the file was named, if known
 */
export function unreadableFile(
  code: Extract<ConfigErrorCode, "config-unreadable" | "config-country-file-unreadable">,
  what: string,
  path: string,
  cause: unknown,
  origin?: Origin,
): ConfigError {
  const message = `Cannot read ${what} '${path}': ${readFailure(path, cause)}`;
  return new ConfigError(code, message, origin, { cause });
}

/** Why a file could not be read, and what can be done about it where that is a permission. */
export function readFailure(path: string, cause: unknown): string {
  if (!(cause instanceof Deno.errors.NotCapable)) {
    return cause instanceof Error ? cause.message : String(cause);
  }
  const denied = "chive was started without permission for it";
  // A comma ends a path in the flag, and nothing escapes it.
  return path.includes(",")
    ? `${denied}, and --allow-read cannot name a path with a comma: move the file.`
    : `${denied}; ${grantAdvice([readFlag(path)])}.`;
}
