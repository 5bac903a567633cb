/**
 * Relay crypto ("tor1"): the layers of AES-128-CTR and the running digests of one circuit, as the
 * client sees them.
 *
 * @module
 */
import type { CircuitLayers } from "./circuit_layers.ts";
import { CryptoError } from "./errors.ts";
import type { HopKeys } from "./hop_keys.ts";
import { KernelLayers } from "./kernel_layers.ts";
import { RELAY_PAYLOAD_LENGTH } from "./key_stream.ts";
import { PortableLayers } from "./portable_layers.ts";
import { relayKernel } from "./relay_kernel.ts";

export type { HopKeys } from "./hop_keys.ts";

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
  readonly #layers: CircuitLayers;
  #disposed = false;

  /** @param layers what does the work: the kernel where it can, unless given */
  constructor(layers: CircuitLayers = newLayers()) {
    this.#layers = layers;
  }

  /** Number of hops that have been added. */
  get hops(): number {
    return this.#layers.hops;
  }

  /**
   * Adds the hop after the last one. The keys are copied.
   *
   * @throws RangeError when a key or digest has not the length that {@link HopKeys} says
   * @throws CryptoError `relay-crypto-disposed`; `relay-crypto-memory-full`
   */
  addHop(keys: HopKeys): void {
    this.#refuseIfDisposed();
    this.#layers.addHop(keys);
  }

  /**
   * Seals the relay payload at `buffer[offset]` for hop `hop`, in place: sets recognized to zero,
   * writes the digest, and adds the layers of hops `hop` to 0.
   *
   * @throws RangeError when there is no such hop or no 509 bytes at `offset`
   * @throws CryptoError `relay-crypto-disposed`; `relay-crypto-memory-full`
   */
  seal(buffer: Uint8Array, offset: number, hop: number): void {
    this.#refuseIfDisposed();
    this.#refuseUnknownHop(hop);
    refuseOutside(buffer, offset);
    this.#layers.seal(buffer, offset, hop);
  }

  /**
   * Removes layers from the relay payload at `buffer[offset]`, in place, until a hop recognizes
   * it: recognized is zero, and the digest agrees. The digest field of a recognized payload is
   * left zero.
   *
   * @returns the hop that sent the payload, or -1 when it is nobody's; then all layers are removed
   * @throws RangeError when there are no 509 bytes at `offset`
   * @throws CryptoError `relay-crypto-disposed`; `relay-crypto-memory-full`
   */
  open(buffer: Uint8Array, offset: number): number {
    this.#refuseIfDisposed();
    refuseOutside(buffer, offset);
    return this.#layers.open(buffer, offset);
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
    return new Uint8Array(this.#layers.sentDigest(hop));
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
    return new Uint8Array(this.#layers.receivedDigest(hop));
  }

  /**
   * Gives up key stream that was made ahead, up to 64 KiB for each hop: for a circuit that is idle.
   * The next cells take a little longer. Does nothing after disposal.
   */
  trim(): void {
    if (!this.#disposed) this.#layers.trim();
  }

  /** Overwrites keys and key streams. Every later use but `hops` and `trim` throws. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#layers.wipe();
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

/** The kernel's where it runs and has room, otherwise portable ones. */
function newLayers(): CircuitLayers {
  const kernel = relayKernel();
  return kernel?.hasRoom ? new KernelLayers(kernel) : new PortableLayers();
}

function refuseOutside(buffer: Uint8Array, offset: number): void {
  if (!(offset >= 0 && offset + RELAY_PAYLOAD_LENGTH <= buffer.length)) {
    throw new RangeError(`no relay payload at ${offset} of ${buffer.length} bytes`);
  }
}
