/**
 * One leg of a Conflux set: the circuit, how far both sides are on it, and what waits that came by it.
 *
 * @module
 */
import type { Circuit } from "./circuit.ts";
import type { CircuitStreams } from "./circuit_streams.ts";
import type { CircuitError } from "./errors.ts";
import { MessageQueue, type QueueMemory } from "./message_queue.ts";

/** What a circuit tells the set that it is a leg of. All calls are synchronous. */
export interface LegReceiver {
  /** Those of the set. */
  readonly streams: CircuitStreams;
  /**
   * A message that is put in order has come from the last hop.
   *
   * @throws CircuitError to have the circuit closed
   */
  onMultiplexed(
    command: number,
    streamId: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
  ): void;
  /**
   * SWITCH has come from the last hop.
   *
   * @param relative by how much the sequence number of the leg jumps
   * @throws CircuitError to have the circuit closed
   */
  onSwitch(relative: number): void;
  /** The circuit may be able to take more. */
  onRoom(): void;
  /** The circuit is closed. */
  onLegClosed(error: CircuitError): void;
}

/** A circuit that is linked, and the round-trip time that was seen when it was. */
export interface LinkedCircuit {
  readonly circuit: Circuit;
  /** From LINK to LINKED, in microseconds. */
  readonly roundTripTime: number;
}

/** What of its set a leg hands on to: as in {@link LegReceiver}, with the leg that it concerns. */
export interface LegOwner {
  /** Those of the set. */
  readonly streams: CircuitStreams;
  /** @throws CircuitError to have the circuit closed */
  onMultiplexed(
    leg: ConfluxLeg,
    command: number,
    streamId: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
  ): void;
  /** @throws CircuitError to have the circuit closed */
  onSwitch(leg: ConfluxLeg, relative: number): void;
  /** The circuit is closed. */
  onLegClosed(leg: ConfluxLeg, error: CircuitError): void;
}

/** A leg as its set has it. Sequence numbers begin at 1; 0 stands for no message. */
export class ConfluxLeg implements LegReceiver {
  readonly circuit: Circuit;
  readonly streams: CircuitStreams;
  /** The sequence number of the last message on this leg, or of that before a SWITCH. */
  lastReceived = 0;
  lastSent = 0;
  /** Whether SWITCH was the last thing to come that concerns sequence numbers. */
  hasSwitched = false;
  /** What came by this leg before others that it follows. */
  readonly queue: MessageQueue;
  readonly #owner: LegOwner;
  readonly #linkTime: number;

  constructor({ circuit, roundTripTime }: LinkedCircuit, owner: LegOwner, memory: QueueMemory) {
    this.circuit = circuit;
    this.#linkTime = roundTripTime;
    this.#owner = owner;
    this.streams = owner.streams;
    this.queue = new MessageQueue(memory);
  }

  /** In microseconds: the average of congestion control, at first that of linking. */
  get roundTripTime(): number {
    return this.circuit.congestion.roundTripTime || this.#linkTime;
  }

  /** Whether more is on its way than the last SENDMEs leave open. */
  get hasDataInFlight(): boolean {
    const { inflight, increment } = this.circuit.congestion;
    return inflight >= increment;
  }

  onMultiplexed(
    command: number,
    streamId: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
  ): void {
    this.#owner.onMultiplexed(this, command, streamId, buffer, offset, length);
  }

  onSwitch(relative: number): void {
    this.#owner.onSwitch(this, relative);
  }

  onRoom(): void {
    this.streams.run();
  }

  onLegClosed(error: CircuitError): void {
    this.#owner.onLegClosed(this, error);
  }
}
