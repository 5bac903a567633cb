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
import { gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
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

/**
 * The document within `body`: one or several compressed documents in a row, all of one encoding,
 * or plain text. Never allocates much more than `maxLength`, whatever the body claims.
 *
 * @param maxLength the longest document that is accepted, in bytes
 * @throws DirectoryError `directory-compression-bomb`, `directory-encoding-invalid`,
 * `directory-encoding-unsupported`, or `directory-http-too-large`
 */
export function decompress(body: Uint8Array, maxLength: number): Uint8Array {
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
  const documents: Uint8Array[] = [];
  let length = 0;
  for (let at = 0; at < body.length;) {
    if (documents.length === MAX_STREAMS) {
      throw new DirectoryError(
        "directory-compression-bomb",
        "too many compressed streams in a row",
      );
    }
    const next = decompressFirst(encoding, body.subarray(at), limit - length);
    at += next.consumed;
    length += next.document.length;
    documents.push(next.document);
  }
  return joined(documents);
}

/** The first compressed stream of `bytes`, and how many bytes of them it was. */
function decompressFirst(
  encoding: "gzip" | "deflate" | "x-zstd",
  bytes: Uint8Array,
  limit: number,
): { document: Uint8Array; consumed: number } {
  // node:zlib refuses a limit of 0, and an empty last stream is no bomb.
  const options = { maxOutputLength: Math.max(limit, 1) };
  try {
    switch (encoding) {
      case "gzip":
        // Takes all of a row of gzip members at once, and nothing else.
        return { document: gunzipSync(bytes, options), consumed: bytes.length };
      case "deflate": {
        const { buffer, engine } = inflateWithEngine(bytes, options);
        return { document: buffer, consumed: engine.bytesWritten };
      }
      case "x-zstd": {
        const frame = zstdFrame(bytes);
        if (frame.windowSize > MAX_ZSTD_WINDOW) {
          throw new DirectoryError(
            "directory-compression-bomb",
            `the answer's zstd window of ${frame.windowSize} bytes is too large`,
          );
        }
        const document = zstdDecompressSync(bytes.subarray(0, frame.length), options);
        return { document, consumed: frame.length };
      }
    }
  } catch (error) {
    if (error instanceof DirectoryError) throw error;
    if (isBufferTooLarge(error)) {
      throw new DirectoryError(
        "directory-compression-bomb",
        `the answer grows beyond ${limit} bytes when it is decompressed`,
      );
    }
    throw new DirectoryError(
      "directory-encoding-invalid",
      `the answer is not valid ${encoding}`,
      { cause: error },
    );
  }
}

interface InflateResult {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

/** inflateSync with `info`, whose result its types do not know. */
function inflateWithEngine(
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number },
): InflateResult {
  const result: unknown = inflateSync(bytes, { ...options, info: true });
  if (!isInflateResult(result)) throw new TypeError("inflateSync gave no engine");
  return result;
}

function isInflateResult(value: unknown): value is InflateResult {
  return typeof value === "object" && value !== null &&
    "buffer" in value && value.buffer instanceof Uint8Array &&
    "engine" in value && typeof value.engine === "object" && value.engine !== null &&
    "bytesWritten" in value.engine && typeof value.engine.bytesWritten === "number" &&
    value.engine.bytesWritten > 0;
}

function isBufferTooLarge(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}
