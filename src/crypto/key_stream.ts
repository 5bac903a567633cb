/**
 * The AES-128-CTR key stream of one hop in one direction, for portable relay crypto.
 *
 * @module
 */
import { KeyStreamSource, PIECE_LENGTHS } from "./key_stream_source.ts";

/** Length of a relay cell's payload, in bytes. */
export const RELAY_PAYLOAD_LENGTH = 509;

const NOTHING = new DataView(new ArrayBuffer(0));

/** Key stream made ahead: {@link take} gives where in {@link piece} the bytes for a payload are. */
export class KeyStream {
  /** The bytes made so far that are still to be used. Replaced by {@link take}. */
  piece: DataView = NOTHING;
  readonly #source: KeyStreamSource;
  readonly #longest: number;
  /** Where in `piece`, or in the one before if it was given up, the next unused byte is. */
  #position = 0;

  /**
   * @param key the AES key, 16 bytes; copied
   * @param longest index of the longest of the lengths of pieces that it makes; a stream that makes
   * the longest of all has to be trimmed or wiped in the end
   */
  constructor(key: Uint8Array, longest: number = PIECE_LENGTHS.length - 1) {
    this.#source = new KeyStreamSource(key);
    this.#longest = longest;
  }

  /** Uses up the next 509 bytes of the stream; returns where in {@link piece} they begin. */
  take(): number {
    if (this.#position + RELAY_PAYLOAD_LENGTH > this.piece.byteLength) this.#makePiece();
    const start = this.#position;
    this.#position = start + RELAY_PAYLOAD_LENGTH;
    return start;
  }

  /** Gives up what was made ahead, and goes back to short pieces. */
  trim(): void {
    this.#overwrite();
    this.piece = NOTHING;
    this.#source.shrink();
  }

  /** Overwrites the key and the stream. A later `take` gives nothing of use. */
  wipe(): void {
    this.#source.wipe();
    this.#overwrite();
  }

  #makePiece(): void {
    const made = this.#source.next(this.#position, Math.min(this.#source.rank, this.#longest));
    this.piece = new DataView(made.buffer, made.byteOffset, made.byteLength);
    this.#position %= 16;
  }

  #overwrite(): void {
    new Uint8Array(this.piece.buffer, this.piece.byteOffset, this.piece.byteLength).fill(0);
  }
}
