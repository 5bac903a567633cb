/**
 * A Conflux set: several circuits to one exit that carry the same streams (proposal 329; where C tor
 * differs, C tor).
 *
 * Each side counts the messages of streams that it sends, whatever leg they go by. When it changes
 * legs, SWITCH says how many went by others since the last one on this leg. So the receiver knows
 * the sequence number of each message, and gives them to streams in order. SENDMEs and congestion
 * control are each leg's own.
 *
 * @module
 */
import { type ConfluxUx, encodeConfluxSwitch, isMultiplexed } from "../cell/conflux.ts";
import { RelayCommand } from "../cell/command.ts";
import { RELAY_DATA_LENGTH } from "../cell/layout.ts";
import { Logger } from "../observe/log.ts";
import type { RandomSource } from "../runtime/random.ts";
import type { StreamReceiver } from "./circuit_parts.ts";
import { CircuitStreams } from "./circuit_streams.ts";
import { ConfluxLeg, type LegOwner, type LinkedCircuit } from "./conflux_leg.ts";
import {
  chooseLeg,
  type ConfluxSchedule,
  confluxSchedule,
  nearestLeg,
} from "./conflux_schedule.ts";
import { CircuitError } from "./errors.ts";
import { type HalfOpenStream, MOST_IN_FLIGHT } from "./half_open_streams.ts";
import { MOST_MESSAGES_IN_SET, MOST_QUEUED_IN_SET, QueueMemory } from "./message_queue.ts";
import type { StreamCircuit } from "./stream_circuit.ts";
import type { StreamFlowControlParameters } from "./stream_flow_control_parameters.ts";

const log = new Logger("circuit");

/**
 * By how much the sequence number of a leg may be ahead of what streams have got: as many messages
 * as may wait here, and twice those that can be on their way on another leg.
 */
const MOST_AHEAD = MOST_MESSAGES_IN_SET + 2 * MOST_IN_FLIGHT;
/** Sequence numbers jump by less. */
const SWITCH_LIMIT = 2 ** 32 - 1;

/** What a {@link ConfluxSet} is made from. */
export interface ConfluxSetParts {
  /** At least one; all end at the same relay and have congestion control. */
  readonly legs: readonly LinkedCircuit[];
  /** What the exit wishes. */
  readonly desiredUx: ConfluxUx;
  readonly random: RandomSource;
  /** The memory for what comes out of order in all sets. */
  readonly memory: QueueMemory;
}

/** A set. It is open until it is closed, or has lost a leg that it cannot do without. */
export class ConfluxSet implements StreamCircuit, LegOwner {
  readonly number: number;
  readonly whenClosed: Promise<CircuitError>;
  readonly flowControl: StreamFlowControlParameters;
  readonly usesStreamSendmes = false;
  readonly streams: CircuitStreams;
  readonly #tellClosed: (error: CircuitError) => void;
  readonly #schedule: ConfluxSchedule;
  readonly #legs: ConfluxLeg[];
  /** That by which the last message went. */
  #current: ConfluxLeg;
  /** The sequence number of the last message that a stream has got. */
  #delivered = 0;
  #closedBy: CircuitError | undefined;

  /** @throws CircuitError when a leg is closed already; all are closed then */
  constructor({ legs, desiredUx, random, memory }: ConfluxSetParts) {
    const { promise, resolve } = Promise.withResolvers<CircuitError>();
    this.whenClosed = promise;
    this.#tellClosed = resolve;
    this.#schedule = confluxSchedule(desiredUx);
    const queued = new QueueMemory(MOST_QUEUED_IN_SET, memory);
    this.streams = new CircuitStreams(random, {
      canGoOn: () => this.#closedBy === undefined && this.canPackage,
      onError: (cause) => {
        // The streams have been told if the set is closed; anything else is a defect here.
        if (this.#closedBy === undefined) this.close(asCircuitError(cause));
      },
    });
    this.#legs = legs.map((leg) => new ConfluxLeg(leg, this, queued));
    this.#current = nearestLeg(this.#legs);
    const { number, flowControl } = this.#legs[0].circuit;
    this.number = number;
    this.flowControl = flowControl;
    try {
      for (const leg of this.#legs) leg.circuit.joinSet(leg);
    } catch (error) {
      this.close(asCircuitError(error));
      throw error;
    }
  }

  get closedBy(): CircuitError | undefined {
    return this.#closedBy;
  }

  get onStreamEnded(): (() => void) | undefined {
    return this.streams.onStreamEnded;
  }

  set onStreamEnded(listener: (() => void) | undefined) {
    this.streams.onStreamEnded = listener;
  }

  get streamCount(): number {
    return this.streams.size;
  }

  get cellsReceived(): number {
    return this.#legs.reduce((sum, { circuit }) => sum + circuit.cellsReceived, 0);
  }

  get cellsOnChannel(): number {
    return this.#legs.reduce((sum, { circuit }) => sum + circuit.cellsOnChannel, 0);
  }

  get mostInFlight(): number {
    return this.#legs.length * MOST_IN_FLIGHT + this.#queuedMessages;
  }

  trim(): void {
    for (const { circuit } of this.#legs) circuit.trim();
  }

  get canPackage(): boolean {
    return chooseLeg(this.#legs, this.#schedule) !== undefined;
  }

  get nextDataLength(): number {
    return chooseLeg(this.#legs, this.#schedule)?.circuit.nextDataLength ?? RELAY_DATA_LENGTH;
  }

  attachStream(receiver: StreamReceiver): number {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    return this.streams.attach(receiver);
  }

  detachStream(streamId: number, halfOpen?: HalfOpenStream): void {
    this.streams.detach(streamId, halfOpen);
  }

  requestPackaging(receiver: StreamReceiver): void {
    this.streams.requestPackaging(receiver);
  }

  send(command: number, streamId: number, body: Uint8Array): void {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    if (!isMultiplexed(command)) return this.#current.circuit.send(command, streamId, body);
    // What is not data has no window: when all legs are full it stays on its leg.
    const leg = this.#goBy(chooseLeg(this.#legs, this.#schedule) ?? this.#current);
    leg.circuit.send(command, streamId, body);
    leg.lastSent++;
  }

  sendData(streamId: number, bytes: Uint8Array, start: number, length: number): void {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    const leg = this.#goBy(chooseLeg(this.#legs, this.#schedule) ?? this.#current);
    leg.circuit.sendData(streamId, bytes, start, length);
    leg.lastSent++;
  }

  close(error = new CircuitError("circuit-closed", "the circuit was closed")): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    for (const leg of this.#legs) {
      leg.circuit.close(error);
      leg.queue.clear();
    }
    this.streams.close(error);
    this.#tellClosed(error);
  }

  onMultiplexed(
    leg: ConfluxLeg,
    command: number,
    streamId: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
  ): void {
    leg.hasSwitched = false;
    const sequence = ++leg.lastReceived;
    if (sequence === this.#delivered + 1) {
      this.#delivered = sequence;
      this.streams.deliver(command, streamId, buffer, offset, length);
      this.#deliverQueued();
      return;
    }
    if (sequence <= this.#delivered) throw violation("a message that came twice");
    if (this.#isMissingForGood) {
      throw this.#legs.length === 1 ? lost() : violation("messages after a gap on every leg");
    }
    if (this.#queuedMessages >= MOST_MESSAGES_IN_SET) {
      throw new CircuitError("conflux-queue-full", "too many messages came out of order");
    }
    leg.queue.push(sequence, command, streamId, buffer, offset, length);
  }

  onSwitch(leg: ConfluxLeg, relative: number): void {
    // Each SWITCH stands before a message: else it would be a way to mark circuits.
    if (leg.hasSwitched) throw violation("SWITCH after SWITCH");
    leg.hasSwitched = true;
    leg.lastReceived += relative;
    if (leg.lastReceived > this.#delivered + MOST_AHEAD) throw violation("a SWITCH too far");
  }

  onLegClosed(leg: ConfluxLeg, error: CircuitError): void {
    if (this.#closedBy !== undefined) return;
    this.#legs.splice(this.#legs.indexOf(leg), 1);
    if (this.#canDoWithout(leg, error)) {
      log.info(`Conflux set ${this.number} goes on without circuit ${leg.circuit.number}`);
      leg.queue.clear();
      return;
    }
    leg.queue.clear();
    this.close(error);
  }

  /**
   * Whether there are streams, and nothing of theirs was lost with a leg; without any, a new set is
   * better. Unlike C tor, which waits for ever then, also what came by the others and waits for
   * something on it means that something was lost.
   */
  #canDoWithout(leg: ConfluxLeg, { code }: CircuitError): boolean {
    return this.streams.size > 0 &&
      code !== "circuit-protocol-violation" && code !== "conflux-queue-full" &&
      leg !== this.#current && !leg.hasDataInFlight && leg.queue.length === 0 &&
      this.#queuedMessages === 0 &&
      this.#legs.some(({ lastSent }) => lastSent >= leg.lastSent) &&
      this.#legs.some(({ lastReceived }) => lastReceived >= leg.lastReceived);
  }

  /** Whether every leg has come beyond the message that is next: it can come by none of them. */
  get #isMissingForGood(): boolean {
    for (let index = 0; index < this.#legs.length; index++) {
      if (this.#legs[index].lastReceived <= this.#delivered) return false;
    }
    return true;
  }

  get #queuedMessages(): number {
    let sum = 0;
    for (let index = 0; index < this.#legs.length; index++) sum += this.#legs[index].queue.length;
    return sum;
  }

  /** Gives streams what has waited only for what they have just got. */
  #deliverQueued(): void {
    for (let index = 0; index < this.#legs.length;) {
      const { queue } = this.#legs[index];
      if (queue.firstSequence > this.#delivered + 1) {
        index++;
        continue;
      }
      if (queue.firstSequence <= this.#delivered) throw violation("a message that came twice");
      this.#delivered++;
      queue.shift(this.#deliver);
      // The next one may wait on another leg, or the streams may have closed the set.
      index = 0;
    }
  }

  readonly #deliver = (
    command: number,
    streamId: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
  ): void => this.streams.deliver(command, streamId, buffer, offset, length);

  /** Makes a leg the one that the next message goes by. */
  #goBy(leg: ConfluxLeg): ConfluxLeg {
    const before = this.#current;
    if (leg === before) return leg;
    const relative = before.lastSent - leg.lastSent;
    if (relative >= SWITCH_LIMIT) {
      this.close();
      throw new CircuitError("circuit-closed", "the circuit has carried too much for one SWITCH");
    }
    this.#current = leg;
    leg.circuit.send(RelayCommand.CONFLUX_SWITCH, 0, encodeConfluxSwitch(relative));
    leg.lastSent = before.lastSent;
    return leg;
  }
}

function asCircuitError(cause: unknown): CircuitError {
  if (cause instanceof CircuitError) return cause;
  return new CircuitError("circuit-closed", "the streams of the circuit failed", { cause });
}

function lost(): CircuitError {
  return new CircuitError("conflux-leg-lost", "messages were lost with a leg of the circuit");
}

function violation(what: string): CircuitError {
  return new CircuitError("circuit-protocol-violation", `protocol violation: ${what}`);
}
