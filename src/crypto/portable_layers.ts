/**
 * Relay crypto in plain TypeScript, for machines that cannot run the kernel.
 *
 * @module
 */
import type { CircuitLayers } from "./circuit_layers.ts";
import type { HopKeys } from "./hop_keys.ts";
import { KeyStream, RELAY_PAYLOAD_LENGTH } from "./key_stream.ts";
import { addLayers } from "./layers.ts";
import { RunningDigest } from "./running_digest.ts";

// Where the fields of the relay header are that relay crypto reads and writes.
const RECOGNIZED_AT = 1;
const DIGEST_AT = 5;

const NOTHING = new DataView(new ArrayBuffer(0));

/** The layers of one circuit, each as key stream made ahead. */
export class PortableLayers implements CircuitLayers {
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

  get hops(): number {
    return this.#forwardStreams.length;
  }

  addHop(keys: HopKeys): void {
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

  seal(buffer: Uint8Array, offset: number, hop: number): void {
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

  open(buffer: Uint8Array, offset: number): number {
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

  sentDigest(hop: number): Uint8Array {
    return this.#sentDigests[hop].value;
  }

  receivedDigest(hop: number): Uint8Array {
    return this.#receivedDigests[hop].value;
  }

  trim(): void {
    for (const stream of this.#forwardStreams) stream.trim();
    for (const stream of this.#backwardStreams) stream.trim();
  }

  wipe(): void {
    for (const stream of this.#forwardStreams) stream.wipe();
    for (const stream of this.#backwardStreams) stream.wipe();
    this.#openView = NOTHING;
    this.#sealView = NOTHING;
  }
}
