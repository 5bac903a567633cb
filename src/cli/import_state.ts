/**
 * `import-state`: the guards of a C tor client, taken over into chive's data directory.
 *
 * @module
 */
import { readFailure } from "../config/unreadable_file.ts";
import { TorError } from "../errors/tor_error.ts";
import { importGuards, parseTorState } from "../guard/import_state.ts";
import type { Clock } from "../runtime/clock.ts";
import { DataDirectory } from "../state/data_directory.ts";
import { systemRuntime } from "../runtime/runtime.ts";
import type { CommandArguments } from "./command_arguments.ts";
import { configure } from "./command_line.ts";
import { CliError } from "./errors.ts";
import { ExitCode, print, printError, reportFailure } from "./exit_code.ts";

/** The largest state file that is read, in bytes; C tor's has a few ten thousand. */
const LARGEST_STATE = 4 * 1024 * 1024;

/** What is to be done. */
interface ImportState {
  /** C tor's state file, or the folder that it is in, as it was written. */
  readonly path: string;
  /** Whether guards that chive has already are given up for those of the file. */
  readonly replace: boolean;
}

/**
 * Does it, and prints what was done.
 *
 * @returns the exit code
 * @throws ConfigError for wrong options
 */
export async function importState({ operands, flags, options }: CommandArguments): Promise<number> {
  const { config, warnings } = configure(options, Deno.readTextFileSync);
  for (const line of warnings) printError(`chive: ${line}`);
  const [path] = operands;
  const asked = { path, replace: flags.has("--replace") };
  try {
    print(await takeOver(asked, config.dataDirectory, systemRuntime().clock));
    return ExitCode.Done;
  } catch (error) {
    const code = reportFailure(error);
    if (error instanceof TorError && error.code === "guards-already-confirmed") {
      printError("chive: To give up the guards that are there, add --replace.");
    }
    return code;
  }
}

/**
 * Reads C tor's state file and writes its guards into the data directory, which is locked
 * meanwhile.
 *
 * @param dataDirectory chive's, as it was configured
 * @returns what was done, as lines of text
 * @throws CliError for a file that cannot be read, GuardError for guards that cannot be taken over,
 * StateError for the data directory
 */
async function takeOver(
  { path, replace }: ImportState,
  dataDirectory: string,
  clock: Clock,
): Promise<string> {
  const { guards, bridges, ignored } = parseTorState(await readState(path));
  using data = await DataDirectory.open(dataDirectory);
  const { imported, confirmed } = await importGuards(data, clock, guards, { replace });
  return [
    `Imported ${count(imported, "guard")}, ${confirmed} of them confirmed.`,
    ...(bridges > 0 ? [`Skipped ${count(bridges, "bridge")}: chive has none.`] : []),
    ...(ignored > 0
      ? [`Skipped ${count(ignored, "line")} about a guard that makes no sense.`]
      : []),
  ].map((line) => `${line}\n`).join("");
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

async function readState(path: string): Promise<string> {
  try {
    const { isDirectory } = await Deno.stat(path);
    return await readBounded(isDirectory ? `${path}/state` : path);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const reason = readFailure(path, error);
    throw new CliError("tor-state-unreadable", `Cannot read '${path}': ${reason}`, {
      cause: error,
    });
  }
}

/** Not even a file that has no end, such as a device, can fill the memory. */
async function readBounded(path: string): Promise<string> {
  using file = await Deno.open(path);
  const parts: string[] = [];
  let size = 0;
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  for (let got = await file.read(buffer); got !== null; got = await file.read(buffer)) {
    size += got;
    if (size > LARGEST_STATE) {
      throw new CliError("tor-state-too-large", `'${path}' is too large for a state of C tor`);
    }
    parts.push(decoder.decode(buffer.subarray(0, got), { stream: true }));
  }
  return parts.join("") + decoder.decode();
}
