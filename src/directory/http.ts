/**
 * The little of HTTP/1.0 that directory servers speak, on the client's side.
 *
 * A request is what C tor sends for a tunnelled fetch, in its order, and nothing more:
 *
 * ```
 * GET /tor/status-vote/current/consensus-microdesc/... HTTP/1.0
 * Host: 192.0.2.5:9001
 * If-Modified-Since: Fri, 17 May 2024 12:03:00 GMT      (only for a newer consensus)
 * Accept-Encoding: x-zstd, deflate, gzip, identity
 * X-Or-Diff-From-Consensus: 5C1D...                     (only where a diff will do)
 * ```
 *
 * That list of encodings is the one of a C tor that was built without LZMA.
 *
 * @module
 */
import { DirectoryError } from "./errors.ts";
import { joined } from "./joined.ts";

/** What is asked of a directory server. */
export interface HttpRequest {
  /** Begins with a slash. */
  readonly path: string;
  /** The server's own `address:port`. */
  readonly host: string;
  /** Ms since 1970: asks for the document only if it is newer. */
  readonly ifModifiedSince?: number;
  /** The SHA3-256 of the signed part of the consensus that is held: 64 hexadecimal digits. */
  readonly diffFrom?: string;
}

/** The head of a directory server's answer. */
export interface HttpHead {
  /** 100 to 599. */
  readonly status: number;
  /** Bytes of the body, when the server says so; else the body ends with the stream. */
  readonly contentLength: number | undefined;
  /** What the server's clock said, in ms since 1970; nothing may rely on it. */
  readonly date: number | undefined;
}

/** The longest head that is accepted, in bytes (C tor's limit). */
export const MAX_HEAD_LENGTH = 50_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const CR = 13;
const LF = 10;

/** A request as it goes over the wire. */
export function encodeRequest(request: HttpRequest): Uint8Array {
  const { path, host, ifModifiedSince, diffFrom } = request;
  const lines = [`GET ${path} HTTP/1.0`, `Host: ${host.replace(/:80$/, "")}`];
  if (ifModifiedSince !== undefined) {
    lines.push(`If-Modified-Since: ${new Date(ifModifiedSince).toUTCString()}`);
  }
  lines.push("Accept-Encoding: x-zstd, deflate, gzip, identity");
  if (diffFrom !== undefined) lines.push(`X-Or-Diff-From-Consensus: ${diffFrom}`);
  return encoder.encode(lines.join("\r\n") + "\r\n\r\n");
}

/**
 * Reads an answer piece by piece, as it arrives.
 *
 * Stricter than C tor in what can only come from a broken or hostile server: control characters
 * in the head, two Content-Length headers, and a body longer or shorter than Content-Length.
 */
export class HttpResponseReader {
  readonly #maxBody: number;
  #head: HttpHead | undefined;
  #headBytes = new Uint8Array(0);
  readonly #pieces: Uint8Array[] = [];
  #bodyLength = 0;

  /** @param maxBody the longest body that is accepted, in bytes, as it comes over the wire */
  constructor(maxBody: number) {
    this.#maxBody = maxBody;
  }

  /** The head, once all of it has arrived. */
  get head(): HttpHead | undefined {
    return this.#head;
  }

  /**
   * Takes the next bytes of the stream, and copies what it keeps.
   *
   * @returns whether the answer is complete (only an answer with Content-Length can tell)
   * @throws DirectoryError `directory-http-invalid` or `directory-http-too-large`
   */
  push(bytes: Uint8Array): boolean {
    if (this.#head !== undefined) return this.#pushBody(this.#head, bytes.slice());
    const start = this.#headBytes.length;
    const seen = new Uint8Array(start + Math.min(bytes.length, MAX_HEAD_LENGTH + 4));
    seen.set(this.#headBytes);
    seen.set(bytes.subarray(0, seen.length - start), start);
    const end = endOfHead(seen, Math.max(0, start - 3));
    if (end > MAX_HEAD_LENGTH || (end < 0 && seen.length > MAX_HEAD_LENGTH)) {
      throw new DirectoryError(
        "directory-http-too-large",
        `the head of the answer is longer than ${MAX_HEAD_LENGTH} bytes`,
      );
    }
    if (end < 0) {
      this.#headBytes = seen;
      return false;
    }
    this.#headBytes = new Uint8Array(0);
    const head = parseHead(seen.subarray(0, end - 4));
    this.#head = head;
    return this.#pushBody(head, bytes.slice(end - start));
  }

  #pushBody(head: HttpHead, piece: Uint8Array): boolean {
    this.#bodyLength += piece.length;
    const { contentLength } = head;
    const expected = Math.max(this.#bodyLength, contentLength ?? 0);
    if (expected > this.#maxBody) {
      throw new DirectoryError(
        "directory-http-too-large",
        `the answer is longer than the ${this.#maxBody} bytes that are accepted here`,
      );
    }
    if (contentLength !== undefined && this.#bodyLength > contentLength) {
      throw new DirectoryError(
        "directory-http-invalid",
        `the answer is longer than the ${contentLength} bytes it announced`,
      );
    }
    if (piece.length > 0) this.#pieces.push(piece);
    return this.#bodyLength === contentLength;
  }

  /**
   * The answer, after the stream has ended or {@link push} said it is complete.
   *
   * @throws DirectoryError `directory-http-cut-off` when something is missing
   */
  finish(): { head: HttpHead; body: Uint8Array } {
    const head = this.#head;
    if (head === undefined) {
      throw new DirectoryError(
        "directory-http-cut-off",
        "the stream ended within the answer's head",
      );
    }
    if (head.contentLength !== undefined && this.#bodyLength < head.contentLength) {
      throw new DirectoryError(
        "directory-http-cut-off",
        `the stream ended after ${this.#bodyLength} of ${head.contentLength} bytes`,
      );
    }
    return { head, body: joined(this.#pieces) };
  }
}

/** Where the body begins, or -1. */
function endOfHead(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at + 4;
  }
  return -1;
}

function parseHead(bytes: Uint8Array): HttpHead {
  const invalid = (what: string) => new DirectoryError("directory-http-invalid", what);
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw invalid("the answer's head is not text");
  }
  const [statusLine, ...headers] = text.split("\r\n");
  const status = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: [\t\P{Cc}]*)?$/u.exec(statusLine);
  if (status === null) throw invalid("the answer has no HTTP status line");
  let contentLength: number | undefined;
  let date: number | undefined;
  for (const line of headers) {
    const header = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\P{Cc}]*)$/u.exec(line);
    if (header === null) throw invalid("the answer has a malformed header");
    const [, name] = header;
    const value = header[2].trimEnd();
    switch (name.toLowerCase()) {
      case "content-length":
        if (contentLength !== undefined) throw invalid("the answer has two Content-Length headers");
        if (!/^[0-9]{1,10}$/.test(value)) throw invalid("the answer's Content-Length is malformed");
        contentLength = Number(value);
        break;
      case "transfer-encoding":
        // HTTP/1.0 has none; taking the body as it stands would be a different document.
        throw invalid("the answer has a Transfer-Encoding");
      case "date": {
        const parsed = Date.parse(value);
        date = Number.isNaN(parsed) ? undefined : parsed;
        break;
      }
    }
  }
  return { status: Number(status[1]), contentLength, date };
}
