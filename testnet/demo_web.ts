/**
 * The web server of the demonstration, and how its pages are fetched through a SOCKS port.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Clock } from "../src/runtime/clock.ts";
import { SeededRandom } from "./seeded_random.ts";

const PAGE = `<!doctype html>
<title>It works</title>
<h1>It works</h1>
<p>This page came through three relays: none of them knows both you and this server.</p>
`;

/** Bytes of the larger file. */
export const FILE_LENGTH = 4_000_000;

let file = new Uint8Array(0);

/** What was fetched. */
export interface Fetched {
  readonly status: number;
  /** Bytes of the body. */
  readonly length: number;
  /** Of the body, in hexadecimal. */
  readonly sha256: string;
  /** From the request to the last byte. */
  readonly milliseconds: number;
}

/** Serves a page at `/`, and a larger file at `/file`; disposing of it closes it. */
export class DemoWebServer implements AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Listens on any free port of the address. */
  constructor(hostname: string) {
    this.#server = Deno.serve({ hostname, port: 0, onListen: () => {} }, ({ url }) => {
      const body = bodyOf(url);
      return body === undefined
        ? new Response("not here\n", { status: 404 })
        : new Response(body, { headers: { "content-type": "text/html" } });
    });
    this.hostname = hostname;
    this.port = this.#server.addr.port;
  }

  /** SHA-256 of what it sends for a URL, in hexadecimal. */
  sha256(url: string): string {
    return createHash("sha256").update(bodyOf(url) ?? "").digest("hex");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Fetches a URL as a browser would that is told to use a SOCKS5 proxy, names included. */
export async function fetchThrough(
  proxy: string,
  url: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Fetched> {
  const start = clock.monotonic();
  using client = Deno.createHttpClient({ proxy: { url: `socks5h://${proxy}` } });
  const response = await fetch(url, { client, signal });
  const hash = createHash("sha256");
  let length = 0;
  for await (const piece of response.body ?? []) {
    hash.update(piece);
    length += piece.length;
  }
  return {
    status: response.status,
    length,
    sha256: hash.digest("hex"),
    milliseconds: clock.monotonic() - start,
  };
}

/** The larger file; made once, because that takes longer than to carry it. */
function largeFile(): Uint8Array<ArrayBuffer> {
  if (file.length === 0) {
    file = new Uint8Array(FILE_LENGTH);
    new SeededRandom("a file").fill(file);
  }
  return file;
}

function bodyOf(url: string): Uint8Array<ArrayBuffer> | undefined {
  switch (new URL(url).pathname) {
    case "/":
      return new TextEncoder().encode(PAGE);
    case "/file":
      return largeFile();
  }
}
