/**
 * One circuit at an embedded relay: its layer of relay crypto, the relay further on, and the
 * streams that end here.
 *
 * @module
 */
import type { CellReceiver, Channel } from "../src/channel/channel.ts";
import { CellCommand, RelayCommand } from "../src/cell/command.ts";
import { decodeCreated2, encodeCreate2 } from "../src/cell/create.ts";
import {
  CELL_BODY_LENGTH,
  RELAY_DATA_LENGTH,
  RELAY_HEADER_LENGTH,
  relayLength,
  relayStreamId,
  writeRelayHeader,
} from "../src/cell/layout.ts";
import { decodeSendme, encodeSendme } from "../src/cell/sendme.ts";
import type { HopKeys } from "../src/crypto/relay_crypto.ts";
import { TorError } from "../src/errors/tor_error.ts";
import { isMultiplexed } from "../src/cell/conflux.ts";
import type { CircuitActions, OutgoingCell, OutgoingMessage } from "./behaviour.ts";
import { RelayConfluxSet } from "./relay_conflux.ts";
import type { InboundChannel } from "./inbound_channel.ts";
import { type RelayContext, tell } from "./relay_context.ts";
import { RelayCryptoLayer } from "./relay_layer.ts";
import {
  decodeExtend2,
  DestroyReason,
  encodeCreated2,
  type ExtendRequest,
} from "./relay_messages.ts";
import type { CircuitFlow } from "./relay_protocols.ts";
import { RelayStreams } from "./relay_streams.ts";
import { RelayDeliverWindow, RelayPackageWindow } from "./relay_windows.ts";

/** RELAY_EARLY cells that a relay lets through on one circuit. */
const RELAY_EARLY_LIMIT = 8;
/** Zero bytes between a message and its random padding. */
const ZEROS_BEFORE_PADDING = 4;
/** Room that a roomy DATA message leaves for padding, in bytes. */
const ROOM_FOR_PADDING = 20;

/** What a circuit is made from. */
export interface RelayCircuitParts {
  readonly relay: RelayContext;
  readonly link: InboundChannel;
  readonly circuitId: number;
  readonly number: number;
  readonly keys: HopKeys;
  /** What the handshake has agreed on. */
  readonly flow: CircuitFlow;
}

/** The circuit on the channel to the relay further on. */
interface NextHop {
  readonly channel: Channel;
  readonly id: number;
  created: boolean;
}

/** A circuit, from its handshake until it is closed from either side. */
export class RelayCircuit implements CellReceiver, CircuitActions {
  readonly number: number;
  readonly link: InboundChannel;
  readonly circuitId: number;
  readonly relay: RelayContext;
  /** Whether the handshake has agreed on congestion control. */
  readonly congestionControl: boolean;
  /** DATA messages for each circuit SENDME. */
  readonly sendmeIncrement: number;
  dataReceived = 0;
  dataSent = 0;
  readonly #layer: RelayCryptoLayer;
  readonly #deliver: RelayDeliverWindow;
  readonly #package: RelayPackageWindow;
  readonly #streams: RelayStreams;
  readonly #closing = new AbortController();
  readonly #cell = new Uint8Array(CELL_BODY_LENGTH);
  readonly #sentDigest = () => this.#layer.sentDigest;
  readonly #sendMessage = (message: OutgoingMessage) => this.send(message);
  readonly #sendCell = (cell: OutgoingCell) => this.sendCell(cell.command, cell.body);
  readonly #wake = () => (this.#set?.streams ?? this.#streams).wake();
  #set: RelayConfluxSet | undefined;
  #next: NextHop | "extending" | undefined;
  #relayEarly = 0;

  constructor(parts: RelayCircuitParts) {
    this.relay = parts.relay;
    this.link = parts.link;
    this.circuitId = parts.circuitId;
    this.number = parts.number;
    this.congestionControl = parts.flow.congestionControl;
    this.sendmeIncrement = parts.flow.sendmeIncrement;
    this.#layer = new RelayCryptoLayer(parts.keys);
    this.#deliver = new RelayDeliverWindow(this.sendmeIncrement);
    this.#package = new RelayPackageWindow(this.sendmeIncrement, parts.relay.runtime.random);
    this.#streams = new RelayStreams(this);
    this.link.addDrainListener(this.#wake);
  }

  /** Aborted when the circuit is closed. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Whether a DATA message can be sent now without waiting. */
  get canPackage(): boolean {
    return this.#package.available > 0 && !this.link.congested;
  }

  /** The most data that the next DATA message may carry, in bytes. */
  get nextDataLength(): number {
    return this.#package.nextIsRoomy ? RELAY_DATA_LENGTH - ROOM_FOR_PADDING : RELAY_DATA_LENGTH;
  }

  /** Sends a message to the client, unless the relay's behaviour is another. */
  say(command: number, streamId: number, body: Uint8Array): void {
    this.relay.behaviour.sendMessage({ command, streamId, body }, this, this.#sendMessage);
  }

  send(message: OutgoingMessage): void {
    if (this.signal.aborted) return;
    const { command, streamId, body, length = body.length } = message;
    const cell = this.#cell;
    writeRelayHeader(cell, 0, command, streamId, length);
    cell.set(body, RELAY_HEADER_LENGTH);
    const end = RELAY_HEADER_LENGTH + body.length;
    cell.fill(0, end, end + ZEROS_BEFORE_PADDING);
    if (end + ZEROS_BEFORE_PADDING < CELL_BODY_LENGTH) {
      this.relay.runtime.random.fill(cell.subarray(end + ZEROS_BEFORE_PADDING));
    }
    this.#layer.sealBackward(cell, 0);
    if (command === RelayCommand.DATA) {
      this.dataSent++;
      this.relay.traffic.dataBackward += body.length;
      this.#package.sent(this.#sentDigest);
    }
    this.#sendBackward(cell);
  }

  sendCell(command: number, body: Uint8Array): void {
    if (!this.signal.aborted) this.link.sendCell(this.circuitId, command, body);
  }

  destroy(reason: number): void {
    if (this.signal.aborted) return;
    this.sendCell(CellCommand.DESTROY, Uint8Array.of(reason));
    this.#dropNext(reason);
    this.#end(reason, false);
  }

  /** A RELAY or RELAY_EARLY cell came from the side of the client. */
  onForwardCell(command: number, buffer: Uint8Array, bodyOffset: number): void {
    const early = command === CellCommand.RELAY_EARLY;
    if (early && ++this.#relayEarly > RELAY_EARLY_LIMIT) {
      return this.destroy(DestroyReason.PROTOCOL);
    }
    this.relay.traffic.cellsForward++;
    if (this.#layer.openForward(buffer, bodyOffset)) {
      return this.#guarded(() => this.#onMessage(buffer, bodyOffset, early));
    }
    const next = this.#next;
    if (next === undefined || next === "extending" || !next.created) {
      return this.destroy(DestroyReason.PROTOCOL);
    }
    this.#guarded(() => {
      const at = next.channel.beginCell(next.id, command);
      next.channel.outgoing.set(buffer.subarray(bodyOffset, bodyOffset + CELL_BODY_LENGTH), at);
    });
  }

  /** A DESTROY came from the side of the client. */
  onDestroy(reason: number): void {
    this.#dropNext(reason);
    this.#end(reason, true);
  }

  /** The link from the side of the client is closed. */
  onLinkClosed(): void {
    this.#dropNext(DestroyReason.CHANNEL_CLOSED);
    this.#end(DestroyReason.CHANNEL_CLOSED, true);
  }

  /** A cell came from the relay further on. */
  onCell(command: number, buffer: Uint8Array, bodyOffset: number): void {
    const next = this.#next;
    if (next === undefined || next === "extending") return;
    const body = buffer.subarray(bodyOffset, bodyOffset + CELL_BODY_LENGTH);
    switch (command) {
      case CellCommand.RELAY:
        this.#layer.passBackward(buffer, bodyOffset);
        return this.#sendBackward(body);
      case CellCommand.CREATED2:
        if (next.created) return this.destroy(DestroyReason.PROTOCOL);
        next.created = true;
        tell(this.relay, { kind: "extended", circuit: this.number });
        return this.#guarded(() =>
          this.say(RelayCommand.EXTENDED2, 0, encodeCreated2(decodeCreated2(body)))
        );
      case CellCommand.DESTROY:
        next.channel.detach(next.id);
        this.#next = undefined;
        return this.say(RelayCommand.TRUNCATED, 0, body.slice(0, 1));
      default:
        return this.destroy(DestroyReason.PROTOCOL);
    }
  }

  /** The channel to the relay further on is closed. */
  onChannelClosed(): void {
    this.#next = undefined;
    this.destroy(DestroyReason.CHANNEL_CLOSED);
  }

  #sendBackward(body: Uint8Array): void {
    this.relay.traffic.cellsBackward++;
    const cell = { command: CellCommand.RELAY, body };
    this.relay.behaviour.sendCell(cell, this, this.#sendCell);
  }

  #onMessage(buffer: Uint8Array, bodyOffset: number, early: boolean): void {
    const command = buffer[bodyOffset];
    const streamId = relayStreamId(buffer, bodyOffset);
    const length = relayLength(buffer, bodyOffset);
    if (length > RELAY_DATA_LENGTH) return this.destroy(DestroyReason.PROTOCOL);
    const start = bodyOffset + RELAY_HEADER_LENGTH;
    const body = buffer.subarray(start, start + length);
    if (command === RelayCommand.DATA) {
      this.dataReceived++;
      this.relay.traffic.dataForward += length;
      if (this.#deliver.received()) {
        this.say(RelayCommand.SENDME, 0, encodeSendme(this.#layer.receivedDigest));
      }
    } else tell(this.relay, { kind: "message", circuit: this.number, command, streamId });
    const message = { command, streamId, body, early };
    this.relay.behaviour.onMessage(message, this, () => this.#handle(message));
  }

  #handle(message: { command: number; streamId: number; body: Uint8Array; early: boolean }): void {
    const { command, streamId, body } = message;
    switch (command) {
      case RelayCommand.EXTEND2:
        if (!message.early || this.#next !== undefined) {
          return this.destroy(DestroyReason.PROTOCOL);
        }
        return this.relay.tasks.add(this.#extend(decodeExtend2(body)));
      case RelayCommand.TRUNCATE:
        this.#dropNext(DestroyReason.REQUESTED);
        return this.say(RelayCommand.TRUNCATED, 0, Uint8Array.of(DestroyReason.REQUESTED));
      case RelayCommand.SENDME:
        if (streamId !== 0) return this.#streams.onMessage(command, streamId, body);
        this.#package.acknowledged(decodeSendme(body));
        return this.#wake();
      case RelayCommand.DROP:
        return;
      case RelayCommand.CONFLUX_LINK: {
        const { conflux } = this.relay.capabilities;
        if (!conflux || !this.congestionControl || this.#set !== undefined) {
          return this.destroy(DestroyReason.PROTOCOL);
        }
        this.#set = RelayConfluxSet.link(this, body);
        return;
      }
      case RelayCommand.CONFLUX_LINKED_ACK:
      case RelayCommand.CONFLUX_SWITCH:
        if (this.#set === undefined) return this.destroy(DestroyReason.PROTOCOL);
        if (command === RelayCommand.CONFLUX_SWITCH) this.#set.onSwitch(this, body);
        return;
      default:
        if (this.#set !== undefined && isMultiplexed(command)) {
          return this.#set.onMessage(this, command, streamId, body);
        }
        return this.#streams.onMessage(command, streamId, body);
    }
  }

  async #extend(request: ExtendRequest): Promise<void> {
    this.#next = "extending";
    const target = this.relay.behaviour.extendTarget(request.target, this);
    try {
      if (target.rsaIdentity === this.relay.keys.rsaId) throw new RangeError("that is this relay");
      const channel = await this.relay.channels.get(target, this.signal, { retry: false });
      const id = channel.attach(this);
      this.#next = { channel, id, created: false };
      const body = encodeCreate2(request.handshakeType, request.handshake);
      channel.sendCell(id, CellCommand.CREATE2, body);
    } catch {
      this.destroy(DestroyReason.CONNECT_FAILED);
    }
  }

  /** Runs what may find the client's messages wrong, which closes the circuit. */
  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof TorError)) throw error;
      this.destroy(DestroyReason.PROTOCOL);
    }
  }

  #dropNext(reason: number): void {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined || next === "extending") return;
    next.channel.detach(next.id);
    if (next.channel.closedBy !== undefined) return;
    next.channel.sendCell(next.id, CellCommand.DESTROY, Uint8Array.of(reason));
  }

  #end(reason: number, received: boolean): void {
    if (this.signal.aborted) return;
    this.link.removeDrainListener(this.#wake);
    this.link.detach(this.circuitId);
    this.#closing.abort();
    this.#set?.onLegClosed(this);
    tell(this.relay, { kind: "circuit-closed", circuit: this.number, reason, received });
  }
}
