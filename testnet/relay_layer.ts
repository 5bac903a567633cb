/**
 * A relay's side of relay crypto for one circuit, for relays that run inside a test.
 *
 * @module
 */
import { KeyStream, RELAY_PAYLOAD_LENGTH } from "../src/crypto/key_stream.ts";
import { addLayers } from "../src/crypto/layers.ts";
import type { HopKeys } from "../src/crypto/relay_crypto.ts";
import { RunningDigest } from "../src/crypto/running_digest.ts";

/** Not the longest pieces of key stream, so that nothing has to be freed when a circuit ends. */
const LONGEST_PIECE = 1;

/** One hop as the relay has it: it removes a layer of cells from the client and adds one to others. */
export class RelayCryptoLayer {
  readonly #forward: readonly KeyStream[];
  readonly #backward: readonly KeyStream[];
  readonly #received: RunningDigest;
  readonly #sent: RunningDigest;

  constructor(keys: HopKeys) {
    this.#forward = [new KeyStream(keys.forwardKey, LONGEST_PIECE)];
    this.#backward = [new KeyStream(keys.backwardKey, LONGEST_PIECE)];
    this.#received = new RunningDigest(keys.forwardDigest);
    this.#sent = new RunningDigest(keys.backwardDigest);
  }

  /** Removes this relay's layer from a cell of the client; whether the cell is for this relay. */
  openForward(buffer: Uint8Array, offset: number): boolean {
    const payload = buffer.subarray(offset, offset + RELAY_PAYLOAD_LENGTH);
    const view = add(payload, this.#forward);
    if (view.getUint16(1) !== 0) return false;
    const digest = view.getInt32(5);
    view.setInt32(5, 0);
    if (this.#received.addIfDigestBegins(digest, payload)) return true;
    view.setInt32(5, digest);
    return false;
  }

  /** Seals a cell that this relay sends to the client itself. */
  sealBackward(buffer: Uint8Array, offset: number): void {
    const payload = buffer.subarray(offset, offset + RELAY_PAYLOAD_LENGTH);
    payload.fill(0, 1, 3);
    payload.fill(0, 5, 9);
    this.#sent.add(payload);
    payload.set(this.#sent.value.subarray(0, 4), 5);
    add(payload, this.#backward);
  }

  /** Adds this relay's layer to a cell that comes from a relay further on. */
  passBackward(buffer: Uint8Array, offset: number): void {
    add(buffer.subarray(offset, offset + RELAY_PAYLOAD_LENGTH), this.#backward);
  }

  /** The 20-byte digest after the last cell that was for this relay. */
  get receivedDigest(): Uint8Array {
    return new Uint8Array(this.#received.value);
  }

  /** The 20-byte digest after the last cell that this relay sealed. */
  get sentDigest(): Uint8Array {
    return new Uint8Array(this.#sent.value);
  }
}

function add(payload: Uint8Array, streams: readonly KeyStream[]): DataView {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  addLayers(view, 0, streams, [streams[0].take()], 0, 1);
  return view;
}
