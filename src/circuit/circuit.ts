/**
 * One circuit: its hops, its relay crypto, its windows, and the streams on its last hop.
 *
 * @module
 */
import type { CellReceiver } from "../channel/channel.ts";
import type { ChannelError } from "../channel/errors.ts";
import {
  CellCommand,
  cellCommandName,
  isRelayCommand,
  RelayCommand,
  relayCommandName,
} from "../cell/command.ts";
import { DESTROY_REASON_NONE, destroyReasonName } from "../cell/destroy.ts";
import {
  CELL_BODY_LENGTH,
  RELAY_DATA_LENGTH,
  RELAY_HEADER_LENGTH,
  relayLength,
  relayStreamId,
} from "../cell/layout.ts";
import { CellError } from "../cell/errors.ts";
import {
  type ConfluxLink,
  decodeConfluxSwitch,
  encodeConfluxLink,
  isMultiplexed,
} from "../cell/conflux.ts";
import { decodeSendme, encodeSendme } from "../cell/sendme.ts";
import { RelayCrypto } from "../crypto/relay_crypto.ts";
import { describeError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import { AwaitedAnswer } from "./awaited_answer.ts";
import { CircuitFlowControl, congestedFlowControl } from "./circuit_flow_control.ts";
import type { CircuitChannel, CircuitParts, StreamReceiver } from "./circuit_parts.ts";
import { CircuitStreams } from "./circuit_streams.ts";
import type { LegReceiver } from "./conflux_leg.ts";
import { checkLinked } from "./conflux_link.ts";
import { CircuitError } from "./errors.ts";
import { type HalfOpenStream, MOST_IN_FLIGHT } from "./half_open_streams.ts";
import {
  beginFirstHop,
  beginHop,
  type FirstHop,
  type HandshakeChoice,
  type Hop,
  type NewHop,
  NTOR,
} from "./hop_handshake.ts";
import { HopSender, UNKNOWN_HOP } from "./hop_sender.ts";
import { FixedWindow } from "./package_window.ts";
import { RelayMessageWriter, ROOMY_DATA_LENGTH } from "./relay_message_writer.ts";
import type { StreamCircuit } from "./stream_circuit.ts";
import {
  DEFAULT_STREAM_FLOW_CONTROL,
  type StreamFlowControlParameters,
} from "./stream_flow_control_parameters.ts";

export type { CircuitChannel, CircuitParts, StreamReceiver } from "./circuit_parts.ts";
export type { FirstHop, Hop } from "./hop_handshake.ts";

const log = new Logger("circuit");

/** A circuit. It exists from its first hop on, and until it is closed from either side. */
export class Circuit implements CellReceiver, StreamCircuit {
  readonly number: number;
  readonly whenClosed: Promise<CircuitError>;
  readonly mostInFlight = MOST_IN_FLIGHT;

  readonly #channel: CircuitChannel;
  readonly #parts: CircuitParts;
  readonly #id: number;
  readonly #crypto = new RelayCrypto();
  /** Those of its Conflux set, once it is a leg of one. */
  #streams: CircuitStreams;
  #set: LegReceiver | undefined;
  #flow: CircuitFlowControl;
  readonly #sentDigest = () => this.#crypto.sentDigest(this.#crypto.hops - 1);
  readonly #onDrain = () => this.#onRoom();
  readonly #writer: RelayMessageWriter;
  readonly #awaited = new AwaitedAnswer();
  #cellsReceived = 0;
  #closedBy: CircuitError | undefined;
  readonly #closing = new AbortController();
  readonly #tellClosed: (error: CircuitError) => void;
  readonly #sender = new HopSender();

  static #count = 0;

  private constructor(channel: CircuitChannel, parts: CircuitParts) {
    this.number = ++Circuit.#count;
    const { promise, resolve } = Promise.withResolvers<CircuitError>();
    this.whenClosed = promise;
    this.#tellClosed = resolve;
    this.#channel = channel;
    this.#parts = parts;
    this.#flow = new CircuitFlowControl(new FixedWindow(), parts.random);
    this.#streams = new CircuitStreams(parts.random, {
      canGoOn: () => this.canPackage && this.#closedBy === undefined,
      onError: (cause) => {
        // The streams have been told if the circuit is closed; anything else is a defect here.
        if (this.#closedBy === undefined) this.#failed(cause);
      },
    });
    this.#id = channel.attach(this);
    this.#writer = new RelayMessageWriter({
      channel,
      circuitId: this.#id,
      crypto: this.#crypto,
      random: parts.random,
    });
    channel.addDrainListener(this.#onDrain);
  }

  /**
   * Makes a circuit of one hop: with CREATE_FAST when the relay's onion key is not known, else
   * with CREATE2. It resolves when the relay has proved its key.
   *
   * @param choice how, if the onion key is known; ntor unless given
   * @throws CircuitError, or the signal's reason; the circuit is closed then. ChannelError when the
   * channel is closed already
   */
  static async create(
    channel: CircuitChannel,
    relay: FirstHop,
    parts: CircuitParts,
    signal: AbortSignal,
    choice: HandshakeChoice = NTOR,
  ): Promise<Circuit> {
    const circuit = new Circuit(channel, parts);
    circuit.#sender.add(relay.rsaIdentity);
    try {
      const handshake = beginFirstHop(relay, choice, parts.random);
      const answer = circuit.#await(handshake.answerCommand, signal);
      channel.sendCell(circuit.#id, handshake.command, handshake.body);
      circuit.#addHop(handshake.complete(await answer));
    } catch (cause) {
      throw circuit.#failed(cause, signal);
    }
    return circuit;
  }

  /**
   * Extends the circuit by one hop with EXTEND2. It resolves when the new relay has proved its key.
   *
   * @param choice the handshake; ntor unless given
   * @throws CircuitError, or the signal's reason; the circuit is closed then
   */
  async extend(relay: Hop, signal: AbortSignal, choice: HandshakeChoice = NTOR): Promise<void> {
    try {
      const handshake = beginHop(relay, choice, this.#parts.random);
      const answer = this.#await(RelayCommand.EXTENDED2, signal);
      this.send(RelayCommand.EXTEND2, 0, handshake.body);
      this.#sender.add(relay.rsaIdentity);
      const body = await answer;
      this.#sender.hop = this.hops;
      this.#addHop(handshake.complete(body));
    } catch (cause) {
      throw this.#failed(cause, signal);
    }
  }

  /**
   * Asks the last hop to take the circuit as a leg of a Conflux set, and tells it that it has agreed.
   * To be used only on a circuit that has never had streams.
   *
   * @returns what the last hop says of itself
   * @throws CircuitError, or the signal's reason; the circuit is closed then
   */
  async link(asked: ConfluxLink, signal: AbortSignal): Promise<ConfluxLink> {
    try {
      const answer = this.#await(RelayCommand.CONFLUX_LINKED, signal);
      this.send(RelayCommand.CONFLUX_LINK, 0, encodeConfluxLink(asked));
      const body = await answer;
      this.#sender.hop = this.hops - 1;
      const linked = checkLinked(asked, body);
      this.send(RelayCommand.CONFLUX_LINKED_ACK, 0, new Uint8Array(0));
      return linked;
    } catch (cause) {
      throw this.#failed(cause, signal);
    }
  }

  /**
   * What comes for streams goes to a Conflux set from now on, and its streams send by this circuit.
   *
   * @throws CircuitError when the circuit is closed
   */
  joinSet(set: LegReceiver): void {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    this.#set = set;
    this.#streams = set.streams;
  }

  /** The new hop is the last one: what was agreed on with it holds for the circuit. */
  #addHop({ keys, congestionControl }: NewHop): void {
    this.#crypto.addHop(keys);
    if (congestionControl === undefined) return;
    this.#flow = congestedFlowControl(this.number, congestionControl, this.#parts);
    log.debug(`Circuit ${this.number} has congestion control`);
  }

  /** How many hops have proved their keys. */
  get hops(): number {
    return this.#crypto.hops;
  }

  get closedBy(): CircuitError | undefined {
    return this.#closedBy;
  }

  get cellsOnChannel(): number {
    return this.#channel.traffic.cellsReceived;
  }

  get cellsReceived(): number {
    return this.#cellsReceived;
  }

  get onStreamEnded(): (() => void) | undefined {
    return this.#streams.onStreamEnded;
  }

  set onStreamEnded(listener: (() => void) | undefined) {
    this.#streams.onStreamEnded = listener;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  trim(): void {
    this.#crypto.trim();
  }

  get usesStreamSendmes(): boolean {
    return !this.#flow.isCongestionControl;
  }

  get flowControl(): StreamFlowControlParameters {
    return this.#parts.flowControl ?? DEFAULT_STREAM_FLOW_CONTROL;
  }

  get canPackage(): boolean {
    return this.#flow.available > 0 && !this.#channel.congested;
  }

  get nextDataLength(): number {
    return this.#flow.nextIsRoomy ? ROOMY_DATA_LENGTH : RELAY_DATA_LENGTH;
  }

  /** DATA messages that no SENDME has answered, those of a SENDME, and the RTT in us (0: unknown). */
  get congestion(): Pick<CircuitFlowControl, "inflight" | "increment" | "roundTripTime"> {
    return this.#flow;
  }

  attachStream(receiver: StreamReceiver): number {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    return this.#streams.attach(receiver);
  }

  detachStream(streamId: number, halfOpen?: HalfOpenStream): void {
    this.#streams.detach(streamId, halfOpen);
  }

  requestPackaging(receiver: StreamReceiver): void {
    this.#streams.requestPackaging(receiver);
  }

  send(command: number, streamId: number, body: Uint8Array): void {
    this.#send(command, streamId, body, 0, body.length);
  }

  sendData(streamId: number, bytes: Uint8Array, start: number, length: number): void {
    this.#send(RelayCommand.DATA, streamId, bytes, start, length);
    this.#flow.sent(this.#sentDigest);
  }

  /**
   * Closes the circuit: a DESTROY without a reason goes out, whatever `error` says. Closing twice
   * does nothing.
   */
  close(error?: CircuitError): void {
    if (this.#closedBy !== undefined) return;
    try {
      this.#channel.sendCell(this.#id, CellCommand.DESTROY, Uint8Array.of(DESTROY_REASON_NONE));
    } catch {
      // The channel is gone, and the circuit with it.
    }
    this.#end(error ?? new CircuitError("circuit-closed", "the circuit was closed"));
  }

  onChannelClosed(error: ChannelError): void {
    const message = `the channel under the circuit ended: ${error.message}`;
    this.#end(new CircuitError("circuit-channel-lost", message, { cause: error }));
  }

  onCell(command: number, buffer: Uint8Array, bodyOffset: number): void {
    this.#cellsReceived++;
    this.#sender.hop = 0;
    try {
      switch (command) {
        case CellCommand.RELAY:
          this.#onRelayCell(buffer, bodyOffset);
          return;
        case CellCommand.DESTROY: {
          const reason = destroyReasonName(buffer[bodyOffset]);
          this.#end(new CircuitError("circuit-destroyed", `a relay destroyed it: ${reason}`));
          return;
        }
        default:
          // RELAY_EARLY never travels towards the client: it is a way to mark circuits.
          if (this.#awaited.command !== command || this.hops > 0) {
            throw violation(`an unexpected ${cellCommandName(command)} cell`);
          }
          this.#awaited.resolve(buffer.slice(bodyOffset, bodyOffset + CELL_BODY_LENGTH));
      }
    } catch (cause) {
      this.#failed(cause instanceof CellError ? violation(cause.message, cause) : cause);
    }
  }

  #onRelayCell(buffer: Uint8Array, bodyOffset: number): void {
    const hop = this.#crypto.open(buffer, bodyOffset);
    this.#sender.hop = hop < 0 ? UNKNOWN_HOP : hop;
    if (hop < 0) throw violation("a relay cell that no hop sent");
    const command = buffer[bodyOffset];
    const streamId = relayStreamId(buffer, bodyOffset);
    const length = relayLength(buffer, bodyOffset);
    if (length > RELAY_DATA_LENGTH) throw violation("a relay message longer than its cell");
    const offset = bodyOffset + RELAY_HEADER_LENGTH;
    const fromLastHop = hop === this.hops - 1;

    if (command === RelayCommand.DATA) {
      if (!fromLastHop) throw violation("DATA from a hop without streams");
      // Counted before the stream is looked up: also data for streams that are gone.
      if (this.#flow.received()) this.#sendSendme(hop);
    } else if (!isRelayCommand(command)) {
      // What later versions of the protocol may bring is ignored, as C tor does.
      return;
    }
    if (streamId !== 0) {
      if (!fromLastHop) throw violation("a stream message from a hop without streams");
      if (this.#set !== undefined && isMultiplexed(command)) {
        this.#set.onMultiplexed(command, streamId, buffer, offset, length);
      } else this.#streams.deliver(command, streamId, buffer, offset, length);
      return;
    }
    this.#onCircuitMessage(command, buffer.subarray(offset, offset + length), fromLastHop);
  }

  /** A message for the circuit itself. */
  #onCircuitMessage(command: number, body: Uint8Array, fromLastHop: boolean): void {
    switch (command) {
      case RelayCommand.SENDME:
        if (!fromLastHop) throw violation("a SENDME from a hop without streams");
        this.#flow.acknowledged(decodeSendme(body), this.#channel.congested);
        this.#onRoom();
        return;
      case RelayCommand.CONFLUX_SWITCH:
        if (!fromLastHop || this.#set === undefined) throw violation("an unexpected SWITCH");
        this.#set.onSwitch(decodeConfluxSwitch(body));
        return;
      case RelayCommand.EXTENDED2:
      case RelayCommand.CONFLUX_LINKED:
        if (!fromLastHop || this.#awaited.command !== command) {
          throw violation(`an unexpected ${relayCommandName(command)}`);
        }
        this.#awaited.resolve(body.slice());
        return;
      case RelayCommand.TRUNCATED: {
        const reason = destroyReasonName(body.length > 0 ? body[0] : 0);
        throw new CircuitError("circuit-truncated", `a relay truncated the circuit: ${reason}`);
      }
      case RelayCommand.DROP:
        return;
      default:
        throw violation(`an unexpected ${relayCommandName(command)} for the circuit`);
    }
  }

  #onRoom(): void {
    if (this.#set === undefined) this.#streams.run();
    else this.#set.onRoom();
  }

  /** Proves the receipt of the DATA message that has just come from the last hop. */
  #sendSendme(hop: number): void {
    this.send(RelayCommand.SENDME, 0, encodeSendme(this.#crypto.receivedDigest(hop)));
    const { clock, congestionObserver } = this.#parts;
    congestionObserver?.onSendmeSent(this.number, clock.monotonic());
  }

  #send(
    command: number,
    streamId: number,
    body: Uint8Array,
    start: number,
    length: number,
  ): void {
    const { closedBy } = this.#channel;
    if (closedBy !== undefined) this.onChannelClosed(closedBy);
    if (this.#closedBy !== undefined) throw this.#closedBy;
    this.#writer.write(command, streamId, body, start, length);
  }

  #await(command: number, signal: AbortSignal): Promise<Uint8Array> {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    return this.#awaited.expect(command, [signal, this.#closing.signal]);
  }

  /** Closes the circuit for what was thrown, and gives the error to throw on. */
  #failed(cause: unknown, signal?: AbortSignal): unknown {
    // Closed already: what failed is only what came of that.
    if (this.#closedBy !== undefined) return signal?.aborted ? signal.reason : this.#closedBy;
    let error: CircuitError;
    if (cause instanceof CircuitError) error = cause;
    else {
      error = new CircuitError(
        "circuit-handshake-failed",
        describeError(cause),
        { cause },
      );
    }
    if (this.hops > 0 || this.#awaited.command === undefined) {
      log.info(`Closing circuit ${this.number}: ${describeError(error)}`);
    }
    const suspects = signal?.aborted ? [] : this.#sender.suspects(error, this.hops);
    this.close(error);
    for (const relay of suspects) this.#parts.onViolation?.(relay, error.code);
    return signal?.aborted ? signal.reason : error;
  }

  #end(error: CircuitError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    this.#channel.removeDrainListener(this.#onDrain);
    this.#channel.detach(this.#id);
    this.#closing.abort(error);
    if (this.#set === undefined) this.#streams.close(error);
    this.#crypto[Symbol.dispose]();
    this.#tellClosed(error);
    this.#set?.onLegClosed(error);
  }
}

function violation(what: string, cause?: unknown): CircuitError {
  return new CircuitError("circuit-protocol-violation", `protocol violation: ${what}`, { cause });
}
