/**
 * The other end of one circuit, in memory: a channel that keeps what the client sends, and relays
 * with real handshakes and relay crypto that answer when the test says so.
 *
 * @module
 */
import assert from "node:assert/strict";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import {
  CELL_BODY_LENGTH,
  CELL_LENGTH,
  readUint32,
  RELAY_HEADER_LENGTH,
  relayLength,
  relayStreamId,
  writeCellHeader,
  writeRelayHeader,
} from "../../src/cell/layout.ts";
import type { CellReceiver, ChannelTraffic } from "../../src/channel/channel.ts";
import { ChannelError } from "../../src/channel/errors.ts";
import {
  Circuit,
  type CircuitChannel,
  type CircuitParts,
  type Hop,
} from "../../src/circuit/circuit.ts";
import { HandshakeType } from "../../src/cell/create.ts";
import { ed25519IdentityFromBytes, rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import type { HopKeys } from "../../src/crypto/relay_crypto.ts";
import { X25519KeyPair } from "../../src/crypto/x25519.ts";
import type { RandomSource } from "../../src/runtime/random.ts";
import { RelayCryptoLayer } from "../../testnet/relay_layer.ts";
import {
  createFastServerReply,
  ntorServerReply,
  ntorV3ServerReply,
} from "../../testnet/server_handshakes.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

/** The circuit id that the channel gives. */
export const CIRCUIT_ID = 0x80000001;

/** A signal that is never aborted. */
export const NEVER = new AbortController().signal;

/** One relay message as the relay that it was for has it. */
export interface SentMessage {
  /** RELAY or RELAY_EARLY. */
  readonly cell: number;
  readonly hop: number;
  readonly command: number;
  readonly streamId: number;
  readonly body: Uint8Array;
  /** What follows the body in the cell. */
  readonly padding: Uint8Array;
  /** The relay's 20-byte running digest after it. */
  readonly digest: Uint8Array;
}

/** The relay at position `index` of every test circuit, as the client knows it. */
export function testHop(index: number): Hop {
  return {
    hostname: `10.0.0.${index + 1}`,
    port: 9001 + index,
    rsaIdentity: rsaIdentityFromBytes(new Uint8Array(20).fill(index + 1)),
    ed25519Identity: ed25519IdentityFromBytes(new Uint8Array(32).fill(index + 1)),
    onionKey: new X25519KeyPair(onionSecret(index)).publicKey,
  };
}

function onionSecret(index: number): Uint8Array {
  return new Uint8Array(32).fill(0x40 + index);
}

/** What a relay needs to prove its key. */
export interface RelaySecrets {
  /** Its RSA identity: 20 bytes. */
  readonly id: Uint8Array;
  /** Its Ed25519 identity: 32 bytes. */
  readonly ed25519Id?: Uint8Array;
  readonly onionSecret: Uint8Array;
}

function testSecrets(index: number): RelaySecrets {
  return {
    id: new Uint8Array(20).fill(index + 1),
    ed25519Id: new Uint8Array(32).fill(index + 1),
    onionSecret: onionSecret(index),
  };
}

/** The ends of the running test. */
const openEnds = new Set<RelayEnd>();

// A circuit holds ciphers until it is closed.
Deno.test.afterEach(() => {
  for (const end of openEnds) if (end.attached) end.closeChannel();
  openEnds.clear();
});

/** A channel whose other end is the test. */
export class RelayEnd implements CircuitChannel {
  /** Whether the channel says that streams should hold back. */
  congested = false;
  closedBy: ChannelError | undefined;
  outgoing = new Uint8Array(4 * CELL_LENGTH);
  /** Called when a cell is begun; may throw in its stead. */
  onBegin: ((command: number) => void) | undefined;
  readonly drainListeners = new Set<() => void>();
  /** What the client has said in its ntor-v3 handshakes, for each relay. */
  readonly asked: (Uint8Array | undefined)[] = [];
  /** What the relays say in theirs: no extension. */
  relayMessage = Uint8Array.of(0);
  /** Whether the circuit holds its id. */
  attached = false;
  /** Whether the channel takes no more circuits. */
  retired = false;

  readonly #relays: (index: number) => RelaySecrets;
  readonly #layers: RelayCryptoLayer[] = [];
  readonly #incoming = new Uint8Array(CELL_LENGTH);
  #sent = 0;
  #sentInAll = 0;
  #received = 0;
  #tellSent: (() => void) | undefined;
  #receiver: CellReceiver | undefined;

  /** @param relays who the relays are; those of {@link testHop} unless given */
  constructor(relays: (index: number) => RelaySecrets = testSecrets) {
    this.#relays = relays;
    openEnds.add(this);
  }

  get traffic(): ChannelTraffic {
    return {
      cellsReceived: this.#received,
      cellsSent: this.#sentInAll,
      paddingReceived: 0,
      paddingSent: 0,
    };
  }

  retire(): void {
    this.retired = true;
  }

  /** A cell arrives that is not for this circuit. */
  receiveOther(): void {
    this.#received++;
  }

  attach(receiver: CellReceiver): number {
    if (this.closedBy !== undefined) throw this.closedBy;
    this.#receiver = receiver;
    this.attached = true;
    return CIRCUIT_ID;
  }

  detach(circuitId: number): void {
    assert.equal(circuitId, CIRCUIT_ID);
    this.attached = false;
  }

  beginCell(circuitId: number, command: number): number {
    if (this.closedBy !== undefined) throw this.closedBy;
    this.onBegin?.(command);
    if (this.#sent + CELL_LENGTH > this.outgoing.length) {
      const larger = new Uint8Array(2 * this.outgoing.length);
      larger.set(this.outgoing);
      this.outgoing = larger;
    }
    const start = this.#sent;
    writeCellHeader(this.outgoing, start, circuitId, command);
    this.#sent += CELL_LENGTH;
    this.#sentInAll++;
    this.#tellSent?.();
    return start + CELL_LENGTH - CELL_BODY_LENGTH;
  }

  sendCell(circuitId: number, command: number, body: Uint8Array): void {
    const offset = this.beginCell(circuitId, command);
    this.outgoing.fill(0, offset, offset + CELL_BODY_LENGTH).set(body, offset);
  }

  addDrainListener(listener: () => void): void {
    this.drainListeners.add(listener);
  }

  removeDrainListener(listener: () => void): void {
    this.drainListeners.delete(listener);
  }

  /** Says that what waited has been written. */
  drain(): void {
    for (const listener of this.drainListeners) listener();
  }

  /** Closes the channel under the circuit. */
  closeChannel(): void {
    this.closedBy = new ChannelError("channel-lost", "the test lost the channel");
    if (this.attached) this.#receiver?.onChannelClosed(this.closedBy);
  }

  /** Resolves as soon as the client has sent a cell that was not taken, which may be at once. */
  untilSent(): Promise<void> {
    if (this.#sent > 0) return Promise.resolve();
    return new Promise((resolve) => this.#tellSent = resolve);
  }

  /** Takes the cells that the client has sent since the last time, as they are on the channel. */
  takeCells(): { command: number; body: Uint8Array }[] {
    const cells = [];
    for (let start = 0; start < this.#sent; start += CELL_LENGTH) {
      assert.equal(readUint32(this.outgoing, start), CIRCUIT_ID);
      const body = this.outgoing.slice(start + 5, start + CELL_LENGTH);
      cells.push({ command: this.outgoing[start + 4], body });
    }
    this.#sent = 0;
    return cells;
  }

  /** Takes what the client has sent, which must be relay cells that one of the relays recognizes. */
  takeMessages(): SentMessage[] {
    return this.takeCells().map(({ command, body }) => {
      assert.ok(command === CellCommand.RELAY || command === CellCommand.RELAY_EARLY, `${command}`);
      const hop = this.#layers.findIndex((layer) => layer.openForward(body, 0));
      assert.notEqual(hop, -1, "a cell that no relay recognizes");
      const end = RELAY_HEADER_LENGTH + relayLength(body, 0);
      return {
        cell: command,
        hop,
        command: body[0],
        streamId: relayStreamId(body, 0),
        body: body.slice(RELAY_HEADER_LENGTH, end),
        padding: body.slice(end),
        digest: this.#layers[hop].receivedDigest,
      };
    });
  }

  /** Takes the one message that the client must have sent. */
  takeMessage(): SentMessage {
    const messages = this.takeMessages();
    assert.equal(messages.length, 1);
    return messages[0];
  }

  /** Gives the client a cell as it is. */
  deliverCell(command: number, body: Uint8Array): void {
    const buffer = this.#incoming;
    buffer.fill(0).set(body, 5);
    this.#received++;
    if (this.attached) this.#receiver?.onCell(command, buffer, 5);
  }

  /** Makes a relay send a message. Returns the relay's running digest after it. */
  deliver(
    hop: number,
    command: number,
    streamId: number,
    body: Uint8Array = new Uint8Array(0),
    options: { readonly cell?: number; readonly length?: number } = {},
  ): Uint8Array {
    const payload = new Uint8Array(CELL_BODY_LENGTH);
    writeRelayHeader(payload, 0, command, streamId, options.length ?? body.length);
    payload.set(body, RELAY_HEADER_LENGTH);
    this.#layers[hop].sealBackward(payload, 0);
    const digest = this.#layers[hop].sentDigest;
    for (let layer = hop - 1; layer >= 0; layer--) this.#layers[layer].passBackward(payload, 0);
    this.deliverCell(options.cell ?? CellCommand.RELAY, payload);
    return digest;
  }

  /** Does the relay's half of the CREATE_FAST or CREATE2 that the client must have sent. */
  answerCreate(): void {
    const [cell] = this.takeCells();
    if (cell.command === CellCommand.CREATE_FAST) {
      const { reply, keys } = createFastServerReply(
        cell.body.subarray(0, 20),
        new Uint8Array(20).fill(9),
      );
      this.#layers.push(new RelayCryptoLayer(keys));
      return this.deliverCell(CellCommand.CREATED_FAST, reply);
    }
    assert.equal(cell.command, CellCommand.CREATE2);
    const { reply, keys } = this.#handshakeReply(0, cell.body);
    this.#layers.push(new RelayCryptoLayer(keys));
    this.deliverCell(CellCommand.CREATED2, withLength(reply));
  }

  /** Does the last and the new relay's part of the EXTEND2 that the client must have sent. */
  answerExtend(): SentMessage {
    const message = this.takeMessage();
    assert.equal(message.command, RelayCommand.EXTEND2);
    const last = this.#layers.length - 1;
    assert.equal(message.hop, last);
    // Three link specifiers, as every test relay has.
    const handshake = message.body.subarray(1 + 8 + 22 + 34);
    const { reply, keys } = this.#handshakeReply(last + 1, handshake);
    this.deliver(last, RelayCommand.EXTENDED2, 0, withLength(reply));
    this.#layers.push(new RelayCryptoLayer(keys));
    return message;
  }

  /** A relay's half of the handshake that a CREATE2's body, or the end of an EXTEND2's, has. */
  #handshakeReply(index: number, body: Uint8Array): { reply: Uint8Array; keys: HopKeys } {
    const view = new DataView(body.buffer, body.byteOffset);
    const onionSkin = body.subarray(4, 4 + view.getUint16(2));
    if (view.getUint16(0) === HandshakeType.NTOR) {
      assert.equal(onionSkin.length, 84);
      this.asked[index] = undefined;
      return this.ntorReply(index, onionSkin);
    }
    assert.equal(view.getUint16(0), HandshakeType.NTOR_V3);
    const { ed25519Id, onionSecret } = this.#relays(index);
    assert.ok(ed25519Id !== undefined, "a relay with an Ed25519 identity");
    const answer = ntorV3ServerReply(
      { id: ed25519Id, onionSecret },
      onionSkin,
      new Uint8Array(32).fill(0x70 + index),
      (message) => {
        this.asked[index] = message;
        return this.relayMessage;
      },
    );
    assert.ok(answer !== undefined, "an onion skin for another relay");
    return answer;
  }

  /** The relay's half of ntor: 64 bytes of reply, and the keys. */
  ntorReply(index: number, onionSkin: Uint8Array): { reply: Uint8Array; keys: HopKeys } {
    const answer = ntorServerReply(
      this.#relays(index),
      onionSkin,
      new Uint8Array(32).fill(0x70 + index),
    );
    assert.ok(answer !== undefined, "an onion skin for another relay");
    return answer;
  }
}

/** Puts the 2 bytes of length before a handshake reply, as CREATED2 and EXTENDED2 have it. */
export function withLength(reply: Uint8Array): Uint8Array {
  const body = new Uint8Array(2 + reply.length);
  body[0] = reply.length >> 8;
  body[1] = reply.length;
  body.set(reply, 2);
  return body;
}

/** What a circuit of a test works with: time that stands still, randomness of a seed. */
export function testParts(given: Partial<CircuitParts> = {}): CircuitParts {
  return { random: new SeededRandom(1), clock: new FakeClock(), ...given };
}

/** A circuit of so many hops and its other end; nothing that was sent for it is left to be taken. */
export async function builtCircuit(
  hops = 3,
  random: RandomSource = new SeededRandom(1),
): Promise<{ circuit: Circuit; end: RelayEnd }> {
  const end = new RelayEnd();
  const creating = Circuit.create(end, testHop(0), testParts({ random }), NEVER);
  end.answerCreate();
  const circuit = await creating;
  for (let hop = 1; hop < hops; hop++) {
    const extending = circuit.extend(testHop(hop), NEVER);
    end.answerExtend();
    await extending;
  }
  return { circuit, end };
}
