/**
 * `run`: a client until a signal ends it, with its log, its display and its monitor.
 *
 * @module
 */
import { RunningClient } from "../client/running_client.ts";
import { Logger } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import { systemRuntime } from "../runtime/runtime.ts";
import type { RunCommand } from "./command_line.ts";
import { ExitCode } from "./exit_code.ts";
import type { LiveDisplay } from "./live_display.ts";
import { Surroundings } from "./surroundings.ts";
import { VERSION } from "./version.ts";

const log = new Logger("config");

/** A signal that comes again this soon, in ms, is the same one: task runners pass on what we get too. */
const REPEATED_SIGNAL = 300;

const ON_WINDOWS = Deno.build.os === "windows";

/**
 * Runs a client until a signal ends it: the first one gracefully, a second one at once.
 *
 * @param args the arguments that `command` was read from; they are read again on SIGHUP
 * @returns the exit code
 * @throws TorError when it cannot run, or not go on
 */
export async function runClient(
  command: RunCommand,
  args: readonly string[],
): Promise<number> {
  const { config, warnings, notices } = command;
  const runtime = systemRuntime();
  const stopping = new AbortController();
  let firstSignalAt = 0;
  const onStop = () => {
    if (!stopping.signal.aborted) {
      firstSignalAt = runtime.clock.monotonic();
      stopping.abort();
    } else if (runtime.clock.monotonic() - firstSignalAt > REPEATED_SIGNAL) {
      Deno.exit(ExitCode.Failed);
    }
  };
  using display = await openDisplay(command, runtime.clock);
  await using surroundings = await Surroundings.open(command, { clock: runtime.clock, display });
  for (const line of warnings) log.warn(line);
  for (const line of notices) log.notice(line);
  log.notice(`chive ${VERSION} on Deno ${Deno.version.deno} is starting.`);
  using signals = new DisposableStack();
  for (
    const signal of ON_WINDOWS ? ["SIGINT", "SIGBREAK"] as const : ["SIGINT", "SIGTERM"] as const
  ) {
    signals.use(listenFor(signal, onStop));
  }
  await using client = await RunningClient.start(config, runtime);
  surroundings.watch(client);
  if (!ON_WINDOWS) {
    signals.use(listenFor("SIGHUP", () => surroundings.reload(args)));
    signals.use(listenFor("SIGUSR1", () => logStatistics(client, runtime.clock)));
  }
  if (display !== undefined) {
    const { viewOf } = await import("./client_view.ts");
    const { renderDisplay } = await import("./display.ts");
    const look = viewOf(client, runtime.clock);
    display.show((width) => renderDisplay(look(), width));
    client.bootstrap.onProgress(() => display.update());
  }
  await Promise.race([aborted(stopping.signal), client.finished()]);
  display?.[Symbol.dispose]();
  log.notice("Stopping: a second signal ends the program at once.");
  return ExitCode.Done;
}

/** Its code is loaded only where it is needed. */
async function logStatistics(client: RunningClient, clock: Clock): Promise<void> {
  const { statisticsLines } = await import("./statistics_lines.ts");
  for (const line of statisticsLines(client, clock)) log.notice(line);
}

/** What is shown on a terminal; nothing where lines go elsewhere, or to something that reads them. */
async function openDisplay(
  { tty, config }: RunCommand,
  clock: Clock,
): Promise<LiveDisplay | undefined> {
  // Deno.noColor is NO_COLOR of the environment, and needs no permission.
  if (!tty || Deno.noColor || !Deno.stdout.isTerminal()) return undefined;
  if (config.logFormat === "json" || config.logs.length === 0) return undefined;
  const { LiveDisplay, terminalWidth } = await import("./live_display.ts");
  return new LiveDisplay({ terminal: Deno.stdout, width: terminalWidth, clock });
}

/** Calls `handler` at every signal until it is disposed of. */
function listenFor(signal: Deno.Signal, handler: () => void): Disposable {
  Deno.addSignalListener(signal, handler);
  return { [Symbol.dispose]: () => Deno.removeSignalListener(signal, handler) };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}
