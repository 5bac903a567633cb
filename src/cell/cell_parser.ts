/**
 * Cuts a channel's bytes into cells, in place.
 *
 * @module
 */
import { hasVariableLength } from "./command.ts";
import {
  CELL_HEADER_LENGTH,
  CELL_LENGTH,
  readUint32,
  VARIABLE_CELL_HEADER_LENGTH,
} from "./layout.ts";

/** The longest cell: a variable-length one with a full body, in bytes. */
const LONGEST_CELL = VARIABLE_CELL_HEADER_LENGTH + 65535;

/**
 * Holds what has been read from a channel and walks over it cell by cell:
 *
 * 1. fill: read into {@link space}, then tell {@link filled};
 * 2. walk: while {@link next} is true, the current cell is described by the fields. They, and the
 *    bytes they point at, are valid until the next call.
 *
 * Before the link protocol is negotiated, circuit ids have 2 bytes (VERSIONS only).
 */
export class CellParser {
  /** Where the bytes are. One buffer for the whole life of the channel; room for the longest cell. */
  readonly buffer: Uint8Array<ArrayBuffer> = new Uint8Array(LONGEST_CELL + 506);
  /** The current cell's circuit id. */
  circuitId = 0;
  /** The current cell's command. */
  command = 0;
  /** Where the current cell's body starts in {@link buffer}. */
  bodyOffset = 0;
  /** How long the current cell's body is, in bytes: 509 unless its length is variable. */
  bodyLength = 0;

  #circuitIdLength: 2 | 4 = 2;
  #start = 0;
  #end = 0;

  /** Goes over to 4-byte circuit ids, which every link protocol from 4 on has. */
  useLongCircuitIds(): void {
    this.#circuitIdLength = 4;
  }

  /** Where to read the next bytes into: never empty once all whole cells have been walked. */
  space(): Uint8Array<ArrayBuffer> {
    // What is left of a cut-off cell moves to the front, at most once per read.
    if (this.#start > 0) {
      this.buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    return this.buffer.subarray(this.#end);
  }

  /** Says that `length` bytes were read into {@link space}. */
  filled(length: number): void {
    this.#end += length;
  }

  /** Whether bytes are held that do not make a whole cell. */
  get hasPartialCell(): boolean {
    return this.#end > this.#start;
  }

  /** Goes to the next cell; false when no whole cell is held. */
  next(): boolean {
    const { buffer } = this;
    const start = this.#start;
    const available = this.#end - start;
    const header = this.#circuitIdLength + 1;
    if (available < header) return false;
    const command = buffer[start + this.#circuitIdLength];
    let bodyOffset = start + header;
    let end: number;
    if (hasVariableLength(command)) {
      if (available < header + 2) return false;
      bodyOffset += 2;
      end = bodyOffset + (buffer[bodyOffset - 2] << 8 | buffer[bodyOffset - 1]);
    } else {
      end = start + CELL_LENGTH - CELL_HEADER_LENGTH + header;
    }
    if (end > this.#end) return false;
    this.circuitId = this.#circuitIdLength === 4
      ? readUint32(buffer, start)
      : buffer[start] << 8 | buffer[start + 1];
    this.command = command;
    this.bodyOffset = bodyOffset;
    this.bodyLength = end - bodyOffset;
    this.#start = end;
    return true;
  }

  /** A view of the current cell's body. */
  body(): Uint8Array {
    return this.buffer.subarray(this.bodyOffset, this.bodyOffset + this.bodyLength);
  }
}
