/**
 * The circuits of the client: builds them ahead of need, gives them to streams, keeps streams of
 * different isolation apart, and closes circuits that are old.
 *
 * @module
 */
import type { ChannelTarget } from "../channel/connect.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import { Logger } from "../observe/log.ts";
import { exitAllows, type ExitTarget } from "../path/exit_target.ts";
import type { Timer } from "../runtime/clock.ts";
import { randomBelow } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Circuit, FirstHop } from "./circuit.ts";
import type { BuiltCircuit, CircuitBuilder } from "./circuit_builder.ts";
import { CircuitError } from "./errors.ts";

const log = new Logger("circuit");

/** Circuits that are kept ready for streams to come. */
const SPARE_CIRCUITS = 2;
/** The ports that streams to come are expected to go to. */
const PREDICTED_PORTS = [443, 80];
const PREDICTED: ExitTarget = { kind: "any-port", ports: PREDICTED_PORTS };
/** Circuits that may be under construction at once. */
const MOST_BUILDS = 32;
/** How long a circuit that was never used is kept, in ms, before a random part is added. */
const UNUSED_TIMEOUT = 1800_000;
/** Failures in a row after which the next attempt waits, and the longest wait, in ms. */
const FREE_FAILURES = 3;
const LONGEST_WAIT = 10_000;

/** What a stream wants of a circuit. */
export interface CircuitRequest {
  readonly target: ExitTarget;
  /** Streams with different keys never share a circuit. */
  readonly isolationKey: string;
  /** Exits that have been tried in vain. */
  readonly excludedExits: ReadonlySet<RsaIdentity>;
}

/** A circuit for streams. */
export interface PickedCircuit {
  readonly circuit: Circuit;
  readonly exit: Relay;
  /** Takes the circuit from further new streams; those on it go on. */
  retire(): void;
}

/** A circuit for streams and how it may be used. */
interface ReadyCircuit extends PickedCircuit, BuiltCircuit {
  /** Whose streams it carries; undefined until the first. */
  isolationKey: string | undefined;
  /** When the first stream was put on it, or else when it was built; monotonic ms. */
  since: number;
  /** How long it is kept without ever being used, in ms. */
  readonly unusedTimeout: number;
  retired: boolean;
}

/** A circuit under construction; one that was started for a request is for that isolation alone. */
interface Build {
  readonly isolationKey: string | undefined;
  readonly target: ExitTarget;
  readonly excludedExits: ReadonlySet<RsaIdentity>;
}

interface Waiter {
  readonly request: CircuitRequest;
  resolve(circuit: PickedCircuit): void;
  reject(error: unknown): void;
}

/** What {@link CircuitManager} works with. */
export interface CircuitManagerParts {
  readonly runtime: Runtime;
  readonly builder: Pick<CircuitBuilder, "build" | "oneHop">;
  /** The directory, once there is enough of it to build circuits; else undefined. */
  readonly usableNetDir: () => NetDir | undefined;
  /** How long after its first stream a circuit takes new streams, in ms (MaxCircuitDirtiness). */
  readonly maxDirtiness: number;
  /** How often old circuits, and the need for new ones, are looked at, in ms (NewCircuitPeriod). */
  readonly sweepInterval: number;
  /** Called when a circuit for streams was built. */
  readonly onBuilt?: () => void;
}

/** Owns the circuits for streams. */
export class CircuitManager {
  readonly #parts: CircuitManagerParts;
  readonly #ready = new Set<ReadyCircuit>();
  readonly #builds = new Set<Build>();
  readonly #waiters = new Set<Waiter>();
  readonly #oneHops = new Set<Circuit>();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #failures = 0;
  #retryTimer: Timer | undefined;
  #sweepTimer: Timer | undefined;

  constructor(parts: CircuitManagerParts) {
    this.#parts = parts;
    this.#scheduleSweep();
  }

  /** Circuits for streams that are open now. */
  get circuits(): readonly BuiltCircuit[] {
    return [...this.#ready];
  }

  /** The directory has changed, or the network is back: what waits is looked at again. */
  update(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
    this.#failures = 0;
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
    const ready = this.#find(request);
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
    this.#retryTimer?.cancel();
    for (const waiter of [...this.#waiters]) waiter.reject(stopping);
    for (const { circuit } of [...this.#ready]) circuit.close(stopping);
    for (const circuit of [...this.#oneHops]) circuit.close(stopping);
    await Promise.all(this.#running);
  }

  /** The best ready circuit for a request, claimed for its isolation. */
  #find(request: CircuitRequest): ReadyCircuit | undefined {
    let fresh: ReadyCircuit | undefined;
    for (const ready of this.#ready) {
      if (!this.#serves(ready, request)) continue;
      if (ready.isolationKey === request.isolationKey) return ready;
      if (ready.isolationKey === undefined) fresh ??= ready;
    }
    if (fresh === undefined) return undefined;
    fresh.isolationKey = request.isolationKey;
    fresh.since = this.#parts.runtime.clock.monotonic();
    return fresh;
  }

  #serves(ready: ReadyCircuit, request: CircuitRequest): boolean {
    const { circuit, exit, retired, isolationKey, since } = ready;
    if (circuit.closedBy !== undefined || retired) return false;
    if (request.excludedExits.has(exit.rsaIdentity) || !exitAllows(exit, request.target)) {
      return false;
    }
    const age = this.#parts.runtime.clock.monotonic() - since;
    return isolationKey === undefined || age < this.#parts.maxDirtiness;
  }

  /** Serves the waiters, and starts what has to be built for them and ahead of need. */
  #balance(): void {
    if (this.#stopping.signal.aborted) return;
    for (const waiter of [...this.#waiters]) {
      const ready = this.#find(waiter.request);
      if (ready !== undefined) waiter.resolve(ready);
    }
    const netDir = this.#parts.usableNetDir();
    if (netDir === undefined || this.#retryTimer !== undefined) return;

    // A build serves its own isolation; one that nobody has claimed serves whoever comes first.
    const free = new Set([...this.#builds].filter((build) => build.isolationKey === undefined));
    for (const { request } of this.#waiters) {
      if (this.#isCovered(request, free)) continue;
      this.#start(netDir, request.target, request.isolationKey, request.excludedExits);
    }
    let spare = free.size;
    for (const ready of this.#ready) {
      if (ready.isolationKey === undefined && !ready.retired) spare++;
    }
    for (; spare < SPARE_CIRCUITS; spare++) {
      this.#start(netDir, PREDICTED, undefined, new Set());
    }
  }

  #isCovered(request: CircuitRequest, free: Set<Build>): boolean {
    for (const build of this.#builds) {
      if (build.isolationKey === request.isolationKey && isFor(build, request)) return true;
    }
    for (const build of free) {
      if (!isFor(build, request)) continue;
      free.delete(build);
      return true;
    }
    return false;
  }

  #start(
    netDir: NetDir,
    target: ExitTarget,
    isolationKey: string | undefined,
    excludedExits: ReadonlySet<RsaIdentity>,
  ): void {
    if (this.#builds.size >= MOST_BUILDS) return;
    const build: Build = { isolationKey, target, excludedExits };
    this.#builds.add(build);
    const run = this.#run(netDir, build);
    this.#running.add(run);
    run.then(() => this.#running.delete(run));
  }

  async #run(netDir: NetDir, build: Build): Promise<void> {
    const { builder } = this.#parts;
    const { signal } = this.#stopping;
    try {
      const built = await builder.build(netDir, build.target, build.excludedExits, signal);
      this.#builds.delete(build);
      this.#failures = 0;
      if (signal.aborted) built.circuit.close();
      else this.#add(built);
    } catch (error) {
      this.#builds.delete(build);
      if (signal.aborted) return;
      this.#onFailure(build, error);
    }
    this.#balance();
  }

  #add(built: BuiltCircuit): void {
    const { runtime } = this.#parts;
    const ready: ReadyCircuit = {
      ...built,
      isolationKey: undefined,
      since: runtime.clock.monotonic(),
      unusedTimeout: UNUSED_TIMEOUT + randomBelow(runtime.random, UNUSED_TIMEOUT),
      retired: false,
      retire: () => this.#retire(ready),
    };
    const { circuit } = built;
    this.#ready.add(ready);
    circuit.whenClosed.then(() => {
      this.#ready.delete(ready);
      this.#balance();
    });
    circuit.onStreamEnded = () => {
      if (ready.retired && circuit.streamCount === 0) circuit.close();
    };
    this.#parts.onBuilt?.();
  }

  #retire(ready: ReadyCircuit): void {
    ready.retired = true;
    if (ready.circuit.streamCount === 0) ready.circuit.close();
  }

  #onFailure(build: Build, error: unknown): void {
    log.info(`A circuit could not be built: ${describeError(error)}`);
    if (error instanceof CircuitError && error.code === "no-exit") {
      for (const waiter of [...this.#waiters]) {
        if (isFor(build, waiter.request)) waiter.reject(error);
      }
      if (build.isolationKey !== undefined) return;
    }
    this.#failures++;
    if (this.#failures <= FREE_FAILURES || this.#retryTimer !== undefined) return;
    // Twice as long after each failure, with a random part so that clients do not beat in time.
    const { clock, random } = this.#parts.runtime;
    const wait = Math.min(100 * 2 ** (this.#failures - FREE_FAILURES), LONGEST_WAIT);
    this.#retryTimer = clock.setTimer(() => {
      this.#retryTimer = undefined;
      this.#balance();
    }, wait / 2 + randomBelow(random, wait / 2));
  }

  #scheduleSweep(): void {
    this.#sweepTimer = this.#parts.runtime.clock.setTimer(() => {
      this.#sweep();
      this.#scheduleSweep();
    }, this.#parts.sweepInterval);
  }

  /** Retires used circuits that are old, and closes those that were never used. */
  #sweep(): void {
    const now = this.#parts.runtime.clock.monotonic();
    for (const ready of [...this.#ready]) {
      const age = now - ready.since;
      const limit = ready.isolationKey === undefined
        ? ready.unusedTimeout
        : this.#parts.maxDirtiness;
      if (age >= limit) this.#retire(ready);
    }
    this.#balance();
  }
}

/** Whether a circuit under construction will serve a request, as far as that is known. */
function isFor(build: Build, request: CircuitRequest): boolean {
  if (request.excludedExits.size > 0) return build.excludedExits === request.excludedExits;
  return JSON.stringify(build.target) === JSON.stringify(request.target) ||
    (build.target === PREDICTED && isPredicted(request.target));
}

function isPredicted(target: ExitTarget): boolean {
  switch (target.kind) {
    case "address":
      return target.family === 4 && PREDICTED_PORTS.includes(target.port);
    case "name":
      return PREDICTED_PORTS.includes(target.port);
    case "resolve":
      return true;
    default:
      return false;
  }
}
