/**
 * The circuits that are built: which of them a stream gets, and when each is closed.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { Relay } from "../netdir/relay.ts";
import { type ExitTarget, needsStableRelays } from "../path/exit_target.ts";
import type { Clock } from "../runtime/clock.ts";
import type { BuiltCircuit } from "./circuit_builder.ts";
import type { CircuitError } from "./errors.ts";
import type { StreamCircuit } from "./stream_circuit.ts";

/** What a stream wants of a circuit. */
export interface CircuitRequest {
  readonly target: ExitTarget;
  /** Streams with different keys never share a circuit. */
  readonly isolationKey: string;
  /** Whether each stream makes its circuit young again (KeepAliveIsolateSOCKSAuth). */
  readonly keepAlive: boolean;
  /** Exits that have refused this request. */
  readonly excludedExits: ReadonlySet<RsaIdentity>;
  /** Relays that are better left out, because they have just been silent, but may be used. */
  readonly avoided: ReadonlySet<RsaIdentity>;
}

/** A built circuit and how it may be used. Times are monotonic, in ms. */
export class ReadyCircuit {
  readonly built: BuiltCircuit;
  /** When it is closed if it was never used until then. */
  readonly unusedUntil: number;
  /** Whether Stable relays were wanted for it. */
  readonly isStable: boolean;
  /** Whose streams it carries; undefined until the first. */
  isolationKey: string | undefined;
  /** When it was built. */
  openedAt = 0;
  /** When its first stream was put on it, or the last one that keeps it young. */
  dirtySince = 0;
  /** Whether the end of a stream makes it young again, too (KeepAliveIsolateSOCKSAuth). */
  staysYoung = false;
  /** Its guards that were found not to answer any more. */
  readonly silentGuards = new Set<RsaIdentity>();
  #retired = false;

  constructor(built: BuiltCircuit, unusedUntil: number, isStable: boolean) {
    this.built = built;
    this.unusedUntil = unusedUntil;
    this.isStable = isStable;
  }

  get circuit(): StreamCircuit {
    return this.built.circuit;
  }

  /** Whether it is a Conflux set. */
  get isSet(): boolean {
    return this.built.legs !== undefined;
  }

  /** Its ways to the exit: one, or those of a set. */
  get legs(): readonly BuiltCircuit[] {
    return this.built.legs ?? [this.built];
  }

  /** Whether no stream was ever put on it and it can still take one. */
  get isClean(): boolean {
    return this.isolationKey === undefined && this.isUsable;
  }

  /** Whether it is open and takes new streams. */
  get isUsable(): boolean {
    return !this.#retired && this.circuit.closedBy === undefined;
  }

  /** The relays that may be why it is silent: guards, if they are, else those behind them. */
  get suspects(): readonly RsaIdentity[] {
    if (this.silentGuards.size > 0) return [...this.silentGuards];
    const relays = [...this.legs.map(({ middle }) => middle), this.built.exit];
    return relays.map(({ rsaIdentity }) => rsaIdentity);
  }

  /** Takes it from further new streams; those on it go on, and it is closed after the last. */
  retire(): void {
    this.#retired = true;
    this.closeIfDone();
  }

  /** Closes it when it is retired and its last stream has gone. */
  closeIfDone(): void {
    if (this.#retired && this.circuit.streamCount === 0) this.circuit.close();
  }

  /** Whether one of its relays is among these. */
  passes(relays: ReadonlySet<RsaIdentity>): boolean {
    return this.legs.some(({ guard, middle, exit }) =>
      [guard, middle, exit].some(({ rsaIdentity }) => relays.has(rsaIdentity))
    );
  }
}

/** What {@link ReadyCircuits} is told. */
export interface ReadyCircuitsOptions {
  readonly clock: Clock;
  /** How long after its first stream a circuit takes new streams, in ms (MaxCircuitDirtiness). */
  readonly maxDirtiness: number;
  /** Ports whose circuits are made of Stable relays (LongLivedPorts). */
  readonly longLivedPorts: ReadonlySet<number>;
  /** Whether a circuit that ends at this relay can serve the target, and is allowed to. */
  readonly mayServe: (exit: Relay, target: ExitTarget) => boolean;
  /** How long a circuit is kept that is never used, in ms; asked anew for each. */
  readonly unusedTimeout: () => number;
  /** Called when a circuit has left, after it was closed from whichever side. */
  readonly onGone: (circuit: ReadyCircuit) => void;
}

/** The circuits for streams that are open. */
export class ReadyCircuits {
  readonly #options: ReadyCircuitsOptions;
  readonly #circuits = new Set<ReadyCircuit>();

  constructor(options: ReadyCircuitsOptions) {
    this.#options = options;
  }

  [Symbol.iterator](): IterableIterator<ReadyCircuit> {
    return this.#circuits.values();
  }

  /** How many are open. */
  get size(): number {
    return this.#circuits.size;
  }

  /**
   * Takes in a circuit that was just built.
   *
   * @param target what it was built for
   */
  add(built: BuiltCircuit, target: ExitTarget): void {
    const { clock, longLivedPorts, unusedTimeout, onGone } = this.#options;
    // The relays of sets are chosen Stable whatever they are for.
    const isStable = built.legs !== undefined || needsStableRelays(target, longLivedPorts);
    const now = clock.monotonic();
    const ready = new ReadyCircuit(built, now + unusedTimeout(), isStable);
    ready.openedAt = now;
    this.#circuits.add(ready);
    built.circuit.whenClosed.then(() => {
      this.#circuits.delete(ready);
      onGone(ready);
    });
    built.circuit.onStreamEnded = () => {
      if (ready.staysYoung) ready.dirtySince = clock.monotonic();
      if (built.circuit.streamCount === 0) built.circuit.trim();
      ready.closeIfDone();
    };
  }

  /**
   * The best circuit for a request, claimed for its isolation: one that carries streams of that
   * isolation already, else a clean one; but Conflux sets before all others (as in C tor), and those
   * that pass no relay to be avoided first.
   */
  claim(request: CircuitRequest): ReadyCircuit | undefined {
    const now = this.#options.clock.monotonic();
    let best: ReadyCircuit | undefined;
    let bestRank = -1;
    for (const ready of this.#circuits) {
      const rank = this.#rank(ready, request, now);
      if (rank > bestRank) [best, bestRank] = [ready, rank];
    }
    if (best === undefined) return undefined;
    if (best.isolationKey === undefined || request.keepAlive) best.dirtySince = now;
    best.isolationKey = request.isolationKey;
    best.staysYoung ||= request.keepAlive;
    return best;
  }

  /** Retires the circuits that are old, and those that were not used in time. */
  sweep(): void {
    const now = this.#options.clock.monotonic();
    for (const ready of [...this.#circuits]) {
      if (ready.isolationKey === undefined ? now >= ready.unusedUntil : this.#isOld(ready, now)) {
        ready.retire();
      }
    }
  }

  /** Closes all. */
  close(error: CircuitError): void {
    for (const { circuit } of [...this.#circuits]) circuit.close(error);
  }

  /** How good a circuit is for a request; -1: not at all. */
  #rank(ready: ReadyCircuit, request: CircuitRequest, now: number): number {
    if (!ready.isUsable || !this.#serves(ready, request)) return -1;
    const isOwn = ready.isolationKey === request.isolationKey;
    if (isOwn ? this.#isOld(ready, now) : ready.isolationKey !== undefined) return -1;
    const isSuspect = ready.passes(request.avoided);
    // A set that may be silent has more relays that may be why.
    return (isSuspect ? 0 : 4) + (ready.isSet === isSuspect ? 0 : 2) + (isOwn ? 1 : 0);
  }

  #isOld(ready: ReadyCircuit, now: number): boolean {
    return now - ready.dirtySince >= this.#options.maxDirtiness;
  }

  #serves({ built: { exit }, isStable }: ReadyCircuit, request: CircuitRequest): boolean {
    const { target, excludedExits } = request;
    return !excludedExits.has(exit.rsaIdentity) && this.#options.mayServe(exit, target) &&
      (isStable || !needsStableRelays(target, this.#options.longLivedPorts));
  }
}
