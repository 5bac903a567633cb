/**
 * Makes the AES-128-CTR key stream of one hop in one direction, piece after piece.
 *
 * @module
 */
import { type Cipheriv as Cipher, createCipheriv } from "node:crypto";

/**
 * How long the pieces of a stream are, in bytes, from a new circuit's to a busy one's. With the
 * longest, AES runs at three quarters of its full speed. Twice as much wins a tenth, and costs
 * tens of megabytes that the allocator does not give back.
 */
export const PIECE_LENGTHS = [1024, 4096, 32768] as const;

/** How many pieces of one length are made before a longer one. */
const PIECES_OF_ONE_LENGTH = 4;

const LONGEST_RANK = PIECE_LENGTHS.length - 1;
const LONGEST = PIECE_LENGTHS[LONGEST_RANK];
const BLOCK_LENGTH = 16;
const NOTHING = new Uint8Array(0);

/** Where counter blocks are laid out to be encrypted; filled and used within one call. */
const counterBlocks = new Uint8Array(LONGEST);
const counterView = new DataView(counterBlocks.buffer);
/** The upper halves of the counters in `counterBlocks`, all the same. */
let upperHalf = 0;

/**
 * AES-128-CTR with a zero IV (tor-spec, relay-cell encryption), as the bytes to XOR with.
 *
 * The stream is AES-ECB over counter blocks. Pieces grow with use.
 */
export class KeyStreamSource {
  readonly #key: Uint8Array;
  /** Index of the AES block at which the last piece begins. */
  #firstBlock = 0;
  /** Which of {@link PIECE_LENGTHS} is made now, and how many were. */
  #rank = 0;
  #made = 0;
  /** What makes the longest pieces; only `final` frees it, so streams that make short ones keep none. */
  #cipher: Cipher | undefined;

  /** @param key the AES key, 16 bytes; copied */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError(`an AES-128 key has 16 bytes, not ${key.length}`);
    this.#key = key.slice();
  }

  /** How long the next piece is to be, as an index of {@link PIECE_LENGTHS}. */
  get rank(): number {
    return this.#made >= PIECES_OF_ONE_LENGTH && this.#rank < LONGEST_RANK
      ? this.#rank + 1
      : this.#rank;
  }

  /** Goes back to the shortest pieces. */
  shrink(): void {
    this.#rank = 0;
    this.#made = 0;
    this.#freeCipher();
  }

  /**
   * Makes the piece that begins with the block of the next unused byte, `used % 16` bytes into it,
   * in a buffer of its own.
   *
   * @param used how many bytes of the last piece were used
   * @param rank how long to make it, as an index of {@link PIECE_LENGTHS}
   */
  next(used: number, rank: number): Uint8Array {
    if (rank !== this.#rank) this.#made = 0;
    this.#rank = rank;
    this.#made++;
    this.#firstBlock += Math.floor(used / BLOCK_LENGTH);
    const length = PIECE_LENGTHS[rank];
    fillCounterBlocks(this.#firstBlock, length);
    const cipher = this.#cipher ?? ecbCipher(this.#key);
    const piece = cipher.update(counterBlocks.subarray(0, length));
    if (rank === LONGEST_RANK) {
      this.#cipher = cipher;
      // It would keep its copy of the input until the next update, for the collector to find late.
      cipher.update(NOTHING);
    } else if (cipher === this.#cipher) this.#freeCipher();
    else cipher.final();
    return piece;
  }

  /** Overwrites the key. A later `next` gives nothing of use. */
  wipe(): void {
    this.#key.fill(0);
    this.#freeCipher();
  }

  #freeCipher(): void {
    this.#cipher?.final();
    this.#cipher = undefined;
  }
}

function ecbCipher(key: Uint8Array): Cipher {
  return createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
}

/** Lays out the counters from `firstBlock` on. The uppermost 64 bits are zero: nobody sends 2^64 blocks. */
function fillCounterBlocks(firstBlock: number, length: number): void {
  const upper = Math.floor(firstBlock / 2 ** 32);
  const carries = Math.floor((firstBlock + length / BLOCK_LENGTH) / 2 ** 32) !== upper;
  if (carries || upper !== upperHalf) {
    for (let at = 0, block = firstBlock; at < LONGEST; at += BLOCK_LENGTH, block++) {
      counterView.setUint32(at + 8, Math.floor(block / 2 ** 32));
    }
    // NaN is never equal: what carries leaves two different halves behind.
    upperHalf = carries ? NaN : upper;
  }
  for (let at = 12, block = firstBlock | 0; at < length; at += BLOCK_LENGTH, block++) {
    counterView.setInt32(at, block);
  }
}
