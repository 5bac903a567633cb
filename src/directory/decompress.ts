/**
 * Undoes the compression of directory documents, which anybody may have written.
 *
 * The encoding is recognised by the first bytes, as C tor does when label and content disagree;
 * so the Content-Encoding header is never needed:
 *
 * | begins with           | encoding                        |
 * | --------------------- | ------------------------------- |
 * | 1f 8b                 | gzip                            |
 * | x8 .., divisible by 31 | deflate (zlib)                  |
 * | 28 b5 2f fd           | x-zstd                          |
 * | 5d 00 00              | x-tor-lzma, which is not offered |
 * | anything else         | identity                        |
 *
 * @module
 */
import { createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { nextTurn } from "../runtime/event_loop.ts";
import { DirectoryError } from "./errors.ts";
import { joined } from "./joined.ts";
import { zstdFrame } from "./zstd_frame.ts";

/** No honest document is compressed by more than this factor (C tor's limit). */
const MAX_RATIO = 25;
/** The factor is looked at only when this much came out (C tor's limit), in bytes. */
const RATIO_CHECKED_AFTER = 5 * 1024 * 1024;
/** Compressed documents that may follow one another in one answer. */
const MAX_STREAMS = 1024;
/** What a zstd decoder must be able to hold (RFC 8878); more is refused. Bytes. */
const MAX_ZSTD_WINDOW = 8 * 1024 * 1024;
/** What a decoder gives at a time, in bytes. */
const PIECE = 64 * 1024;
/** How much is decompressed before other work gets its turn, in bytes: less than 2 ms. */
const BYTES_PER_TURN = 256 * 1024;
/** What a further stream costs beside its bytes: its decoder, as so many bytes. */
const STREAM_COST = 16 * 1024;

type Encoding = "gzip" | "deflate" | "x-zstd" | "x-tor-lzma" | "identity";

function detect(bytes: Uint8Array): Encoding {
  if (bytes.length < 3) return "identity";
  const first = bytes[0] * 256 + bytes[1];
  if (first === 0x1f8b) return "gzip";
  if ((bytes[0] & 0x0f) === 8 && first % 31 === 0) return "deflate";
  if (first === 0x5d00 && bytes[2] === 0) return "x-tor-lzma";
  if (first === 0x28b5 && bytes[2] === 0x2f && bytes[3] === 0xfd) return "x-zstd";
  return "identity";
}

/** A decoder of node:zlib. */
type Decoder =
  | ReturnType<typeof createInflate>
  | ReturnType<typeof createGunzip>
  | ReturnType<typeof createZstdDecompress>;

/** A decoder that was given its input. */
interface Decoding {
  readonly decoder: Decoder;
  /** How many bytes of the input belong to its stream: to be asked when the decoder has ended. */
  readonly consumed: () => number;
}

/**
 * The document within `body`: one or several compressed documents in a row, all of one encoding,
 * or plain text. Never allocates much more than `maxLength`, whatever the body claims, and works in
 * many turns of the event loop; nothing may write to the body until this resolves.
 *
 * @param maxLength the longest document that is accepted, in bytes
 * @throws DirectoryError `directory-compression-bomb`, `directory-encoding-invalid`,
 * `directory-encoding-unsupported`, or `directory-http-too-large`
 */
export async function decompress(body: Uint8Array, maxLength: number): Promise<Uint8Array> {
  const encoding = detect(body);
  if (encoding === "x-tor-lzma") {
    throw new DirectoryError("directory-encoding-unsupported", "the answer is LZMA, not offered");
  }
  if (encoding === "identity") {
    if (body.length <= maxLength) return body;
    throw new DirectoryError(
      "directory-http-too-large",
      `the document is longer than the ${maxLength} bytes that are accepted here`,
    );
  }
  // One limit for all streams together: else many small bombs would pass as none.
  const limit = Math.min(maxLength, Math.max(RATIO_CHECKED_AFTER, body.length * MAX_RATIO));
  const pieces: Uint8Array[] = [];
  let length = 0;
  let streams = 0;
  let untilTurn = BYTES_PER_TURN;
  for (let at = 0; at < body.length;) {
    if (streams++ === MAX_STREAMS) bomb("has too many compressed streams in a row");
    untilTurn -= STREAM_COST;
    const { decoder, consumed } = decoding(encoding, body.subarray(at));
    for await (const piece of piecesOf(decoder, encoding)) {
      length += piece.length;
      if (length > limit) bomb(`grows beyond ${limit} bytes when it is decompressed`);
      pieces.push(piece);
      untilTurn -= piece.length;
      if (untilTurn > 0) continue;
      untilTurn = BYTES_PER_TURN;
      await nextTurn();
    }
    at += consumed();
    if (untilTurn <= 0) {
      untilTurn = BYTES_PER_TURN;
      await nextTurn();
    }
  }
  return joined(pieces);
}

/** Begins to decompress the first stream of `bytes`. */
function decoding(encoding: "gzip" | "deflate" | "x-zstd", bytes: Uint8Array): Decoding {
  const options = { chunkSize: PIECE };
  switch (encoding) {
    case "gzip":
      // Takes all of a row of gzip members at once, and nothing else.
      return started(createGunzip(options), bytes, () => bytes.length);
    case "deflate": {
      const decoder = createInflate(options);
      // Ends with its stream, whatever follows.
      return started(decoder, bytes, () => decoder.bytesWritten);
    }
    case "x-zstd": {
      const { length, windowSize } = zstdFrame(bytes);
      if (windowSize > MAX_ZSTD_WINDOW) bomb(`has too large a zstd window: ${windowSize} bytes`);
      return started(createZstdDecompress(options), bytes.subarray(0, length), () => length);
    }
  }
}

function started(decoder: Decoder, input: Uint8Array, consumed: () => number): Decoding {
  decoder.end(input);
  return { decoder, consumed };
}

/** What a decoder gives, as it gives it: no more is made than is asked for. */
async function* piecesOf(decoder: Decoder, encoding: Encoding): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of decoder) {
      if (!(piece instanceof Uint8Array)) throw new TypeError("a decoder gave no bytes");
      yield piece;
    }
  } catch (error) {
    throw new DirectoryError(
      "directory-encoding-invalid",
      `the answer is not valid ${encoding}`,
      { cause: error },
    );
  }
}

function bomb(what: string): never {
  throw new DirectoryError("directory-compression-bomb", `the answer ${what}`);
}
