/**
 * The circuits of the client: builds them ahead of need, gives them to streams, keeps streams of
 * different isolation apart, and closes circuits that are old.
 *
 * @module
 */
import type { ChannelTarget } from "../channel/connect.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError, TorError } from "../errors/tor_error.ts";
import type { CircuitPathBias } from "../guard/path_bias.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import { Logger } from "../observe/log.ts";
import { RepeatedMessages } from "../observe/repeated_messages.ts";
import type { ExitTarget } from "../path/exit_target.ts";
import type { Timer } from "../runtime/clock.ts";
import type { BackoffOptions } from "../runtime/backoff.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Circuit, FirstHop } from "./circuit.ts";
import type { BuiltCircuit, CircuitBuilder } from "./circuit_builder.ts";
import { CircuitCheck } from "./circuit_check.ts";
import type { CircuitStatistics, OpenCircuit } from "./circuit_statistics.ts";
import { type ConfluxParts, ConfluxSets } from "./conflux_sets.ts";
import { CircuitError, type CircuitErrorCode } from "./errors.ts";
import type { Forecast } from "./forecast.ts";
import { type Build, isCovered, isNoWider, PendingBuilds } from "./pending_builds.ts";
import { type CircuitRequest, type ReadyCircuit, ReadyCircuits } from "./ready_circuits.ts";
import { RetryPause } from "./retry_pause.ts";
import type { StreamCircuit } from "./stream_circuit.ts";
import { SuspectRelays } from "./suspect_relays.ts";

export type { CircuitStatistics, OpenCircuit } from "./circuit_statistics.ts";
export type { CircuitRequest } from "./ready_circuits.ts";

const log = new Logger("circuit");

/** The least and the most time that a circuit gets to answer a probe, in ms. */
const CHECK_TIMEOUT = { least: 1500, most: 3000 };
/** A build that has taken so long, in ms, gets company from another one if a stream waits for it. */
const OVERDUE = { least: 1000, most: 2000 };

/** A relay could not extend the circuit to the next one, or that one refused. */
const REFUSALS: ReadonlySet<CircuitErrorCode> = new Set<CircuitErrorCode>([
  "circuit-destroyed",
  "circuit-truncated",
]);

/** A circuit for streams. */
export interface PickedCircuit {
  readonly circuit: StreamCircuit;
  readonly exit: Relay;
  /** Where it is counted whether the circuit was of use. */
  readonly pathBias: Pick<
    CircuitPathBias,
    "noteUseAttempt" | "noteUseSuccess" | "noteUseFailed" | "noteUseRollback"
  >;
  /** The relays that may be why it is silent: the guard, if it is, else those behind it. */
  suspects(): readonly RsaIdentity[];
  /** Takes the circuit from further new streams; those on it go on. */
  retire(): void;
  /**
   * Resolves when the last hop has given a sign of life.
   *
   * @throws CircuitError `circuit-silent`: the circuit is retired then; or why it was closed
   */
  check(): Promise<void>;
}

interface Waiter {
  readonly request: CircuitRequest;
  resolve(circuit: PickedCircuit): void;
  reject(error: unknown): void;
}

/** What {@link CircuitManager} works with. */
export interface CircuitManagerParts {
  readonly runtime: Runtime;
  readonly builder: Pick<CircuitBuilder, "oneHop" | "close"> & {
    build(...request: Parameters<CircuitBuilder["build"]>): Promise<BuiltCircuit>;
  };
  /** The directory, once there is enough of it to build circuits; else undefined. */
  readonly usableNetDir: () => NetDir | undefined;
  readonly forecast: Pick<
    Forecast,
    "noteUsed" | "next" | "noteBuilt" | "unusedTimeout" | "expected"
  >;
  /** Builds Conflux sets; without it there are none. */
  readonly conflux?: ConfluxParts;
  /** Ports whose circuits are made of Stable relays (LongLivedPorts). */
  readonly longLivedPorts: ReadonlySet<number>;
  /** Whether a circuit that ends at this relay can serve the target, and is allowed to. */
  readonly mayServe: (exit: Relay, target: ExitTarget) => boolean;
  /** How long a circuit may take to be built, as far as is known, in ms. */
  readonly buildTimeout: () => number;
  /** How long after its first stream a circuit takes new streams, in ms (MaxCircuitDirtiness). */
  readonly maxDirtiness: number;
  /** How often old circuits, and the need for new ones, are looked at, in ms (NewCircuitPeriod). */
  readonly sweepInterval: number;
  /** Circuits that may be under construction at once (MaxClientCircuitsPending). */
  readonly maxPending: number;
  /** Between attempts, after several have failed. */
  readonly backoff: BackoffOptions;
  /** Called when a circuit for streams was built, with the ms that it took, connecting included. */
  readonly onBuilt?: (took: number) => void;
  /** Called when a Conflux set was built. */
  readonly onSetBuilt?: () => void;
  /** Called when the guard of a circuit has stopped to answer. */
  readonly onSilentGuard?: (leg: BuiltCircuit) => void;
}

/** Owns the circuits for streams. */
export class CircuitManager {
  readonly #parts: CircuitManagerParts;
  readonly #ready: ReadyCircuits;
  readonly #check: CircuitCheck;
  readonly #pause: RetryPause;
  readonly #builds: PendingBuilds;
  readonly #suspects: SuspectRelays;
  readonly #sets: ConfluxSets | undefined;
  readonly #waiters = new Set<Waiter>();
  readonly #oneHops = new Set<Circuit>();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #failures = new Map<string, number>();
  readonly #messages: RepeatedMessages;
  #built = 0;
  #sweepTimer: Timer | undefined;
  #overdueTimer: Timer | undefined;
  #forecastTimer: Timer | undefined;

  constructor(parts: CircuitManagerParts) {
    this.#parts = parts;
    const { runtime, maxDirtiness, forecast, longLivedPorts, backoff, buildTimeout } = parts;
    this.#ready = new ReadyCircuits({
      clock: runtime.clock,
      maxDirtiness,
      longLivedPorts,
      mayServe: parts.mayServe,
      unusedTimeout: () => forecast.unusedTimeout(),
      onGone: () => this.#balance(),
    });
    this.#check = new CircuitCheck({
      runtime,
      timeout: () => within(CHECK_TIMEOUT, buildTimeout()),
      askGuard: async ({ guard }, signal) => {
        const circuit = await this.oneHop(guard, signal);
        circuit.close();
      },
      onSilentGuard: (ready, leg) => this.#onSilentGuard(ready, leg),
      onSilent: (ready) => this.#suspects.add(ready.suspects),
    });
    this.#builds = new PendingBuilds(() => within(OVERDUE, buildTimeout()));
    this.#suspects = new SuspectRelays(runtime.clock);
    this.#pause = new RetryPause(runtime, backoff, () => this.#balance());
    this.#sets = parts.conflux && new ConfluxSets({
      ...parts.conflux,
      runtime,
      backoff,
      ready: this.#ready,
      target: () => forecast.expected,
      avoided: () => new Set(this.#suspects.current()),
      onBuilt: (built, target) => {
        this.#ready.add(built, target);
        parts.onSetBuilt?.();
        this.#balance();
      },
      onRetry: () => this.#balance(),
    });
    this.#messages = new RepeatedMessages(() => runtime.clock.monotonic());
    this.#scheduleSweep();
  }

  /** Circuits for streams that are open now. */
  get circuits(): readonly OpenCircuit[] {
    const now = this.#parts.runtime.clock.monotonic();
    return [...this.#ready].map(({ built, isolationKey, isUsable, openedAt }) => ({
      ...built,
      isolationKey,
      isUsable,
      age: now - openedAt,
    }));
  }

  /** How many circuits there are of each kind. */
  statistics(): CircuitStatistics {
    const ready = [...this.#ready];
    return {
      clean: ready.filter(({ isClean }) => isClean).length,
      used: ready.filter(({ isClean }) => !isClean).length,
      confluxSets: ready.filter(({ isSet }) => isSet).length,
      confluxQueued: this.#parts.conflux?.builder.memory.used ?? 0,
      building: this.#builds.size,
      oneHop: this.#oneHops.size,
      waitingStreams: this.#waiters.size,
      pausesInARow: this.#pause.failures,
      built: this.#built,
      failures: this.#failures,
    };
  }

  /** The directory has changed, or the client wakes: what waits is looked at again. */
  update(): void {
    this.#pause.reset();
    this.#balance();
  }

  /**
   * An open circuit for a stream: one that carries streams of the same isolation, or a fresh one.
   * It waits until the directory allows circuits.
   *
   * @throws CircuitError `no-exit` when no relay serves the target, or the signal's reason
   */
  pick(request: CircuitRequest, signal: AbortSignal): Promise<PickedCircuit> {
    signal.throwIfAborted();
    this.#stopping.signal.throwIfAborted();
    this.#parts.forecast.noteUsed(request.target);
    const ready = this.#claim(request);
    if (ready !== undefined) {
      this.#balance();
      return Promise.resolve(ready);
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
      };
      const done = () => {
        signal.removeEventListener("abort", onAbort);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        request,
        resolve: (circuit) => (done(), resolve(circuit)),
        reject: (error) => (done(), reject(error)),
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#pause.hurry(this.#waiters.size === 0);
      this.#waiters.add(waiter);
      this.#balance();
    });
  }

  /**
   * A circuit of one hop, for a directory request.
   *
   * @throws CircuitError or ChannelError, or the signal's reason
   */
  async oneHop(target: ChannelTarget & FirstHop, signal: AbortSignal): Promise<Circuit> {
    const until = AbortSignal.any([signal, this.#stopping.signal]);
    const circuit = await this.#parts.builder.oneHop(target, until);
    if (until.aborted) {
      circuit.close();
      throw until.reason;
    }
    this.#oneHops.add(circuit);
    circuit.whenClosed.then(() => this.#oneHops.delete(circuit));
    return circuit;
  }

  /** Closes all circuits and gives up what is being built; resolves when nothing runs any more. */
  async close(): Promise<void> {
    const stopping = new CircuitError("circuit-closed", "the client is stopping");
    this.#stopping.abort(stopping);
    this.#sweepTimer?.cancel();
    this.#overdueTimer?.cancel();
    this.#forecastTimer?.cancel();
    this.#pause.reset();
    for (const waiter of [...this.#waiters]) waiter.reject(stopping);
    this.#ready.close(stopping);
    for (const circuit of [...this.#oneHops]) circuit.close(stopping);
    await Promise.all([...this.#running, this.#sets?.close(stopping)]);
    await this.#parts.builder.close();
  }

  #claim(request: CircuitRequest): PickedCircuit | undefined {
    const avoided = new Set([...this.#suspects.current(), ...request.avoided]);
    const ready = this.#ready.claim({ ...request, avoided });
    if (ready === undefined) return undefined;
    const { circuit, guardChoice, exit } = ready.built;
    return {
      circuit,
      exit,
      pathBias: guardChoice.pathBias,
      suspects: () => ready.suspects,
      retire: () => ready.retire(),
      check: () => this.#check.check(ready),
    };
  }

  /** Serves the waiters, and starts what has to be built for them and ahead of need. */
  #balance(): void {
    if (this.#stopping.signal.aborted) return;
    for (const waiter of [...this.#waiters]) {
      const picked = this.#claim(waiter.request);
      if (picked !== undefined) waiter.resolve(picked);
    }
    const netDir = this.#parts.usableNetDir();
    if (netDir === undefined || this.#pause.isOn) return;

    const now = this.#parts.runtime.clock.monotonic();
    const timely = this.#builds.timely(now);
    // A build serves its own isolation; one that nobody has claimed serves whoever comes first.
    const free = new Set(timely.filter(({ request }) => request === undefined));
    // Those that are overdue still come: only streams get others in their place.
    const late = this.#builds.aheadOfNeed.filter((build) => !free.has(build));
    for (const { request } of this.#waiters) {
      if (isCovered(request, timely, free)) continue;
      const build = this.#start(netDir, request.target, request);
      if (build === undefined) break;
      timely.push(build);
    }
    this.#buildAhead(netDir, [...late, ...free].map(({ target }) => target));
    this.#watchOverdue(now);
    if (this.#waiters.size === 0) this.#sets?.balance(netDir);
  }

  /** Starts what the forecast wants, and looks again when it says so. */
  #buildAhead(netDir: NetDir, planned: ExitTarget[]): void {
    this.#forecastTimer?.cancel();
    this.#forecastTimer = undefined;
    for (;;) {
      const advice = this.#parts.forecast.next(this.#ready, planned);
      if (advice.kind === "wait") {
        if (advice.delay === undefined) return;
        const { clock } = this.#parts.runtime;
        this.#forecastTimer = clock.setTimer(() => this.#balance(), advice.delay);
        return;
      }
      if (this.#start(netDir, advice.target) === undefined) return;
      planned.push(advice.target);
    }
  }

  /** Looks again when a build becomes overdue while streams wait. */
  #watchOverdue(now: number): void {
    this.#overdueTimer?.cancel();
    this.#overdueTimer = undefined;
    if (this.#waiters.size === 0) return;
    const delay = this.#builds.nextOverdue(now);
    if (delay === undefined) return;
    this.#overdueTimer = this.#parts.runtime.clock.setTimer(() => this.#balance(), delay);
  }

  #start(netDir: NetDir, target: ExitTarget, request?: CircuitRequest): Build | undefined {
    const { runtime, maxPending } = this.#parts;
    const now = runtime.clock.monotonic();
    // While circuits fail one after the other, one at a time is enough to find out when that ends.
    const limit = this.#pause.failures > 0 ? 1 + this.#builds.overdue(now) : maxPending;
    const isFull = this.#builds.unfinished >= Math.min(limit, maxPending) ||
      this.#builds.size >= 2 * maxPending;
    if (isFull) return undefined;
    const build: Build = { request, target, since: now, progress: undefined };
    const avoided = new Set([
      ...this.#builds.suspects(now),
      ...this.#suspects.current(),
      ...request?.avoided ?? [],
    ]);
    this.#builds.add(build);
    const run = this.#run(netDir, build, avoided);
    this.#running.add(run);
    run.then(() => this.#running.delete(run));
    return build;
  }

  async #run(netDir: NetDir, build: Build, avoided: ReadonlySet<RsaIdentity>): Promise<void> {
    const { builder, onBuilt } = this.#parts;
    const { signal } = this.#stopping;
    const { target, request } = build;
    try {
      const built = await builder.build(netDir, {
        target,
        excludedExits: request?.excludedExits ?? new Set(),
        avoided,
        anyCircuitOpen: () => [...this.#ready].some(({ isUsable }) => isUsable),
        onProgress: (progress) => build.progress = progress,
      }, signal);
      this.#builds.delete(build);
      this.#pause.reset();
      if (signal.aborted) return built.circuit.close();
      this.#ready.add(built, target);
      if (request === undefined) this.#parts.forecast.noteBuilt(target, built.exit);
      this.#built++;
      onBuilt?.(this.#parts.runtime.clock.monotonic() - build.since);
    } catch (error) {
      this.#builds.delete(build);
      if (signal.aborted) return;
      this.#onFailure(build, error);
    }
    this.#balance();
  }

  #onFailure(build: Build, error: unknown): void {
    const code = error instanceof TorError ? error.code : "unknown";
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
    this.#messages.say(
      code,
      `A circuit could not be built: ${describeError(error)}`,
      (text) => log.info(text),
    );
    if (error instanceof CircuitError && error.code === "no-exit") {
      for (const waiter of [...this.#waiters]) {
        if (isNoWider(waiter.request, build.request)) waiter.reject(error);
      }
      if (build.request !== undefined) return;
      this.#parts.forecast.noteBuilt(build.target, undefined);
    }
    if (error instanceof CircuitError && REFUSALS.has(error.code)) {
      // A relay that cannot be reached from one other now will hardly be from the next.
      const { extendingTo } = build.progress ?? {};
      if (extendingTo !== undefined) this.#suspects.add([extendingTo]);
    }
    const lasted = this.#parts.runtime.clock.monotonic() - build.since;
    this.#pause.noteFailure(error, lasted, this.#waiters.size > 0);
  }

  /** No circuit through a guard that has fallen silent takes new streams, wherever it stands. */
  #onSilentGuard(silent: ReadyCircuit, leg: BuiltCircuit): void {
    const { rsaIdentity } = leg.guard;
    log.info("The guard of that circuit is silent: no circuit through it takes more streams");
    silent.silentGuards.add(rsaIdentity);
    for (const other of [...this.#ready]) {
      if (!other.passes(new Set([rsaIdentity]))) continue;
      if (other.legs.some(({ guard }) => guard.rsaIdentity === rsaIdentity)) {
        other.silentGuards.add(rsaIdentity);
      }
      other.retire();
    }
    this.#parts.onSilentGuard?.(leg);
  }

  /** No open circuit takes new streams any more: the guards are others now. */
  retireAll(): void {
    for (const ready of [...this.#ready]) ready.retire();
    this.#balance();
  }

  #scheduleSweep(): void {
    this.#sweepTimer = this.#parts.runtime.clock.setTimer(() => {
      this.#ready.sweep();
      this.#balance();
      this.#scheduleSweep();
    }, this.#parts.sweepInterval);
  }
}

function within({ least, most }: { least: number; most: number }, value: number): number {
  return Math.min(Math.max(value, least), most);
}
