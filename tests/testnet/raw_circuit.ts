/**
 * A client's end of a circuit through embedded relays that sends whatever a test wants, right or
 * wrong, and shows every message that comes back.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type CellReceiver, type Channel } from "../../src/channel/channel.ts";
import { openChannel } from "../../src/channel/connect.ts";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import {
  decodeCreated2,
  encodeCreate2,
  encodeExtend2,
  HandshakeType,
} from "../../src/cell/create.ts";
import {
  CELL_BODY_LENGTH,
  RELAY_HEADER_LENGTH,
  relayLength,
  relayStreamId,
  writeRelayHeader,
} from "../../src/cell/layout.ts";
import { ntorClientStart } from "../../src/crypto/ntor.ts";
import { ntorV3ClientStart } from "../../src/crypto/ntor_v3.ts";
import { RelayCrypto } from "../../src/crypto/relay_crypto.ts";
import { SystemClock } from "../../src/runtime/clock.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { randomBytes } from "../../src/runtime/random.ts";
import type { RelayEvent } from "../../testnet/events.ts";
import type { EmbeddedNetwork } from "../../testnet/network.ts";
import type { EmbeddedRelay } from "../../testnet/relay.ts";
import type { EmbeddedRelayKeys } from "../../testnet/relay_keys.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

/** The longest that a test waits for one thing, in ms. */
const PATIENCE = 10_000;

/** The first event since a mark that matches; fails when it does not come. */
export async function happened(
  network: EmbeddedNetwork,
  matches: (event: RelayEvent) => boolean,
  since = 0,
): Promise<RelayEvent> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error("the event did not come")), PATIENCE);
  try {
    return await network.events.until(matches, { since, signal: late.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** What came: a relay message of some hop, another cell, or the end of the channel. */
export type Received =
  | {
    readonly kind: "message";
    readonly hop: number;
    readonly command: number;
    readonly streamId: number;
    readonly body: Uint8Array;
    /** What a SENDME that answers this message must carry: 20 bytes. */
    readonly digest: Uint8Array;
  }
  | { readonly kind: "cell"; readonly command: number; readonly body: Uint8Array }
  | { readonly kind: "closed" };

/** What a client must know of a relay, embedded or other. */
export interface RawTarget extends Pick<EmbeddedRelay, "hostname" | "orPort"> {
  readonly keys: Pick<EmbeddedRelayKeys, "rsaId" | "ed25519Id" | "onionKey">;
}

/** A channel to one relay; disposing of it closes it. */
export async function connectTo(relay: RawTarget): Promise<Channel & AsyncDisposable> {
  const runtime = {
    clock: new SystemClock(),
    random: new SeededRandom("a raw client"),
    network: new SystemNetwork(),
  };
  const { hostname, orPort: port, keys } = relay;
  const target = { hostname, port, rsaIdentity: keys.rsaId, ed25519Identity: keys.ed25519Id };
  const channel = await openChannel(runtime, target, { timeout: PATIENCE });
  return Object.assign(channel, {
    [Symbol.asyncDispose]: async () => {
      channel.close();
      await channel.finished;
    },
  });
}

/** A circuit on a channel. */
export class RawCircuit implements CellReceiver {
  readonly id: number;
  readonly crypto = new RelayCrypto();
  readonly #channel: Channel;
  readonly #random = new SeededRandom("a raw circuit");
  readonly #inbox: Received[] = [];
  #wake: (() => void) | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.id = channel.attach(this);
  }

  /** Makes a circuit of one hop or more; the channel leads to the first. */
  static async through(
    channel: Channel,
    relays: readonly RawTarget[],
  ): Promise<RawCircuit> {
    const circuit = new RawCircuit(channel);
    for (const relay of relays) await circuit.extend(relay);
    return circuit;
  }

  /** Creates the first hop, or extends to the next, with ntor. */
  async extend(relay: RawTarget): Promise<void> {
    const { rsaId: rsaIdentity, onionKey } = relay.keys;
    const handshake = ntorClientStart({ rsaIdentity, onionKey }, randomBytes(this.#random, 32));
    const reply = await this.#handshake(relay, HandshakeType.NTOR, handshake.onionSkin);
    this.crypto.addHop(handshake.complete(reply));
  }

  /** Creates the first hop, or extends to the next, with ntor-v3; gives the relay's message. */
  async extendV3(relay: RawTarget, message: Uint8Array): Promise<Uint8Array> {
    const { ed25519Id: ed25519Identity, onionKey } = relay.keys;
    const secret = randomBytes(this.#random, 32);
    const handshake = ntorV3ClientStart({ ed25519Identity, onionKey }, secret, message);
    const reply = await this.#handshake(relay, HandshakeType.NTOR_V3, handshake.onionSkin);
    const result = handshake.complete(reply);
    this.crypto.addHop(result.keys);
    return result.message;
  }

  /** Sends an onion skin to the next hop, and gives the reply. */
  async #handshake(
    relay: RawTarget,
    handshakeType: number,
    onionSkin: Uint8Array,
  ): Promise<Uint8Array> {
    const { hostname, orPort: port, keys } = relay;
    const target = { hostname, port, rsaIdentity: keys.rsaId, ed25519Identity: keys.ed25519Id };
    if (this.crypto.hops === 0) {
      this.sendCell(CellCommand.CREATE2, encodeCreate2(handshakeType, onionSkin));
    } else {
      const body = encodeExtend2(target, handshakeType, onionSkin);
      this.send(RelayCommand.EXTEND2, 0, body, { cell: CellCommand.RELAY_EARLY });
    }
    const reply = await this.next();
    assert.ok(reply.kind !== "closed");
    assert.ok(
      reply.command ===
        (reply.kind === "cell" ? CellCommand.CREATED2 : RelayCommand.EXTENDED2),
      `command ${reply.command} came`,
    );
    return decodeCreated2(reply.body);
  }

  /** Sends a cell on the circuit. */
  sendCell(command: number, body: Uint8Array): void {
    this.#channel.sendCell(this.id, command, body);
  }

  /** Sends a message to a hop, the last one unless said, in a RELAY cell unless said. */
  send(
    command: number,
    streamId: number,
    body: Uint8Array,
    options: { readonly hop?: number; readonly cell?: number; readonly length?: number } = {},
  ): void {
    const { hop = this.crypto.hops - 1, cell = CellCommand.RELAY, length = body.length } = options;
    const payload = new Uint8Array(CELL_BODY_LENGTH);
    writeRelayHeader(payload, 0, command, streamId, length);
    payload.set(body, RELAY_HEADER_LENGTH);
    this.crypto.seal(payload, 0, hop);
    this.sendCell(cell, payload);
  }

  /** The next thing that comes; fails when nothing does. */
  async next(): Promise<Received> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("nothing came on the circuit")), PATIENCE);
    });
    try {
      for (;;) {
        const first = this.#inbox.shift();
        if (first !== undefined) return first;
        await Promise.race([late, new Promise<void>((resolve) => this.#wake = resolve)]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next message, which must have this command. */
  async message(command: number): Promise<Uint8Array> {
    const received = await this.next();
    assert.ok(received.kind === "message", `${received.kind} came, not a message`);
    assert.equal(received.command, command);
    return received.body;
  }

  /**
   * Takes `count` DATA messages, which must be what comes next.
   *
   * @returns the digest for a SENDME that answers the last of them
   */
  async data(count: number): Promise<Uint8Array> {
    let digest = new Uint8Array(20);
    for (let left = count; left > 0; left--) {
      const received = await this.next();
      assert.ok(received.kind === "message" && received.command === RelayCommand.DATA);
      digest = new Uint8Array(received.digest);
    }
    return digest;
  }

  /** Waits for DESTROY, past whatever comes before it, and gives its reason. */
  async destroyed(): Promise<number> {
    for (;;) {
      const received = await this.next();
      assert.ok(received.kind !== "closed", "the channel was closed without DESTROY");
      if (received.kind === "cell" && received.command === CellCommand.DESTROY) {
        return received.body[0];
      }
    }
  }

  onCell(command: number, buffer: Uint8Array, bodyOffset: number): void {
    const payload = buffer.slice(bodyOffset, bodyOffset + CELL_BODY_LENGTH);
    if (command !== CellCommand.RELAY) return this.#add({ kind: "cell", command, body: payload });
    const hop = this.crypto.open(payload, 0);
    this.#add({
      kind: "message",
      hop,
      command: payload[0],
      streamId: relayStreamId(payload, 0),
      body: payload.subarray(RELAY_HEADER_LENGTH, RELAY_HEADER_LENGTH + relayLength(payload, 0)),
      digest: hop < 0 ? new Uint8Array(20) : this.crypto.receivedDigest(hop),
    });
  }

  onChannelClosed(): void {
    this.crypto[Symbol.dispose]();
    this.#add({ kind: "closed" });
  }

  #add(received: Received): void {
    this.#inbox.push(received);
    this.#wake?.();
  }
}
