/**
 * What the circuit manager tells about its circuits.
 *
 * @module
 */
import type { BuiltCircuit } from "./circuit_builder.ts";

/** A circuit for streams, as others may look at it. */
export interface OpenCircuit extends BuiltCircuit {
  /** Whose streams it carries; undefined until the first. It holds passwords. */
  readonly isolationKey: string | undefined;
  /** Milliseconds since it was built. */
  readonly age: number;
  /** Whether it takes new streams. */
  readonly isUsable: boolean;
}

/** How many circuits there are of each kind, and what waits for one. */
export interface CircuitStatistics {
  /** Open, and never used. */
  readonly clean: number;
  /** Open, with streams or after them. */
  readonly used: number;
  /** How many of both are Conflux sets. */
  readonly confluxSets: number;
  /** What messages take that came out of order on sets, in bytes. */
  readonly confluxQueued: number;
  readonly building: number;
  /** For directory requests. */
  readonly oneHop: number;
  /** Streams that wait for a circuit. */
  readonly waitingStreams: number;
  /** Pauses since the last circuit that was built, because circuits failed one after the other. */
  readonly pausesInARow: number;
  /** Circuits for streams that were built since the start. */
  readonly built: number;
  /** Circuits for streams that could not be built, by the code of the error. */
  readonly failures: ReadonlyMap<string, number>;
}
