/**
 * Relay crypto by the kernel: one call for each cell.
 *
 * @module
 */
import type { CircuitLayers } from "./circuit_layers.ts";
import { CryptoError } from "./errors.ts";
import type { HopKeys } from "./hop_keys.ts";
import { KernelKeyStream } from "./kernel_key_stream.ts";
import { RELAY_PAYLOAD_LENGTH } from "./key_stream.ts";
import { HOP_LENGTH, RECORD_LENGTH, RecordField, type RelayKernel } from "./relay_kernel.ts";
import { SHA1_LENGTH } from "./sha1.ts";

/** What the kernel returns less when the first record has no key stream left. */
const NO_KEY_STREAM = -2;

/** The layers of one circuit, as records in the kernel's memory. */
export class KernelLayers implements CircuitLayers {
  readonly #kernel: RelayKernel;
  /** Records by hop; a forward record is followed by that of the hop before it. */
  readonly #forward: number[] = [];
  readonly #backward: number[] = [];
  readonly #forwardStreams: KernelKeyStream[] = [];
  readonly #backwardStreams: KernelKeyStream[] = [];

  constructor(kernel: RelayKernel) {
    this.#kernel = kernel;
  }

  get hops(): number {
    return this.#forward.length;
  }

  addHop(keys: HopKeys): void {
    const { words, memory, cell } = this.#kernel;
    refuseLength(keys.forwardDigest, 20);
    refuseLength(keys.backwardDigest, 20);
    refuseLength(keys.forwardKey, 16);
    refuseLength(keys.backwardKey, 16);
    const forward = memory.allocate(HOP_LENGTH);
    if (forward === 0) throw memoryFull();
    const backward = forward + RECORD_LENGTH;
    this.#kernel.bytes.set(keys.forwardDigest, cell);
    this.#kernel.begin(forward, cell);
    this.#kernel.bytes.set(keys.backwardDigest, cell);
    this.#kernel.begin(backward, cell);

    const before = this.hops - 1;
    if (before >= 0) {
      words.setUint32(forward + RecordField.FOLLOWING, this.#forward[before], true);
      words.setUint32(this.#backward[before] + RecordField.FOLLOWING, backward, true);
    }
    this.#forwardStreams.push(new KernelKeyStream(this.#kernel, forward, keys.forwardKey));
    this.#backwardStreams.push(new KernelKeyStream(this.#kernel, backward, keys.backwardKey));
    this.#forward.push(forward);
    this.#backward.push(backward);
  }

  seal(buffer: Uint8Array, offset: number, hop: number): void {
    const { cell, cellBytes } = this.#kernel;
    cellBytes.set(buffer.subarray(offset, offset + RELAY_PAYLOAD_LENGTH));
    for (;;) {
      const result = this.#kernel.seal(this.#forward[hop], cell);
      if (result === 0) break;
      // Forward records follow each other from the last hop to the first.
      refill(this.#forwardStreams[hop - (NO_KEY_STREAM - result)]);
    }
    buffer.set(cellBytes, offset);
  }

  open(buffer: Uint8Array, offset: number): number {
    if (this.hops === 0) return -1;
    const { cell, cellBytes } = this.#kernel;
    cellBytes.set(buffer.subarray(offset, offset + RELAY_PAYLOAD_LENGTH));
    for (;;) {
      const result = this.#kernel.open(this.#backward[0], cell);
      if (result <= NO_KEY_STREAM) {
        refill(this.#backwardStreams[NO_KEY_STREAM - result]);
        continue;
      }
      buffer.set(cellBytes, offset);
      return result;
    }
  }

  sentDigest(hop: number): Uint8Array {
    return this.#digest(this.#forward[hop]);
  }

  receivedDigest(hop: number): Uint8Array {
    return this.#digest(this.#backward[hop]);
  }

  trim(): void {
    for (const stream of this.#forwardStreams) stream.trim();
    for (const stream of this.#backwardStreams) stream.trim();
  }

  wipe(): void {
    const { memory } = this.#kernel;
    for (const stream of this.#forwardStreams) stream.wipe();
    for (const stream of this.#backwardStreams) stream.wipe();
    for (const record of this.#forward) memory.release(record, HOP_LENGTH);
  }

  #digest(record: number): Uint8Array {
    const start = record + RecordField.DIGEST;
    return this.#kernel.bytes.subarray(start, start + SHA1_LENGTH);
  }
}

function refill(stream: KernelKeyStream): void {
  if (!stream.refill()) throw memoryFull();
}

function memoryFull(): CryptoError {
  return new CryptoError("relay-crypto-memory-full", "too many circuits are open");
}

function refuseLength(secret: Uint8Array, length: number): void {
  if (secret.length !== length) {
    throw new RangeError(`a key or digest of ${length} bytes is needed, not of ${secret.length}`);
  }
}
