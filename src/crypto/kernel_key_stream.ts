/**
 * The AES-128-CTR key stream of one hop in one direction, in the kernel's memory.
 *
 * @module
 */
import { KeyStreamSource, PIECE_LENGTHS } from "./key_stream_source.ts";
import type { LongPieceHolder } from "./long_pieces.ts";
import { RecordField, type RelayKernel } from "./relay_kernel.ts";

const LONG = PIECE_LENGTHS.length - 1;

/** Lays key stream out for one record of the kernel. */
export class KernelKeyStream implements LongPieceHolder {
  readonly #kernel: RelayKernel;
  readonly #record: number;
  readonly #source: KeyStreamSource;
  /** Where the piece is, or 0, and how long it is. */
  #piece = 0;
  #length = 0;
  /** How many bytes of the piece that was given up last were used. */
  #used = 0;

  /**
   * @param record the address of the record that the kernel finds the stream by
   * @param key the AES key, 16 bytes; copied
   */
  constructor(kernel: RelayKernel, record: number, key: Uint8Array) {
    this.#source = new KeyStreamSource(key);
    this.#kernel = kernel;
    this.#record = record;
  }

  /**
   * Makes the next piece, which begins with the next unused byte.
   *
   * @returns false when the kernel's memory is full
   */
  refill(): boolean {
    const { bytes, words, memory, longPieces } = this.#kernel;
    const source = this.#source;
    let rank = source.rank;
    if (rank === LONG && !longPieces.request(this)) rank--;
    if (PIECE_LENGTHS[rank] !== this.#length) {
      this.#giveUp();
      this.#piece = memory.allocate(PIECE_LENGTHS[rank]);
      if (this.#piece === 0) {
        if (rank === LONG) longPieces.release(this);
        // Short places are what most circuits hold, so one of them may be free.
        rank = 0;
        this.#piece = memory.allocate(PIECE_LENGTHS[rank]);
        if (this.#piece === 0) return false;
      }
      this.#length = PIECE_LENGTHS[rank];
    } else {
      this.#used = this.#usedNow();
    }
    const made = source.next(this.#used, rank);
    bytes.set(made, this.#piece);
    // Frees its memory now: the collector sees a small object, and would let many megabytes gather.
    if (made.buffer instanceof ArrayBuffer) made.buffer.transfer(0);
    const start = this.#piece + this.#used % 16;
    words.setUint32(this.#record + RecordField.STREAM_AT, start, true);
    words.setUint32(this.#record + RecordField.STREAM_END, this.#piece + this.#length, true);
    return true;
  }

  /** Gives up what was made ahead, and goes back to short pieces. */
  trim(): void {
    this.#giveUp();
    this.#source.shrink();
  }

  /** Overwrites the key and the stream. A later `refill` gives nothing of use. */
  wipe(): void {
    this.#giveUp();
    this.#source.wipe();
  }

  #usedNow(): number {
    return this.#kernel.words.getUint32(this.#record + RecordField.STREAM_AT, true) - this.#piece;
  }

  #giveUp(): void {
    if (this.#piece === 0) return;
    const { words, memory, longPieces } = this.#kernel;
    this.#used = this.#usedNow();
    memory.release(this.#piece, this.#length);
    if (this.#length === PIECE_LENGTHS[LONG]) longPieces.release(this);
    this.#piece = 0;
    this.#length = 0;
    words.setUint32(this.#record + RecordField.STREAM_END, 0, true);
  }
}
