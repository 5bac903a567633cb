/**
 * The AES-128-CTR key stream of one hop in one direction, made ahead in pieces.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createCipheriv } from "node:crypto";

/** Length of a relay cell's payload, in bytes. */
export const RELAY_PAYLOAD_LENGTH = 509;

/** What a new circuit pays in memory for each hop and direction, in bytes: two cells of key stream. */
const FIRST_PIECE_LENGTH = 1024;

/** What a busy circuit pays; from here on AES runs at full speed, so more would only cost memory. */
const LAST_PIECE_LENGTH = 32768;

const BLOCK_LENGTH = 16;

/** Where counter blocks are laid out to be encrypted; filled and used within one call. */
const counterBlocks = new DataView(new ArrayBuffer(LAST_PIECE_LENGTH));

/**
 * AES-128-CTR with a zero IV (tor-spec, relay-cell encryption), as the bytes to XOR with.
 *
 * The stream is AES-ECB over counter blocks: {@link take} gives where in {@link piece} the bytes
 * for the next payload are. Pieces grow from 1 KiB to 32 KiB with use.
 */
export class KeyStream {
  /** The bytes made so far that are still to be used. Replaced by {@link take}. */
  piece: DataView = new DataView(new ArrayBuffer(0));
  readonly #key: Uint8Array;
  /** Index of the AES block at which `piece` begins. */
  #firstBlock = 0;
  /** Where in `piece` the next unused byte is. */
  #position = 0;

  /** @param key the AES key, 16 bytes; copied */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError(`an AES-128 key has 16 bytes, not ${key.length}`);
    this.#key = key.slice();
  }

  /** Uses up the next 509 bytes of the stream; returns where in {@link piece} they begin. */
  take(): number {
    if (this.#position + RELAY_PAYLOAD_LENGTH > this.piece.byteLength) this.#makePiece();
    const start = this.#position;
    this.#position = start + RELAY_PAYLOAD_LENGTH;
    return start;
  }

  /** Overwrites the key and the stream. A later `take` gives nothing of use. */
  wipe(): void {
    this.#key.fill(0);
    new Uint8Array(this.piece.buffer, this.piece.byteOffset, this.piece.byteLength).fill(0);
  }

  /** Makes the piece that begins with the block of the next unused byte. */
  #makePiece(): void {
    const length = Math.max(
      FIRST_PIECE_LENGTH,
      Math.min(2 * this.piece.byteLength, LAST_PIECE_LENGTH),
    );
    this.#firstBlock += Math.floor(this.#position / BLOCK_LENGTH);
    this.#position %= BLOCK_LENGTH;
    for (let at = 0, block = this.#firstBlock; at < length; at += BLOCK_LENGTH, block++) {
      // The upper 64 bits of the counter stay zero: nobody sends 2^64 blocks.
      counterBlocks.setUint32(at + 8, Math.floor(block / 2 ** 32));
      counterBlocks.setUint32(at + 12, block);
    }
    // A cipher is a resource that only final() frees, so none is kept for as long as a circuit.
    const cipher = createCipheriv("aes-128-ecb", this.#key, null).setAutoPadding(false);
    const made = cipher.update(Buffer.from(counterBlocks.buffer, 0, length));
    cipher.final();
    this.piece = new DataView(made.buffer, made.byteOffset, made.byteLength);
  }
}
