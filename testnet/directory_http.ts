/**
 * The little of HTTP that a directory server speaks, on the server's side, for tunnelled requests
 * (BEGIN_DIR) and for an authority's directory port alike.
 *
 * @module
 */

/** A request for a directory document, or the upload of one. */
export interface DirectoryRequest {
  readonly method: string;
  /** Begins with `/tor/`. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** What a directory server sends back before it closes the stream. */
export type DirectoryAnswer =
  | {
    readonly kind: "http";
    /** Such as `200 OK`. */
    readonly status: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array;
  }
  /** Bytes as they are, each piece when it comes; the head is among them. */
  | { readonly kind: "raw"; readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array> };

/** What answers directory requests. */
export interface DirectoryService {
  answer(request: DirectoryRequest): DirectoryAnswer | Promise<DirectoryAnswer>;
}

/** The longest request that is taken, in bytes. */
const MAX_REQUEST_LENGTH = 256 * 1024;

/** Puts a request together from the bytes of a stream. */
export class DirectoryRequestReader {
  #bytes = new Uint8Array(0);

  /**
   * Takes the next bytes.
   *
   * @returns the request, once all of it is there
   * @throws RangeError when it is malformed or longer than 256 KiB
   */
  push(piece: Uint8Array): DirectoryRequest | undefined {
    const bytes = new Uint8Array(this.#bytes.length + piece.length);
    bytes.set(this.#bytes);
    bytes.set(piece, this.#bytes.length);
    this.#bytes = bytes;
    if (bytes.length > MAX_REQUEST_LENGTH) throw new RangeError("the request is too long");
    const text = new TextDecoder("latin1").decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [first, ...lines] = text.slice(0, end).split("\r\n");
    const [, method, path] = /^(GET|POST) (\S+) HTTP\/1\.[01]$/.exec(first) ?? [];
    if (method === undefined) throw new RangeError("the request is not HTTP");
    const headers = new Map(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const length = Number(headers.get("content-length") ?? 0);
    const body = bytes.subarray(end + 4);
    if (!(length <= MAX_REQUEST_LENGTH)) throw new RangeError("the request's body is too long");
    return body.length < length ? undefined : { method, path, headers, body };
  }
}

/** The bytes of an answer, piece by piece. */
export async function* answerBytes(answer: DirectoryAnswer): AsyncGenerator<Uint8Array> {
  if (answer.kind === "raw") {
    yield* answer.pieces;
    return;
  }
  const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  yield new TextEncoder().encode(`HTTP/1.0 ${answer.status}\r\n${lines.join("")}\r\n`);
  if (answer.body.length > 0) yield answer.body;
}
