/**
 * `fetch`: one download through Tor, by a client of its own.
 *
 * @module
 */
import { TorClient } from "../client/library.ts";
import type { Config } from "../config/config.ts";
import { TorError } from "../errors/tor_error.ts";
import { configureLogging } from "../observe/configure.ts";
import { Logger } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import { grantAdvice, writeFlag } from "../runtime/permission_flags.ts";
import { systemRuntime } from "../runtime/runtime.ts";
import type { CommandArguments } from "./command_arguments.ts";
import { configure } from "./command_line.ts";
import { CliError } from "./errors.ts";
import { errorLine, ExitCode, printError } from "./exit_code.ts";
import { FetchExitCode, fetchExitCode, messages } from "./fetch_exit_code.ts";
import { type FetchProgress, renderFetchProgress } from "./fetch_progress.ts";
import { type FetchRequest, readFetchRequest } from "./fetch_request.ts";
import { LiveDisplay, terminalWidth } from "./live_display.ts";

const log = new Logger("config");

/** What a download has around it. */
interface Download {
  readonly request: FetchRequest;
  readonly clock: Clock;
  readonly display: LiveDisplay | undefined;
  readonly signal: AbortSignal;
  /** Whether the head of the answer has come. */
  answered: boolean;
}

/**
 * Fetches what is asked for.
 *
 * @returns the exit code, curl's where it has one for the case
 */
export async function fetchUrl(args: CommandArguments): Promise<number> {
  const state = { answered: false };
  try {
    const request = readFetchRequest(args, Deno.readTextFileSync);
    checkEnvironment();
    checkOutput(request.output);
    return await perform(request, args, state);
  } catch (error) {
    const code = fetchExitCode(error, state.answered);
    if (error instanceof TorError) printError(errorLine(error));
    else if (error instanceof Error) {
      printError(errorLine(new CliError("fetch-failed", `It failed: ${messages(error)}`)));
    } else throw error;
    return code;
  }
}

async function perform(
  request: FetchRequest,
  { options }: CommandArguments,
  state: { answered: boolean },
): Promise<number> {
  const runtime = systemRuntime();
  const { config, warnings } = configure(
    { ...options, defaultLogLevel: request.silent ? "none" : "warn" },
    Deno.readTextFileSync,
  );
  const { clock } = runtime;
  const { caCerts } = request;
  using stopping = stopSignal(clock, request.maxTime);
  using display = request.silent || !Deno.stderr.isTerminal()
    ? undefined
    : new LiveDisplay({ terminal: Deno.stderr, width: terminalWidth, clock });
  await using _logging = await configureLogging(logsOf(config), {
    ...config,
    terminal: () => display,
  });
  for (const line of warnings) log.warn(line);
  stopping.signal.throwIfAborted();
  await using client = await TorClient.startWith(withoutPorts(config), { runtime, caCerts });
  const download = Object.assign(state, { request, clock, display, signal: stopping.signal });
  return await receive(client, download);
}

/** Standard output is for the answer. */
function logsOf({ logs }: Config): Config["logs"] {
  return logs.map((target) =>
    target.sink.kind === "stdout" ? { ...target, sink: { kind: "stderr" } } : target
  );
}

/** Ports are for clients that stay; those of one that runs with the same file are taken. */
function withoutPorts(config: Config): Config {
  return { ...config, socksPorts: [], httpTunnelPorts: [], dnsPorts: [] };
}

async function receive(client: TorClient, download: Download): Promise<number> {
  const { request, clock, display, signal } = download;
  const { url, method, headers, body, follow, isolation } = request;
  const startedAt = clock.monotonic();
  const seconds = () => (clock.monotonic() - startedAt) / 1000;
  let joining: FetchProgress = { kind: "joining", percent: 0, summary: "Starting" };
  let joined = false;
  client.addEventListener("bootstrap", ({ detail: { percent, summary } }) => {
    joining = { kind: "joining", percent, summary };
    joined = percent === 100;
    display?.update();
  });
  display?.show((width) =>
    renderFetchProgress(joined ? { kind: "waiting", seconds: seconds() } : joining, width)
  );
  const answer = await Promise.race([
    client.fetch(url, {
      method,
      headers,
      body: body ?? null,
      redirect: follow ? "follow" : "manual",
      isolation,
      signal,
    }),
    // It never resolves before the answer: the client is stopped after that.
    client.finished().then((): never => {
      throw new CliError("fetch-failed", "The client was stopped");
    }),
  ]);
  download.answered = true;
  if (request.fail && answer.status >= 400) {
    await answer.body?.cancel();
    throw new CliError("fetch-http-error", `The server answered with status ${answer.status}`);
  }
  if (request.head) {
    await answer.body?.cancel();
    display?.[Symbol.dispose]();
    await writeAnswer(request, [new TextEncoder().encode(headText(answer))]);
  } else await writeAnswer(request, counted(answer, download));
  return ExitCode.Done;
}

/** The status and the headers, as curl shows them but for the version of HTTP. */
function headText({ status, statusText, headers }: Response): string {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}`);
  return [`HTTP ${status} ${statusText}`.trimEnd(), ...lines, "", ""].join("\n");
}

/** The parts of the body, while the display shows how many there were. */
async function* counted(
  answer: Response,
  { request, clock, display }: Download,
): AsyncGenerator<Uint8Array> {
  const startedAt = clock.monotonic();
  const length = answer.headers.has("content-encoding")
    ? undefined
    : answer.headers.get("content-length") ?? undefined;
  const total = length === undefined || !/^\d{1,15}$/.test(length) ? undefined : Number(length);
  let bytes = 0;
  // What is written to the terminal must not be mixed with what is shown there.
  if (request.output === undefined && Deno.stdout.isTerminal()) display?.[Symbol.dispose]();
  display?.show((width) => {
    const seconds = (clock.monotonic() - startedAt) / 1000;
    return renderFetchProgress({ kind: "receiving", bytes, total, seconds }, width);
  });
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    yield part;
  }
}

async function writeAnswer(
  { output }: FetchRequest,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  using file = output === undefined ? undefined : await openOutput(output);
  const writer = file ?? Deno.stdout;
  for await (const part of parts) {
    try {
      for (let at = 0; at < part.length;) at += await writer.write(part.subarray(at));
    } catch (error) {
      throw unwritable(output, error);
    }
  }
}

async function openOutput(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, create: true, truncate: true });
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** What the library for HTTP looks at when it is loaded, and fails to load without. */
const ENVIRONMENT = ["JEST_WORKER_ID", "UNDICI_NO_WASM_SIMD"];

function checkEnvironment(): void {
  const isGranted = (variable: string) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted";
  if (ENVIRONMENT.every(isGranted)) return;
  throw new CliError(
    "fetch-not-permitted",
    `fetch needs one more permission: ${grantAdvice([`--allow-env=${ENVIRONMENT.join(",")}`])}`,
  );
}

/** Before anything is started: a missing permission need not wait for the answer. */
function checkOutput(path: string | undefined): void {
  if (path === undefined) return;
  if (Deno.permissions.querySync({ name: "write", path }).state === "granted") return;
  throw new CliError(
    "output-unwritable",
    `chive was started without permission to write '${path}'; ${
      grantAdvice([writeFlag(path)])
    }, or leave --output away and send standard output there`,
  );
}

function unwritable(path: string | undefined, cause: unknown): CliError {
  const where = path === undefined ? "standard output" : `'${path}'`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CliError("output-unwritable", `Cannot write to ${where}: ${reason}`, { cause });
}

/** Aborts at a signal of the system, or when the time is up, until it is disposed of. */
function stopSignal(
  clock: Clock,
  maxTime: number | undefined,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) Deno.exit(FetchExitCode.Interrupted);
    controller.abort(new CliError("fetch-interrupted", "It was interrupted"));
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  const timer = maxTime === undefined ? undefined : clock.setTimer(
    () => controller.abort(new CliError("fetch-too-slow", "It took too long")),
    maxTime,
  );
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      timer?.cancel();
      for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
    },
  };
}
