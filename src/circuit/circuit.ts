/**
 * One circuit: its hops, its relay crypto, its windows, and the streams on its last hop.
 *
 * @module
 */
import type { CellReceiver, Channel } from "../channel/channel.ts";
import type { ChannelError } from "../channel/errors.ts";
import {
  CellCommand,
  cellCommandName,
  isRelayCommand,
  RelayCommand,
  relayCommandName,
} from "../cell/command.ts";
import {
  decodeCreated2,
  encodeCreate2,
  encodeExtend2,
  type ExtendTarget,
  HandshakeType,
} from "../cell/create.ts";
import { DESTROY_REASON_NONE, destroyReasonName } from "../cell/destroy.ts";
import {
  CELL_BODY_LENGTH,
  RELAY_DATA_LENGTH,
  RELAY_HEADER_LENGTH,
  relayLength,
  relayStreamId,
  writeRelayHeader,
} from "../cell/layout.ts";
import { CellError } from "../cell/errors.ts";
import { decodeSendme, encodeSendme } from "../cell/sendme.ts";
import { createFastClientStart } from "../crypto/create_fast.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { ntorClientStart } from "../crypto/ntor.ts";
import { RelayCrypto } from "../crypto/relay_crypto.ts";
import { describeError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import { abortable } from "../runtime/deadline.ts";
import { randomBelow, randomBytes, type RandomSource } from "../runtime/random.ts";
import { CircuitError } from "./errors.ts";
import { type HalfOpenStream, HalfOpenStreams } from "./half_open_streams.ts";
import { HopSender, type OnViolation, UNKNOWN_HOP } from "./hop_sender.ts";
import { DeliverWindow, PackageWindow } from "./sendme_window.ts";
import { type PackagingStream, StreamTurns } from "./stream_turns.ts";

const log = new Logger("circuit");

/** RELAY_EARLY cells that relays let through on one circuit. */
const RELAY_EARLY_LIMIT = 8;
/** Zero bytes between a message and its random padding (tor-spec, "Relay cells"). */
const ZEROS_BEFORE_PADDING = 4;
/** Room that a roomy DATA message leaves, in bytes: the zeros and 16 random ones. */
const ROOM_FOR_PADDING = ZEROS_BEFORE_PADDING + 16;

/** What a circuit gives the messages of one stream to. All calls are synchronous. */
export interface StreamReceiver extends PackagingStream {
  /**
   * A message for this stream; its body is `length` bytes of `buffer` from `offset` on, valid only
   * during the call.
   *
   * @throws to have the whole circuit closed for a protocol violation
   */
  onMessage(command: number, buffer: Uint8Array, offset: number, length: number): void;
  /** Called once when the circuit is closed under the stream. */
  onCircuitClosed(error: CircuitError): void;
}

/** The relay that a circuit starts at. */
export interface FirstHop {
  readonly rsaIdentity: RsaIdentity;
  /** The ntor onion key, 32 bytes; unknown before the first consensus. */
  readonly onionKey?: Uint8Array | undefined;
}

/** A relay that a circuit is to be extended to. */
export interface Hop extends ExtendTarget {
  /** The ntor onion key: 32 bytes. */
  readonly onionKey: Uint8Array;
}

/** What a circuit uses of its channel. */
export type CircuitChannel = Pick<
  Channel,
  | "attach"
  | "detach"
  | "beginCell"
  | "outgoing"
  | "sendCell"
  | "congested"
  | "addDrainListener"
  | "removeDrainListener"
  | "closedBy"
  | "traffic"
>;

/** A circuit. It exists from its first hop on, and until it is closed from either side. */
export class Circuit implements CellReceiver {
  /** The circuit's number in logs. */
  readonly number: number;
  /** Resolves, never rejects, with the reason when the circuit is closed. */
  readonly whenClosed: Promise<CircuitError>;
  /** Called when a stream has left the circuit. */
  onStreamEnded: (() => void) | undefined;

  readonly #channel: CircuitChannel;
  readonly #random: RandomSource;
  readonly #id: number;
  readonly #crypto = new RelayCrypto();
  readonly #streams = new Map<number, StreamReceiver>();
  readonly #halfOpen = new HalfOpenStreams();
  readonly #deliver = new DeliverWindow();
  readonly #package: PackageWindow;
  readonly #sentDigest = () => this.#crypto.sentDigest(this.#crypto.hops - 1);
  readonly #turns = new StreamTurns({
    canGoOn: () => this.canPackage && this.#closedBy === undefined,
    onError: (cause) => {
      // The streams have been told if the circuit is closed; anything else is a defect here.
      if (this.#closedBy === undefined) this.#failed(cause);
    },
  });
  readonly #onDrain = () => this.#turns.run();
  #awaited: { readonly command: number; resolve(body: Uint8Array): void } | undefined;
  #relayEarlyLeft: number;
  #cellsReceived = 0;
  #nextStreamId: number;
  #closedBy: CircuitError | undefined;
  readonly #closing = new AbortController();
  readonly #tellClosed: (error: CircuitError) => void;
  readonly #sender = new HopSender();
  readonly #onViolation: OnViolation | undefined;

  static #count = 0;

  private constructor(channel: CircuitChannel, random: RandomSource, onViolation?: OnViolation) {
    this.number = ++Circuit.#count;
    const { promise, resolve } = Promise.withResolvers<CircuitError>();
    this.whenClosed = promise;
    this.#tellClosed = resolve;
    this.#channel = channel;
    this.#random = random;
    this.#onViolation = onViolation;
    this.#package = new PackageWindow(random);
    this.#relayEarlyLeft = RELAY_EARLY_LIMIT - randomBelow(random, 2);
    this.#nextStreamId = 1 + randomBelow(random, 65535);
    this.#id = channel.attach(this);
    channel.addDrainListener(this.#onDrain);
  }

  /**
   * Makes a circuit of one hop: with CREATE_FAST when the relay's onion key is not known, else
   * with CREATE2 and ntor. It resolves when the relay has proved its key.
   *
   * @throws CircuitError, or the signal's reason; the circuit is closed then. ChannelError when the
   * channel is closed already
   */
  static async create(
    channel: CircuitChannel,
    relay: FirstHop,
    random: RandomSource,
    signal: AbortSignal,
    onViolation?: OnViolation,
  ): Promise<Circuit> {
    const circuit = new Circuit(channel, random, onViolation);
    circuit.#sender.add(relay.rsaIdentity);
    try {
      if (relay.onionKey === undefined) {
        const handshake = createFastClientStart(randomBytes(random, 20));
        const reply = circuit.#await(CellCommand.CREATED_FAST, signal);
        channel.sendCell(circuit.#id, CellCommand.CREATE_FAST, handshake.onionSkin);
        circuit.#crypto.addHop(handshake.complete(await reply));
      } else {
        const { rsaIdentity, onionKey } = relay;
        const handshake = ntorClientStart({ rsaIdentity, onionKey }, randomBytes(random, 32));
        const body = encodeCreate2(HandshakeType.NTOR, handshake.onionSkin);
        const reply = circuit.#await(CellCommand.CREATED2, signal);
        channel.sendCell(circuit.#id, CellCommand.CREATE2, body);
        circuit.#crypto.addHop(handshake.complete(decodeCreated2(await reply)));
      }
    } catch (cause) {
      throw circuit.#failed(cause, signal);
    }
    return circuit;
  }

  /**
   * Extends the circuit by one hop with EXTEND2 and ntor. It resolves when the new relay has proved
   * its key.
   *
   * @throws CircuitError, or the signal's reason; the circuit is closed then
   */
  async extend(relay: Hop, signal: AbortSignal): Promise<void> {
    try {
      const handshake = ntorClientStart(relay, randomBytes(this.#random, 32));
      const body = encodeExtend2(relay, HandshakeType.NTOR, handshake.onionSkin);
      const reply = this.#await(RelayCommand.EXTENDED2, signal);
      this.send(RelayCommand.EXTEND2, 0, body);
      this.#sender.add(relay.rsaIdentity);
      const created = await reply;
      this.#sender.hop = this.hops;
      this.#crypto.addHop(handshake.complete(decodeCreated2(created)));
    } catch (cause) {
      throw this.#failed(cause, signal);
    }
  }

  /** How many hops have proved their keys. */
  get hops(): number {
    return this.#crypto.hops;
  }

  /** Why the circuit was closed; undefined while it is open. */
  get closedBy(): CircuitError | undefined {
    return this.#closedBy;
  }

  /** Cells of any kind that its channel has received so far: a sign of life of the first hop. */
  get cellsOnChannel(): number {
    return this.#channel.traffic.cellsReceived;
  }

  /** Cells that were received for this circuit, whatever they carried. */
  get cellsReceived(): number {
    return this.#cellsReceived;
  }

  /** How many streams are open on the circuit; those that wait for their END do not count. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Whether a DATA message can be sent now without waiting. */
  get canPackage(): boolean {
    return this.#package.available > 0 && !this.#channel.congested;
  }

  /** The most data that the next DATA message may carry, in bytes. */
  get nextDataLength(): number {
    return this.#package.nextIsRoomy ? RELAY_DATA_LENGTH - ROOM_FOR_PADDING : RELAY_DATA_LENGTH;
  }

  /**
   * Gives a new stream a free id.
   *
   * @throws CircuitError when the circuit is closed or all ids are taken
   */
  attachStream(receiver: StreamReceiver): number {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    if (this.#streams.size + this.#halfOpen.size >= 65535) {
      throw new CircuitError("circuit-full", "all stream ids of the circuit are in use");
    }
    for (;;) {
      const id = this.#nextStreamId;
      this.#nextStreamId = id === 65535 ? 1 : id + 1;
      if (this.#streams.has(id) || this.#halfOpen.has(id)) continue;
      this.#streams.set(id, receiver);
      return id;
    }
  }

  /**
   * Lets a stream go.
   *
   * @param halfOpen what may still come for it, when it was we who ended it
   */
  detachStream(streamId: number, halfOpen?: HalfOpenStream): void {
    const receiver = this.#streams.get(streamId);
    if (receiver === undefined) return;
    this.#streams.delete(streamId);
    this.#turns.delete(receiver);
    if (halfOpen !== undefined) this.#halfOpen.add(streamId, halfOpen);
    this.onStreamEnded?.();
  }

  /**
   * Has a stream called to send its data: at once as far as the circuit can take it, taking turns
   * with the streams that wait already, and again whenever the circuit can take more.
   */
  requestPackaging(receiver: StreamReceiver): void {
    this.#turns.add(receiver);
  }

  /**
   * Sends a message to the last hop.
   *
   * @throws CircuitError when the circuit is closed
   */
  send(command: number, streamId: number, body: Uint8Array): void {
    this.#send(command, streamId, body, 0, body.length);
  }

  /**
   * Sends a DATA message of `length` bytes of `bytes` from `start` on; {@link canPackage} must hold.
   *
   * @throws CircuitError when the circuit is closed
   */
  sendData(streamId: number, bytes: Uint8Array, start: number, length: number): void {
    this.#send(RelayCommand.DATA, streamId, bytes, start, length);
    this.#package.sent(this.#sentDigest);
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
          if (this.#awaited?.command !== command || this.hops > 0) {
            throw violation(`an unexpected ${cellCommandName(command)} cell`);
          }
          this.#resolveAwaited(buffer.slice(bodyOffset, bodyOffset + CELL_BODY_LENGTH));
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
      if (this.#deliver.received()) {
        this.send(RelayCommand.SENDME, 0, encodeSendme(this.#crypto.receivedDigest(hop)));
      }
    } else if (!isRelayCommand(command)) {
      // What later versions of the protocol may bring is ignored, as C tor does.
      return;
    }
    if (streamId !== 0) {
      if (!fromLastHop) throw violation("a stream message from a hop without streams");
      const receiver = this.#streams.get(streamId);
      if (receiver !== undefined) receiver.onMessage(command, buffer, offset, length);
      else if (!this.#halfOpen.accept(streamId, command)) {
        throw violation(`${relayCommandName(command)} for a stream that does not exist`);
      }
      return;
    }
    this.#onCircuitMessage(command, buffer.subarray(offset, offset + length), fromLastHop);
  }

  /** A message for the circuit itself. */
  #onCircuitMessage(command: number, body: Uint8Array, fromLastHop: boolean): void {
    switch (command) {
      case RelayCommand.SENDME:
        if (!fromLastHop) throw violation("a SENDME from a hop without streams");
        this.#package.acknowledged(decodeSendme(body));
        this.#turns.run();
        return;
      case RelayCommand.EXTENDED2:
        if (!fromLastHop || this.#awaited?.command !== command) {
          throw violation("an unexpected EXTENDED2");
        }
        this.#resolveAwaited(body.slice());
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

  #send(
    command: number,
    streamId: number,
    body: Uint8Array,
    start: number,
    length: number,
  ): void {
    const hop = this.hops - 1;
    const early = this.#relayEarlyLeft > 0 && (hop > 0 || command === RelayCommand.EXTEND2);
    if (early) this.#relayEarlyLeft--;
    const channel = this.#channel;
    if (channel.closedBy !== undefined) this.onChannelClosed(channel.closedBy);
    if (this.#closedBy !== undefined) throw this.#closedBy;
    const at = channel.beginCell(this.#id, early ? CellCommand.RELAY_EARLY : CellCommand.RELAY);
    const buffer = channel.outgoing;
    writeRelayHeader(buffer, at, command, streamId, length);
    const dataAt = at + RELAY_HEADER_LENGTH;
    if (start === 0 && length === body.length) buffer.set(body, dataAt);
    else buffer.set(body.subarray(start, start + length), dataAt);
    const paddingAt = dataAt + length + ZEROS_BEFORE_PADDING;
    const end = at + CELL_BODY_LENGTH;
    buffer.fill(0, dataAt + length, Math.min(paddingAt, end));
    if (paddingAt < end) this.#random.fill(buffer.subarray(paddingAt, end));
    this.#crypto.seal(buffer, at, hop);
  }

  #await(command: number, signal: AbortSignal): Promise<Uint8Array> {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    const reply = new Promise<Uint8Array>((resolve) => {
      this.#awaited = { command, resolve };
    });
    const awaited = abortable(abortable(reply, signal), this.#closing.signal);
    // What is to be answered may fail to be sent, and then nobody waits for the answer.
    awaited.catch(() => {});
    return awaited;
  }

  #resolveAwaited(body: Uint8Array): void {
    const awaited = this.#awaited;
    this.#awaited = undefined;
    awaited?.resolve(body);
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
    if (this.hops > 0 || this.#awaited === undefined) {
      log.info(`Closing circuit ${this.number}: ${describeError(error)}`);
    }
    const suspects = signal?.aborted ? [] : this.#sender.suspects(error, this.hops);
    this.close(error);
    for (const relay of suspects) this.#onViolation?.(relay, error.code);
    return signal?.aborted ? signal.reason : error;
  }

  #end(error: CircuitError): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    this.#channel.removeDrainListener(this.#onDrain);
    this.#channel.detach(this.#id);
    this.#closing.abort(error);
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#turns.clear();
    for (const stream of streams) stream.onCircuitClosed(error);
    this.#crypto[Symbol.dispose]();
    this.#tellClosed(error);
  }
}

function violation(what: string, cause?: unknown): CircuitError {
  return new CircuitError("circuit-protocol-violation", `protocol violation: ${what}`, { cause });
}
