/**
 * What happens between the command line and the exit code.
 *
 * @module
 */
import { TorClient } from "../client/tor_client.ts";
import type { ConfigResult } from "../config/build.ts";
import { ConfigError } from "../config/errors.ts";
import { TorError } from "../errors/tor_error.ts";
import { configureLogging } from "../observe/configure.ts";
import { Logger } from "../observe/log.ts";
import { systemRuntime } from "../runtime/runtime.ts";
import { type CommandLine, type ImportState, parseCommandLine } from "./command_line.ts";
import { helpText } from "./help.ts";
import { importState } from "./import_state.ts";
import { VERSION } from "./version.ts";

const log = new Logger("config");

/** Exit codes: all went well, something failed, or the options are wrong. */
const ExitCode = { Done: 0, Failed: 1, BadOptions: 2 } as const;

/** A signal that comes again this soon, in ms, is the same one: task runners pass on what we get too. */
const REPEATED_SIGNAL = 300;

/**
 * Does what the arguments ask for, until it is done or a signal ends it.
 *
 * @param args the arguments without the program's name
 * @returns the exit code
 */
export async function run(args: readonly string[]): Promise<number> {
  let command: CommandLine;
  try {
    command = parseCommandLine(args, Deno.readTextFileSync);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(errorLine(error));
    return error.exitCode;
  }
  switch (command.kind) {
    case "help":
      print(helpText());
      return ExitCode.Done;
    case "version":
      print(`chive ${VERSION}\n`);
      return ExitCode.Done;
    case "verify":
      for (const line of [...command.warnings, ...command.notices]) print(`${line}\n`);
      print("The configuration is valid.\n");
      return ExitCode.Done;
    case "import-state":
      return await runImport(command);
    case "run":
      return await runClient(command);
  }
}

async function runImport(command: ImportState & ConfigResult): Promise<number> {
  for (const line of command.warnings) console.error(`chive: ${line}`);
  try {
    print(await importState(command, command.config.dataDirectory, systemRuntime().clock));
    return ExitCode.Done;
  } catch (error) {
    if (!(error instanceof TorError)) throw error;
    console.error(errorLine(error));
    if (error.code === "guards-already-confirmed") {
      console.error("chive: To give up the guards that are there, add --replace.");
    }
    return ExitCode.Failed;
  }
}

/** Runs a client until a signal ends it: the first one gracefully, a second one at once. */
async function runClient({ config, warnings, notices }: ConfigResult): Promise<number> {
  const stopping = new AbortController();
  const runtime = systemRuntime();
  let firstSignalAt = 0;
  const onSignal = () => {
    if (!stopping.signal.aborted) {
      firstSignalAt = runtime.clock.monotonic();
      stopping.abort();
    } else if (runtime.clock.monotonic() - firstSignalAt > REPEATED_SIGNAL) {
      Deno.exit(ExitCode.Failed);
    }
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  try {
    await using _logging = await configureLogging(config.logs, config);
    for (const line of warnings) log.warn(line);
    for (const line of notices) log.notice(line);
    log.notice(`chive ${VERSION} on Deno ${Deno.version.deno} is starting.`);
    for (const signal of signals) Deno.addSignalListener(signal, onSignal);
    await using client = await TorClient.start(config, runtime);
    await Promise.race([aborted(stopping.signal), client.finished()]);
    log.notice("Stopping: a second signal ends the program at once.");
  } catch (error) {
    if (!(error instanceof TorError)) throw error;
    console.error(errorLine(error));
    return error instanceof ConfigError ? error.exitCode : ExitCode.Failed;
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
  }
  return ExitCode.Done;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

/** One line that says what is wrong and what to do. */
function errorLine(error: TorError): string {
  const sentences = [error.message, missingPermission(error), error.advice]
    .filter((sentence) => sentence !== undefined)
    .map((sentence) => sentence.replace(/\.?$/, "."));
  return `chive: ${sentences.join(" ")}`;
}

/** What Deno says of a permission that was not granted, if that is the cause and not yet told. */
function missingPermission(error: TorError): string | undefined {
  if (error.message.includes("--allow-")) return undefined;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof Deno.errors.NotCapable) return `Deno: ${cause.message}`;
  }
  return undefined;
}

function print(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
