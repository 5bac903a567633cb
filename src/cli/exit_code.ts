/**
 * What the program ends with, and what it says then.
 *
 * @module
 */
import { ConfigError } from "../config/errors.ts";
import { TorError } from "../errors/tor_error.ts";
import { ProxyError } from "../proxy/errors.ts";
import { missingPermission } from "../runtime/permission_flags.ts";

/** Exit codes of all commands: all went well, something failed, or the options are wrong. */
export const ExitCode = { Done: 0, Failed: 1, BadOptions: 2 } as const;

/** Writes to standard output, all of it before it returns. */
export function print(text: string): void {
  writeAll(Deno.stdout, text);
}

/** Writes a line to standard error, all of it before it returns. */
export function printError(line: string): void {
  writeAll(Deno.stderr, `${line}\n`);
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (error) {
    // Who read it has gone, as `head` does: there is nobody to tell.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/**
 * Says what went wrong.
 *
 * @returns the exit code
 * @throws the error itself where it is neither a TorError nor a missing permission, and so a fault of
 * the program
 */
export function reportFailure(error: unknown): number {
  if (error instanceof Deno.errors.NotCapable) {
    printError(`chive: Deno: ${error.message}, or start it with 'deno task start'.`);
    return ExitCode.Failed;
  }
  if (!(error instanceof TorError)) throw error;
  printError(errorLine(error));
  return isOptionWrong(error) ? ExitCode.BadOptions : ExitCode.Failed;
}

/** A port that cannot be opened is a wrong option too. */
function isOptionWrong(error: TorError): boolean {
  return error instanceof ConfigError || error instanceof ProxyError ||
    error.code === "metrics-port-taken" || error.code === "metrics-port-unusable";
}

/** One line that says what is wrong and what to do. */
export function errorLine(error: TorError): string {
  const isTold = / to the flags of Deno|deno task compile/.test(error.message);
  const sentences = [error.message, isTold ? undefined : missingPermission(error), error.advice]
    .filter((sentence) => sentence !== undefined)
    .map((sentence) => sentence.replace(/(?<![.?!])$/, "."));
  return `chive: ${sentences.join(" ")}`;
}
