/**
 * The client as other programs use it.
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import { configureLogging } from "../observe/configure.ts";
import { Logger, watchWarnings } from "../observe/log.ts";
import type { LogEntry } from "../observe/log_line.ts";
import { RecentLines } from "../observe/recent_lines.ts";
import { abortable } from "../runtime/deadline.ts";
import { randomBytes } from "../runtime/random.ts";
import { type Runtime, systemRuntime } from "../runtime/runtime.ts";
import type { ResolvedAnswer } from "../stream/opener.ts";
import type { CircuitEvent } from "./circuit_events.ts";
import type { ClientEventMap } from "./client_events.ts";
import {
  type ClientStatus,
  summarize,
  summarizeRelay,
  type WarningSummary,
} from "./client_summary.ts";
import { ClientError } from "./errors.ts";
import { ProcessDoor, type RequestOptions } from "./process_door.ts";
import { configOf, type StartOptions } from "./start_options.ts";
import { RunningClient } from "./running_client.ts";
import { TorConnection } from "./tor_connection.ts";
import { type FetchInit, TorFetch } from "./tor_fetch.ts";

const log = new Logger("config");

/** Where to connect to. */
export interface ConnectOptions extends RequestOptions {
  /** A host name, which the exit looks up, or an IP address. */
  readonly hostname: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** How to look a name up. */
export interface ResolveOptions extends RequestOptions {
  /** The only kind of address that is wanted. */
  readonly family?: 4 | 6 | undefined;
}

/** One answer of a lookup. */
export interface ResolvedRecord {
  /** An IP address or a name. */
  readonly value: string;
  /** How long it may be used, in seconds. */
  readonly ttl: number;
}

/** What the program itself gives to a client. */
export interface LibraryParts {
  /** The system's unless given. */
  readonly runtime?: Runtime | undefined;
  /** As {@link StartOptions.caCerts}. */
  readonly caCerts?: readonly string[] | undefined;
}

/** The listeners of a client, typed. */
export interface TorClient {
  /** Calls `listener` with each event of that name. */
  addEventListener<Name extends keyof ClientEventMap>(
    type: Name,
    listener: (event: ClientEventMap[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** As of any EventTarget. */
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Ends what {@link addEventListener} began. */
  removeEventListener<Name extends keyof ClientEventMap>(
    type: Name,
    listener: (event: ClientEventMap[Name]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  /** As of any EventTarget. */
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

/**
 * A Tor client within this process.
 */
export class TorClient extends EventTarget implements AsyncDisposable {
  readonly #running: RunningClient;
  readonly #runtime: Runtime;
  readonly #door: ProcessDoor;
  readonly #fetch: TorFetch;
  readonly #warnings = new RecentLines();
  readonly #secret: Uint8Array;
  readonly #resources = new AsyncDisposableStack();
  #stopped: Promise<void> | undefined;

  private constructor(
    running: RunningClient,
    config: Config,
    { runtime, caCerts }: { readonly runtime: Runtime; readonly caCerts: readonly string[] },
  ) {
    super();
    this.#running = running;
    this.#runtime = runtime;
    this.#secret = randomBytes(runtime.random, 32);
    this.#door = new ProcessDoor({
      config,
      runtime,
      openerFor: (traffic) => running.openerFor(traffic),
    });
    this.#fetch = new TorFetch({ door: this.#door, onData: running.onData, caCerts });
    this.#listen(config.safeLogging);
  }

  /**
   * Starts a client. The process must have been started with
   * `--unsafely-ignore-certificate-errors=192.0.2.1`, exactly.
   *
   * It resolves when ports listen, if there are any; joining the network goes on from then. Requests
   * may be made at once, and wait for it.
   *
   * @throws ConfigError for options that make no sense; TorError when this process cannot run a
   * client: wrong launch flags, a data directory that is in use or unusable, a port that is taken
   */
  static async start(options: StartOptions = {}): Promise<TorClient> {
    const { config, warnings, notices } = configOf(options);
    await using starting = new AsyncDisposableStack();
    if (config.logs.length > 0) starting.use(await configureLogging(config.logs, config));
    for (const line of warnings) log.warn(line);
    for (const line of notices) log.notice(line);
    const client = await TorClient.startWith(config, { caCerts: options.caCerts });
    client.#resources.use(starting.move());
    return client;
  }

  /**
   * Starts a client of a configuration that was read elsewhere, where logging was set up too.
   *
   * @ignore
   */
  static async startWith(config: Config, parts: LibraryParts = {}): Promise<TorClient> {
    const { runtime = systemRuntime(), caCerts = [] } = parts;
    const running = await RunningClient.start(config, runtime);
    return new TorClient(running, config, { runtime, caCerts });
  }

  /**
   * Resolves when the client has joined the network. Nobody needs to wait for it.
   *
   * @throws TorError when it never will, or is stopped before; the signal's reason
   */
  async bootstrapped({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { bootstrap } = this.#running;
    signal?.throwIfAborted();
    if (bootstrap.done) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const forget = bootstrap.onProgress(() => bootstrap.done && resolve());
    const stopped = this.finished().then(() => {
      throw new ClientError("client-stopped", "the client was stopped before it had joined");
    });
    try {
      await abortable(Promise.race([promise, stopped]), signal);
    } finally {
      forget();
    }
  }

  /**
   * Connects to a host through Tor.
   *
   * @throws StreamError or ProxyError when it cannot be done; the signal's reason; RangeError
   */
  async connect({ hostname, port, ...options }: ConnectOptions): Promise<TorConnection> {
    this.#checkRunning();
    const stream = await this.#door.connect({ hostname, port }, options);
    return new TorConnection(stream, { hostname, port }, this.#running.onData);
  }

  /**
   * As the global `fetch`, but through Tor: names are looked up by the exit, redirects are followed
   * through Tor, and certificates are checked here. No cookie is kept and nothing is cached. A
   * connection is used again only for the same isolation.
   *
   * @throws StreamError, ProxyError or ClientError where it is known why it failed; TypeError else;
   * the signal's reason
   */
  async fetch(input: string | URL | Request, init?: FetchInit): Promise<Response> {
    return await this.#fetch.fetch(input, init);
  }

  /**
   * Looks the addresses of a name up, at an exit: the IPv4 ones, or the IPv6 ones where there are
   * none, or those of `family`.
   *
   * @throws StreamError or ProxyError when there is no answer; the signal's reason
   */
  async resolve(name: string, options: ResolveOptions = {}): Promise<ResolvedRecord[]> {
    this.#checkRunning();
    return records(await this.#door.resolve(name, options));
  }

  /**
   * Looks the names of an IP address up, at an exit.
   *
   * @throws StreamError or ProxyError when there is no answer; the signal's reason
   */
  async resolveReverse(address: string, options: RequestOptions = {}): Promise<ResolvedRecord[]> {
    this.#checkRunning();
    return records(await this.#door.resolveReverse(address, options));
  }

  /** What the client has and does at this moment. */
  status(): ClientStatus {
    const warnings = this.#warnings.lines.flatMap(warningOf);
    return summarize(this.#running, warnings, this.#secret);
  }

  /**
   * Requests from now on use other circuits and other connections than those before; what is open
   * goes on. The guards stay.
   */
  newIdentity(): void {
    this.#fetch.retire();
    this.#running.retireCircuits();
  }

  /**
   * Resolves when the client was stopped.
   *
   * @throws TorError when it cannot go on: the network asks for what this version lacks, or no
   * directory server is configured
   */
  finished(): Promise<void> {
    return this.#running.finished();
  }

  /** Stops everything and saves the state; resolves when nothing runs any more. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Stops it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    await this.#fetch.close();
    await this.#running.stop();
    await this.#resources.disposeAsync();
  }

  #checkRunning(): void {
    if (this.#stopped === undefined) return;
    throw new ClientError("client-stopped", "the client was stopped");
  }

  /** Passes on what happens. */
  #listen(safeLogging: boolean): void {
    const running = this.#running;
    this.#resources.defer(running.bootstrap.onProgress(({ percent, tag, summary }) => {
      this.#tell("bootstrap", { percent, tag, summary });
    }));
    this.#resources.defer(running.circuitEvents.onEvent((event) => this.#onCircuit(event)));
    this.#resources.defer(running.onGuardChange((change) => {
      this.#tell(
        "guardschange",
        change.kind === "reachability"
          ? {
            kind: change.kind,
            fingerprint: change.rsaIdentity,
            reachable: change.reachability === "yes",
          }
          : change,
      );
    }));
    // With SafeLogging 0, warnings may name destinations.
    if (!safeLogging) return;
    this.#resources.defer(watchWarnings((level, category, message) => {
      const line = { time: this.#runtime.clock.now(), level, category, message };
      this.#warnings.add(line);
      this.#tell("warning", line);
    }));
  }

  #onCircuit(event: CircuitEvent): void {
    const { number } = event;
    if (event.kind === "closed") return this.#tell("circuitclosed", { number, code: event.code });
    const circuit = this.#running.circuitStatus.find((each) => each.number === number);
    if (circuit === undefined) return;
    this.#tell("circuitbuilt", { number, relays: circuit.hops.map(summarizeRelay) });
  }

  #tell<Name extends keyof ClientEventMap>(
    name: Name,
    detail: ClientEventMap[Name]["detail"],
  ): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function records(answers: readonly ResolvedAnswer[]): ResolvedRecord[] {
  return answers.map(({ value, ttl }) => ({ value, ttl }));
}

function warningOf({ time, level, category, message }: LogEntry): WarningSummary[] {
  return level === "warn" || level === "err" ? [{ time, level, category, message }] : [];
}
