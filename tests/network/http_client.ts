/**
 * One HTTP request over a connection that is already open, with the hash of what came back.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { ByteReader, writeAll } from "./byte_reader.ts";
import { withDeadline } from "./deadline.ts";
import { bodyPieces } from "./test_body.ts";

/** What came back. */
export interface HttpResult {
  readonly status: number;
  /** Bytes of the body that the server announced, if it did. */
  readonly declared: number | undefined;
  /** Bytes of the body that came. */
  readonly length: number;
  /** SHA-256 of the body, in hexadecimal. */
  readonly sha256: string;
}

/** What the web server's POST /hash answers. */
export interface UploadResult {
  readonly length: number;
  readonly sha256: string;
}

/** The longest that one request may take, in milliseconds. */
const REQUEST_TIMEOUT = 120_000;

/**
 * Sends a GET request, reads the answer to its end and closes the connection.
 *
 * @param onBody called when the first bytes of the body have come
 */
export function httpGet(
  conn: Deno.Conn,
  path: string,
  onBody: () => void = () => {},
): Promise<HttpResult> {
  return withDeadline(conn, REQUEST_TIMEOUT, `GET ${path}`, async () => {
    await writeAll(conn, requestHead("GET", path));
    const reader = new ByteReader(conn);
    const { status, declared } = await readHead(reader);
    const hash = createHash("sha256");
    let length = 0;
    while (declared === undefined || length < declared) {
      const bytes = await reader.some();
      if (bytes === null) break;
      if (length === 0) onBody();
      hash.update(bytes);
      length += bytes.length;
    }
    return { status, declared, length, sha256: hash.digest("hex") };
  });
}

/** Uploads a body to the web server's POST /hash and closes the connection. */
export function httpUpload(conn: Deno.Conn, length: number, seed: number): Promise<UploadResult> {
  return withDeadline(conn, REQUEST_TIMEOUT, `POST of ${length} bytes`, async () => {
    await writeAll(conn, requestHead("POST", "/hash", length));
    for (const piece of bodyPieces(length, seed)) await writeAll(conn, piece);
    const reader = new ByteReader(conn);
    const { declared = 0 } = await readHead(reader);
    let text = "";
    while (text.length < declared) {
      const bytes = await reader.some();
      if (bytes === null) break;
      text += new TextDecoder().decode(bytes);
    }
    return JSON.parse(text);
  });
}

async function readHead(
  reader: ByteReader,
): Promise<{ status: number; declared: number | undefined }> {
  const head = await reader.head();
  const status = head?.match(/^HTTP\/1\.[01] (\d{3}) /)?.[1];
  if (!head || !status) throw new Error(`not an HTTP response: ${JSON.stringify(head)}`);
  const declared = head.match(/^content-length: (\d+)/im)?.[1];
  return {
    status: Number(status),
    declared: declared === undefined ? undefined : Number(declared),
  };
}

function requestHead(method: string, path: string, length?: number): Uint8Array {
  const declared = length === undefined ? "" : `Content-Length: ${length}\r\n`;
  return new TextEncoder().encode(`${method} ${path} HTTP/1.1\r\nHost: web\r\n${declared}\r\n`);
}
