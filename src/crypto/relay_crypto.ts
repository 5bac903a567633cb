/**
 * Relay crypto ("tor1"): the layers of AES-128-CTR and the running digests of one circuit, as the
 * client sees them.
 *
 * @module
 */
import { CryptoError } from "./errors.ts";
import { KeyStream, RELAY_PAYLOAD_LENGTH } from "./key_stream.ts";
import { addLayers } from "./layers.ts";
import { RunningDigest } from "./running_digest.ts";

/** What a circuit handshake gives for one hop (tor-spec, setting-circuit-keys). */
export interface HopKeys {
  /** Df, the seed of the digest of cells from the client: 20 bytes. */
  readonly forwardDigest: Uint8Array;
  /** Db, the seed of the digest of cells to the client: 20 bytes. */
  readonly backwardDigest: Uint8Array;
  /** Kf, the AES-128 key of cells from the client: 16 bytes. */
  readonly forwardKey: Uint8Array;
  /** Kb, the AES-128 key of cells to the client: 16 bytes. */
  readonly backwardKey: Uint8Array;
}

// Where the fields of the relay header are that relay crypto reads and writes.
const RECOGNIZED_AT = 1;
const DIGEST_AT = 5;

const NOTHING = new DataView(new ArrayBuffer(0));

/**
 * The client's side of one circuit's relay crypto (tor-spec, routing relay cells).
 *
 * It works in place on relay payloads of 509 bytes:
 *
 * | bytes | field            |
 * | ----- | ---------------- |
 * | 1     | relay command    |
 * | 2     | recognized       |
 * | 2     | stream id        |
 * | 4     | digest           |
 * | 2     | length           |
 * | 498   | data and padding |
 *
 * Hop 0 is the guard. After an error or -1 from `open` the circuit can only be closed.
 */
export class RelayCrypto implements Disposable {
  // One array for each thing a hop has, because `addLayers` takes the key streams as an array.
  readonly #forwardStreams: KeyStream[] = [];
  readonly #backwardStreams: KeyStream[] = [];
  readonly #sentDigests: RunningDigest[] = [];
  readonly #receivedDigests: RunningDigest[] = [];
  /** Where in each key stream's piece the bytes for the cell at hand begin; scratch. */
  readonly #starts: number[] = [];
  // Cells come and go in one reused buffer each, so a view of it is made only when it changes.
  #openView: DataView = NOTHING;
  #sealView: DataView = NOTHING;
  #disposed = false;

  /** Number of hops that have been added. */
  get hops(): number {
    return this.#forwardStreams.length;
  }

  /**
   * Adds the hop after the last one. The keys are copied.
   *
   * @throws RangeError when a key or digest has not the length that {@link HopKeys} says
   * @throws CryptoError `relay-crypto-disposed`
   */
  addHop(keys: HopKeys): void {
    this.#refuseIfDisposed();
    const forward = new KeyStream(keys.forwardKey);
    const backward = new KeyStream(keys.backwardKey);
    const sent = new RunningDigest(keys.forwardDigest);
    const received = new RunningDigest(keys.backwardDigest);
    this.#forwardStreams.push(forward);
    this.#backwardStreams.push(backward);
    this.#sentDigests.push(sent);
    this.#receivedDigests.push(received);
    this.#starts.push(0);
  }

  /**
   * Seals the relay payload at `buffer[offset]` for hop `hop`, in place: sets recognized to zero,
   * writes the digest, and adds the layers of hops `hop` to 0.
   *
   * @throws RangeError when there is no such hop or no 509 bytes at `offset`
   * @throws CryptoError `relay-crypto-disposed`
   */
  seal(buffer: Uint8Array, offset: number, hop: number): void {
    this.#refuseIfDisposed();
    this.#refuseUnknownHop(hop);
    refuseOutside(buffer, offset);
    if (this.#sealView.buffer !== buffer.buffer) this.#sealView = new DataView(buffer.buffer);
    const view = this.#sealView;
    const at = buffer.byteOffset + offset;

    view.setUint16(at + RECOGNIZED_AT, 0);
    view.setUint32(at + DIGEST_AT, 0);
    const digest = this.#sentDigests[hop];
    digest.add(buffer.subarray(offset, offset + RELAY_PAYLOAD_LENGTH));
    buffer.set(digest.value.subarray(0, 4), offset + DIGEST_AT);

    const starts = this.#starts;
    const streams = this.#forwardStreams;
    for (let layer = 0; layer <= hop; layer++) starts[layer] = streams[layer].take();
    addLayers(view, at, streams, starts, 0, hop + 1);
  }

  /**
   * Removes layers from the relay payload at `buffer[offset]`, in place, until a hop recognizes
   * it: recognized is zero, and the digest agrees. The digest field of a recognized payload is
   * left zero.
   *
   * @returns the hop that sent the payload, or -1 when it is nobody's; then all layers are removed
   * @throws RangeError when there are no 509 bytes at `offset`
   * @throws CryptoError `relay-crypto-disposed`
   */
  open(buffer: Uint8Array, offset: number): number {
    this.#refuseIfDisposed();
    refuseOutside(buffer, offset);
    if (this.#openView.buffer !== buffer.buffer) this.#openView = new DataView(buffer.buffer);
    const view = this.#openView;
    const at = buffer.byteOffset + offset;

    const starts = this.#starts;
    const streams = this.#backwardStreams;
    const hops = streams.length;
    // The field is followed alone through the layers, so that all of them go in one pass.
    let recognized = view.getUint16(at + RECOGNIZED_AT);
    let removed = 0;
    for (let hop = 0; hop < hops; hop++) {
      const start = streams[hop].take();
      starts[hop] = start;
      recognized ^= streams[hop].piece.getUint16(start + RECOGNIZED_AT);
      if (recognized !== 0) continue;
      addLayers(view, at, streams, starts, removed, hop + 1);
      removed = hop + 1;
      const digest = view.getInt32(at + DIGEST_AT);
      view.setInt32(at + DIGEST_AT, 0);
      const payload = buffer.subarray(offset, offset + RELAY_PAYLOAD_LENGTH);
      if (this.#receivedDigests[hop].addIfDigestBegins(digest, payload)) return hop;
      // Zero by chance, once in 65,536: the payload is of a hop further on, or nobody's.
      view.setInt32(at + DIGEST_AT, digest);
    }
    addLayers(view, at, streams, starts, removed, hops);
    return -1;
  }

  /**
   * A copy of the 20-byte digest after the last payload sealed for `hop`, as an authenticated
   * SENDME from that hop must carry it; zeros before the first.
   *
   * @throws RangeError when there is no such hop
   * @throws CryptoError `relay-crypto-disposed`
   */
  sentDigest(hop: number): Uint8Array {
    this.#refuseIfDisposed();
    this.#refuseUnknownHop(hop);
    return new Uint8Array(this.#sentDigests[hop].value);
  }

  /**
   * A copy of the 20-byte digest after the last payload opened from `hop`, as an authenticated
   * SENDME to that hop must carry it; zeros before the first.
   *
   * @throws RangeError when there is no such hop
   * @throws CryptoError `relay-crypto-disposed`
   */
  receivedDigest(hop: number): Uint8Array {
    this.#refuseIfDisposed();
    this.#refuseUnknownHop(hop);
    return new Uint8Array(this.#receivedDigests[hop].value);
  }

  /** Overwrites keys and key streams. Every later use but `hops` throws. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const stream of this.#forwardStreams) stream.wipe();
    for (const stream of this.#backwardStreams) stream.wipe();
    this.#openView = NOTHING;
    this.#sealView = NOTHING;
  }

  #refuseIfDisposed(): void {
    if (this.#disposed) {
      throw new CryptoError("relay-crypto-disposed", "the circuit's keys are already wiped");
    }
  }

  #refuseUnknownHop(hop: number): void {
    if (!Number.isInteger(hop) || hop < 0 || hop >= this.hops) {
      throw new RangeError(`the circuit has ${this.hops} hops, and none is ${hop}`);
    }
  }
}

function refuseOutside(buffer: Uint8Array, offset: number): void {
  if (!(offset >= 0 && offset + RELAY_PAYLOAD_LENGTH <= buffer.length)) {
    throw new RangeError(`no relay payload at ${offset} of ${buffer.length} bytes`);
  }
}
