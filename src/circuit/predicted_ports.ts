/**
 * Which ports will probably be asked for, so that circuits are ready before they are (path-spec,
 * "Clients build circuits preemptively"; C tor: predict_ports.c). Never saved.
 *
 * @module
 */
import type { Relay } from "../netdir/relay.ts";
import { exitAllows, type ExitTarget } from "../path/exit_target.ts";
import { randomFraction, type RandomSource } from "../runtime/random.ts";

/** A port that was used of late. */
export interface PredictedPort {
  /** 1 to 65535. */
  readonly port: number;
  /** Which addresses were asked for; a host name counts as 4, because exits are chosen by that. */
  readonly family: 4 | 6;
}

/** The port that is expected when nothing was used yet. */
const FIRST_PORT = 443;
/** What a name lookup is taken for: any exit that allows it can do lookups. */
const RESOLVE_PORT = 80;
/** How many clean circuits each predicted port should have (C tor: MIN_CIRCUITS_HANDLING_STREAM). */
const CIRCUITS_PER_PORT = 2;
/** With so many clean circuits none is built ahead of need (C tor: MAX_UNUSED_OPEN_CIRCUITS). */
const MOST_UNUSED_CIRCUITS = 14;

/**
 * The ports that were used of late. All times are monotonic, in ms.
 *
 * | when                                           | call                                        |
 * | ---------------------------------------------- | ------------------------------------------- |
 * | a stream to a port is asked for                | {@link noteUsed}                            |
 * | a lookup is asked for                          | {@link noteResolve}                         |
 * | looking which circuits are needed              | {@link ports}, then {@link missingCircuits} |
 * | a circuit that was built ahead of need allows  | {@link forget} with those ports             |
 * | none of the ports it was for, or there was no  |                                             |
 * | exit for them at all                           |                                             |
 * | a circuit was built: how long it is kept       | {@link unusedTimeout}                       |
 */
export class PredictedPorts {
  readonly #drawTimeout: () => number;
  /** When each port was used last. */
  readonly #used = new Map<PredictedPort, number>();
  #timeout = 0;
  #lastUse = 0;

  /**
   * Begins as if port 443 had just been used.
   *
   * @param drawTimeout for how many ms ports are predicted after they were used; asked again after
   * each pause in which there was no prediction (C tor: CircuitsAvailableTimeout)
   */
  constructor(drawTimeout: () => number, now: number) {
    this.#drawTimeout = drawTimeout;
    this.noteUsed(FIRST_PORT, 4, now);
  }

  /** A stream to this port was asked for. */
  noteUsed(port: number, family: 4 | 6, now: number): void {
    if (port === 0) return;
    const known = this.ports(now).find((other) => other.port === port && other.family === family);
    if (this.#used.size === 0) this.#timeout = this.#drawTimeout();
    this.#used.set(known ?? { port, family }, now);
    this.#lastUse = now;
  }

  /** A name lookup was asked for. */
  noteResolve(now: number): void {
    this.noteUsed(RESOLVE_PORT, 4, now);
  }

  /** The ports that are predicted now; none when nothing was used for the whole timeout. */
  ports(now: number): readonly PredictedPort[] {
    for (const [port, used] of this.#used) {
      if (now - used > this.#timeout) this.#used.delete(port);
    }
    return [...this.#used.keys()];
  }

  /** No relay allows these ports: they are not predicted until they are used again. */
  forget(ports: readonly PredictedPort[]): void {
    for (const port of ports) {
      for (const known of this.#used.keys()) {
        if (known.port === port.port && known.family === port.family) this.#used.delete(known);
      }
    }
  }

  /** For how many ms from now circuits are built ahead of need, if nothing is used any more. */
  remaining(now: number): number {
    return Math.max(0, this.#lastUse + this.#timeout - now);
  }

  /**
   * For how many ms a circuit that is built now is kept without use: a little longer than
   * predictions last, so that it is not replaced, and not all are closed at one time.
   */
  unusedTimeout(now: number, random: RandomSource): number {
    const remaining = this.remaining(now);
    return remaining + 1000 + randomFraction(random) * (1000 + remaining / 20);
  }
}

/** A circuit that is open. */
export interface OpenCircuit {
  readonly exit: Relay;
  /** Whether it has never carried a stream and takes new ones. */
  readonly isClean: boolean;
  /**
   * Whether Stable relays were wanted for it (`needsStableRelays`). What it got counts for nothing:
   * where no relay is Stable, others like it would be no better.
   */
  readonly isStable: boolean;
}

/** A circuit under construction that whoever comes first may use. */
export interface PlannedCircuit {
  /** What its exit is chosen for, and its relays Stable for. */
  readonly target: ExitTarget;
}

/** What is missing for the predicted ports. */
export interface MissingCircuits {
  /** The ports with too few circuits. */
  readonly ports: readonly PredictedPort[];
  /** What the next circuit should be for; `undefined` when no further one should be built. */
  readonly target: ExitTarget | undefined;
}

/**
 * Which ports have less than two clean circuits, open or under construction, and what the next
 * circuit should be able to do for them. For long-lived ports only circuits
 * count that were wanted of Stable relays.
 * A circuit under construction counts for all ports it is for; if its exit turns out not to allow
 * some of them, they are missing again when it is open. Pure.
 *
 * @param longLivedPorts C tor: LongLivedPorts
 */
export function missingCircuits(
  predicted: readonly PredictedPort[],
  open: readonly OpenCircuit[],
  planned: readonly PlannedCircuit[],
  longLivedPorts: ReadonlySet<number>,
): MissingCircuits {
  const clean = open.filter(({ isClean }) => isClean);
  const ports = predicted.filter(({ port, family }) => {
    const target: ExitTarget = { kind: "address", family, port };
    const needsStable = longLivedPorts.has(port);
    const serving = clean.filter(({ exit, isStable }) =>
      (isStable || !needsStable) && exitAllows(exit, target)
    );
    const coming = planned.filter((circuit) => isFor(circuit.target, { port, family }));
    return serving.length + coming.length < CIRCUITS_PER_PORT;
  });
  const isFull = clean.length + planned.length >= MOST_UNUSED_CIRCUITS;
  return { ports, target: isFull ? undefined : targetFor(ports) };
}

/** Host names' ports are alternatives for one circuit; an IPv6 port is asked for by itself. */
function targetFor(ports: readonly PredictedPort[]): ExitTarget | undefined {
  const ipv4 = ports.filter(({ family }) => family === 4);
  if (ipv4.length > 0) return { kind: "any-port", ports: ipv4.map(({ port }) => port) };
  return ports.length === 0 ? undefined : { kind: "address", family: 6, port: ports[0].port };
}

/** Whether the exit for a target will probably allow the port. */
function isFor(target: ExitTarget, { port, family }: PredictedPort): boolean {
  switch (target.kind) {
    case "any-port":
      return family === 4 && target.ports.includes(port);
    case "address":
      return family === target.family && port === target.port;
    case "name":
      return family === 4 && port === target.port;
    case "resolve":
    case "internal":
      return false;
  }
}
