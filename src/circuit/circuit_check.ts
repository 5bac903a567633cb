/**
 * Finds circuits that have fallen silent.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { Logger } from "../observe/log.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { BuiltCircuit } from "./circuit_builder.ts";
import { CircuitError } from "./errors.ts";
import { probe } from "./probe.ts";
import type { ReadyCircuit } from "./ready_circuits.ts";
import type { StreamCircuit } from "./stream_circuit.ts";

const log = new Logger("circuit");

/** How long the streams of a silent circuit are kept if its guard lives, in ms. */
const LAST_CHANCE = 90_000;

/** What {@link CircuitCheck} works with. */
export interface CircuitCheckParts {
  readonly runtime: Runtime;
  /** How long a circuit has to answer, in ms; asked anew each time. */
  readonly timeout: () => number;
  /** Has the guard of a circuit answer something on the same channel; settles when it has. */
  readonly askGuard: (leg: BuiltCircuit, signal: AbortSignal) => Promise<unknown>;
  /**
   * Called when not even the guard sent anything while an answer of the circuit was waited for; of a
   * set, for each of its legs of which that is true.
   */
  readonly onSilentGuard: (circuit: ReadyCircuit, leg: BuiltCircuit) => void;
  /** Called after that, or instead: a circuit was silent. */
  readonly onSilent: (circuit: ReadyCircuit) => void;
}

/** Probes circuits whose streams wait without an answer, each at most once at a time. */
export class CircuitCheck {
  readonly #parts: CircuitCheckParts;
  readonly #running = new Map<ReadyCircuit, Promise<void>>();
  /** Guards whose answer is waited for. */
  readonly #asked = new Set<RsaIdentity>();
  /** Circuits that have been silent and may be closed for it. */
  readonly #last = new Set<StreamCircuit>();

  constructor(parts: CircuitCheckParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the last hop has answered. A circuit that does not answer is retired: it takes
   * no new streams, but those on it may go on if it comes back to life. When nothing has come for
   * 90 s more though its guard lives it is closed: not every relay tells when the next one is gone,
   * and streams would wait for ever.
   *
   * @throws CircuitError `circuit-silent`, or why the circuit was closed
   */
  check(ready: ReadyCircuit): Promise<void> {
    const running = this.#running.get(ready);
    if (running !== undefined) return running;
    const check = this.#check(ready).finally(() => this.#running.delete(ready));
    this.#running.set(ready, check);
    // Whoever asked may have gone.
    check.catch(() => {});
    return check;
  }

  async #check(ready: ReadyCircuit): Promise<void> {
    const { runtime, timeout, onSilentGuard, onSilent } = this.#parts;
    const { circuit } = ready;
    const limit = Math.round(timeout());
    const before = ready.legs.map((leg) => leg.circuit.cellsOnChannel);
    const late = () => new CircuitError("circuit-silent", `no sign of life in ${limit} ms`);
    try {
      await withDeadline(
        runtime.clock,
        limit,
        late,
        undefined,
        (until) => {
          for (const leg of ready.legs) this.#askGuard(leg, until);
          return probe(circuit, runtime.random, until);
        },
      );
      // A circuit that carries an answer from its end is of use.
      ready.built.guardChoice.pathBias.noteUseSuccess();
    } catch (error) {
      if (error instanceof CircuitError && error.code === "circuit-silent") {
        log.info(`Circuit ${circuit.number} is silent: it takes no more streams`);
        ready.retire();
        ready.legs.forEach((leg, index) => {
          if (leg.circuit.cellsOnChannel === before[index]) onSilentGuard(ready, leg);
        });
        onSilent(ready);
        this.#giveLastChance(ready);
      }
      throw error;
    }
  }

  /** Closes a circuit that stays silent though the probe's answer has all the time in the world. */
  #giveLastChance({ circuit, legs }: ReadyCircuit): void {
    if (circuit.closedBy !== undefined || this.#last.has(circuit)) return;
    this.#last.add(circuit);
    const { cellsReceived } = circuit;
    const cellsOnChannels = () => legs.reduce((sum, leg) => sum + leg.circuit.cellsOnChannel, 0);
    const before = cellsOnChannels();
    const timer = this.#parts.runtime.clock.setTimer(() => {
      this.#last.delete(circuit);
      if (circuit.cellsReceived !== cellsReceived) return;
      // With a silent guard it is the network that is gone, and all streams may come back with it.
      if (cellsOnChannels() === before) return;
      log.info(`Circuit ${circuit.number} stays silent: it is closed`);
      circuit.close(new CircuitError("circuit-silent", `no sign of life in ${LAST_CHANCE} ms`));
    }, LAST_CHANCE);
    circuit.whenClosed.then(() => {
      timer.cancel();
      this.#last.delete(circuit);
    });
  }

  /** Sees to it that there is a cell from the guard if it lives, once for all of its circuits. */
  #askGuard(leg: BuiltCircuit, signal: AbortSignal): void {
    const { rsaIdentity } = leg.guard;
    if (this.#asked.has(rsaIdentity)) return;
    this.#asked.add(rsaIdentity);
    // Whatever comes of it: it is the cells on the channel that are looked at.
    this.#parts.askGuard(leg, signal).catch(() => {})
      .finally(() => this.#asked.delete(rsaIdentity));
  }
}
