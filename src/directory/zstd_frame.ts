/**
 * Finds the end of a zstd frame (RFC 8878, section 3.1.1) without decompressing it: the runtime's
 * decoder neither says where a frame ended nor that one was cut off.
 *
 * @module
 */
import { DirectoryError } from "./errors.ts";

/** What a frame's headers say. */
export interface ZstdFrame {
  /** Bytes from the magic number to the checksum. */
  readonly length: number;
  /** Bytes that the decoder has to hold. */
  readonly windowSize: number;
}

/**
 * Reads the headers of the frame at the start of `bytes`:
 *
 * | field        | bytes  |                                                                     |
 * | ------------ | ------ | ------------------------------------------------------------------- |
 * | magic        | 4      | 28 b5 2f fd                                                         |
 * | descriptor   | 1      | content size flag (2 bits), single segment, 2 bits, checksum, dictionary flag (2) |
 * | window       | 0 or 1 | absent in a single segment; exponent (5 bits), mantissa (3)          |
 * | dictionary   | 0 to 4 |                                                                     |
 * | content size | 0 to 8 | little-endian                                                        |
 * | blocks       |        | each with a little-endian header of 3: last (1 bit), type (2), size (21) |
 * | checksum     | 0 or 4 |                                                                     |
 *
 * @throws DirectoryError `directory-encoding-invalid` when it is no frame, or not all of one
 */
export function zstdFrame(bytes: Uint8Array): ZstdFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (view.getUint32(0, true) !== 0xfd2fb528) throw invalid("has no zstd frame");
    const descriptor = view.getUint8(4);
    const singleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    let at = 5;
    let windowSize = 0;
    if (!singleSegment) {
      const window = view.getUint8(at++);
      const base = 2 ** (10 + (window >> 3));
      windowSize = base + base / 8 * (window & 7);
    }
    at += [0, 1, 2, 4][descriptor & 3];
    if (singleSegment) {
      windowSize = [
        () => view.getUint8(at),
        () => view.getUint16(at, true) + 256,
        () => view.getUint32(at, true),
        () => Number(view.getBigUint64(at, true)),
      ][sizeFlag]();
    }
    at += sizeFlag === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeFlag;
    for (let last = false; !last;) {
      const header = view.getUint16(at, true) + view.getUint8(at + 2) * 65536;
      last = (header & 1) === 1;
      const type = (header >> 1) & 3;
      if (type === 3) throw invalid("has a zstd block of a reserved type");
      // A block of type 1 is one byte, repeated.
      at += 3 + (type === 1 ? 1 : header >> 3);
    }
    if ((descriptor & 4) !== 0) at += 4;
    if (at > bytes.length) throw invalid("ends within a zstd frame");
    return { length: at, windowSize };
  } catch (error) {
    if (error instanceof RangeError) throw invalid("ends within a zstd frame");
    throw error;
  }
}

function invalid(what: string): DirectoryError {
  return new DirectoryError("directory-encoding-invalid", `the answer ${what}`);
}
