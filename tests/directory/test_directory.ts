/**
 * A small network on paper, directory servers that serve it from memory, and a Directory that asks
 * them.
 */
import { SeededRandom } from "../../testnet/seeded_random.ts";
import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import type { DirAuthority, FallbackDirectory } from "../../src/config/config.ts";
import { parseRsaIdentity, type RsaIdentity } from "../../src/crypto/identity.ts";
import { Directory, type DirectoryOptions } from "../../src/directory/directory.ts";
import { type DirectoryServer, type DirectoryTransport } from "../../src/directory/transport.ts";
import { GuardSample } from "../../src/guard/guard_sample.ts";
import { BootstrapTracker } from "../../src/observe/bootstrap.ts";
import type { ByteStream } from "../../src/runtime/byte_stream.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import {
  type ConsensusParts,
  relayEntry,
  sha256Base64,
  testAuthorities,
  type TestAuthority,
  writeConsensus,
  writeMicrodescriptor,
} from "../../testnet/document_writer.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

export const HOUR = 60 * 60 * 1000;
/** When the test network's first consensus becomes valid. */
export const VALID_AFTER = Date.UTC(2024, 4, 17, 17);

/** A network of relays that all are guard, exit and directory cache. */
export class TestNetwork {
  readonly authorities = testAuthorities();
  /** Texts by their digests. */
  readonly microdescriptors = new Map<string, string>();
  readonly #relays: ReturnType<typeof relayEntry>[] = [];

  constructor(relays = 12) {
    for (let index = 1; index <= relays; index++) {
      const text = writeMicrodescriptor({
        onionKey: new Uint8Array(32).fill(index),
        ed25519Identity: new Uint8Array(32).fill(index + 100),
        exitPolicy: "accept 1-65535",
      });
      const digest = sha256Base64(text);
      this.microdescriptors.set(digest, text);
      const flags = "Exit Fast Guard Running Stable V2Dir Valid";
      this.#relays.push(relayEntry(index, { digest, flags }));
    }
  }

  consensus(
    parts: Partial<ConsensusParts> = {},
    signers: readonly TestAuthority[] = this.authorities,
  ): Uint8Array<ArrayBuffer> {
    const { authorities } = this;
    const all = { validAfter: VALID_AFTER, relays: this.#relays, authorities, ...parts };
    return writeConsensus(all, signers);
  }

  certificates(): string {
    return this.authorities.map((authority) => authority.certificate()).join("");
  }

  /** The documents that a path asks for; `undefined` for what there is not. */
  serve(path: string, consensus: Uint8Array): Uint8Array | undefined {
    if (path.startsWith("/tor/status-vote/current/consensus-microdesc/")) return consensus;
    if (path.startsWith("/tor/keys/fp-sk/")) return encode(this.certificates());
    const digests = /^\/tor\/micro\/d\/(.*)\.z$/.exec(path)?.[1].split("-") ?? [];
    const texts = digests.map((digest) => this.microdescriptors.get(digest) ?? "");
    return texts.some((text) => text !== "") ? encode(texts.join("")) : undefined;
  }
}

export function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** An answer of a directory server. */
export function answer(
  status: string,
  body: Uint8Array = new Uint8Array(0),
  headers = "",
): Uint8Array {
  const head = encode(`HTTP/1.0 ${status}\r\n${headers}\r\n`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** A good answer, compressed as real servers do. */
export function ok(document: Uint8Array): Uint8Array {
  return answer("200 OK", zstdCompressSync(document), "Content-Encoding: x-zstd\r\n");
}

/** One request as a server sees it. */
export interface SeenRequest {
  readonly server: DirectoryServer;
  readonly path: string;
  readonly text: string;
}

/**
 * What a server does: pieces to send, after which the stream ends; an error to fail the opening
 * with; or "hang" to never answer.
 */
export type Reply = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array> | Error | "hang";

/** Servers in memory. */
export class FakeTransport implements DirectoryTransport {
  readonly requests: SeenRequest[] = [];
  openStreams = 0;
  #handler: (request: SeenRequest) => Reply;

  constructor(handler: (request: SeenRequest) => Reply) {
    this.#handler = handler;
  }

  set handler(handler: (request: SeenRequest) => Reply) {
    this.#handler = handler;
  }

  /** The beginnings of the paths that were asked for. */
  get kinds(): string[] {
    return this.requests.map(({ path }) => path.split("/")[2]);
  }

  async open(server: DirectoryServer, signal: AbortSignal): Promise<ByteStream> {
    // As a real one, this answers some time later.
    await Promise.resolve();
    signal.throwIfAborted();
    const handler = (request: SeenRequest) => {
      this.requests.push(request);
      return this.#handler(request);
    };
    this.openStreams += 1;
    return new FakeStream(server, handler, () => this.openStreams -= 1);
  }
}

class FakeStream implements ByteStream {
  readonly #server: DirectoryServer;
  readonly #handler: (request: SeenRequest) => Reply;
  readonly #onClose: () => void;
  readonly #closed = Promise.withResolvers<null>();
  #pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array> | undefined;
  #isClosed = false;

  constructor(
    server: DirectoryServer,
    handler: (request: SeenRequest) => Reply,
    onClose: () => void,
  ) {
    this.#server = server;
    this.#handler = handler;
    this.#onClose = onClose;
  }

  write(bytes: Uint8Array): Promise<void> {
    const text = new TextDecoder().decode(bytes);
    const path = /^GET (\S+) HTTP\/1\.0\r\n/.exec(text)?.[1] ?? "";
    const reply = this.#handler({ server: this.#server, path, text });
    if (reply instanceof Error) return Promise.reject(reply);
    if (reply === "hang") return Promise.resolve();
    if (reply instanceof Uint8Array) this.#pieces = [reply][Symbol.iterator]();
    else if (Symbol.iterator in reply) this.#pieces = reply[Symbol.iterator]();
    else this.#pieces = reply[Symbol.asyncIterator]();
    return Promise.resolve();
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#pieces === undefined) return await this.#closed.promise;
    const next = await this.#pieces.next();
    return next.done ? null : next.value;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve(null);
    this.#onClose();
  }
}

/** A configuration for the test network, with public servers' schedule. */
export function testConfig(
  network: TestNetwork,
  changes: { readonly fallbacks?: number } = {},
): DirectoryOptions["config"] {
  const authorities = network.authorities.map((authority, index): DirAuthority => ({
    nickname: authority.nickname,
    hostname: `10.99.${index}.1`,
    dirPort: 80,
    orPort: 443,
    ipv6: undefined,
    rsaIdentity: identityOf(0xa0 + index),
    v3Identity: authority.v3Identity,
    bridge: false,
    weight: 1,
  }));
  const fallbacks = Array.from(
    { length: changes.fallbacks ?? 4 },
    (_, index): FallbackDirectory => ({
      hostname: `10.98.${index}.1`,
      orPort: 443,
      ipv6: undefined,
      rsaIdentity: identityOf(0xb0 + index),
      weight: 1,
    }),
  );
  return {
    authorities,
    fallbacks,
    downloads: {
      bootstrapAuthorityDelay: 6000,
      bootstrapFallbackDelay: 0,
      bootstrapAuthorityOnlyDelay: 0,
      bootstrapMaxInProgress: 3,
      consensusDelay: 0,
      documentDelay: 0,
      consensusCheckInterval: 60_000,
      maxIntervalWithoutRequest: 600_000,
      maxStall: 300_000,
      minConsensusInterval: 300_000,
    },
    pathsNeededToBuildCircuits: undefined,
  };
}

function identityOf(number: number): RsaIdentity {
  const identity = parseRsaIdentity(number.toString(16).padStart(40, "f"));
  assert.ok(identity);
  return identity;
}

export interface RunOptions {
  readonly network?: TestNetwork;
  readonly config?: DirectoryOptions["config"];
  /** Ms since 1970. */
  readonly now?: number;
  /** Files that the data directory has at the start. */
  readonly files?: Readonly<Record<string, Uint8Array | string>>;
  readonly handler?: (request: SeenRequest) => Reply;
  /** What relays say of our clock, in ms. */
  readonly clockSkews?: readonly number[];
  /** When this version was released, in ms since 1970; when the network began unless given. */
  readonly released?: number;
}

/** A directory that was started in a data directory of its own. */
export class RunningDirectory implements AsyncDisposable {
  readonly network: TestNetwork;
  readonly transport: FakeTransport;
  readonly clock: FakeClock;
  readonly data: DataDirectory;
  readonly guards: GuardSample;
  readonly bootstrap = new BootstrapTracker();
  readonly directory: Directory;
  readonly finished: Promise<void>;

  private constructor(
    options: RunOptions,
    network: TestNetwork,
    clock: FakeClock,
    data: DataDirectory,
    guards: GuardSample,
  ) {
    const consensus = network.consensus();
    this.network = network;
    this.clock = clock;
    this.data = data;
    this.guards = guards;
    this.transport = new FakeTransport(
      options.handler ?? (({ path }) => {
        const document = network.serve(path, consensus);
        return document === undefined ? answer("404 Not found") : ok(document);
      }),
    );
    this.directory = new Directory({
      config: options.config ?? testConfig(network),
      runtime: { clock, random: new SeededRandom(1) },
      data,
      transport: this.transport,
      guards,
      bootstrap: this.bootstrap,
      whenAwake: () => Promise.resolve(),
      clockSkews: () => options.clockSkews ?? [],
      released: options.released ?? VALID_AFTER,
    });
    this.finished = this.directory.start(new AbortController().signal);
    // Its failure is for the tests that await it.
    this.finished.catch(() => undefined);
  }

  static async start(options: RunOptions = {}): Promise<RunningDirectory> {
    const path = await Deno.makeTempDir({ prefix: "chive-directory-" });
    for (const [name, bytes] of Object.entries(options.files ?? {})) {
      await Deno.writeFile(`${path}/${name}`, typeof bytes === "string" ? encode(bytes) : bytes);
    }
    const clock = new FakeClock(options.now ?? VALID_AFTER + HOUR / 2);
    const data = await DataDirectory.open(path);
    const guards = await GuardSample.load(data, { clock, random: new SeededRandom(1) }, {
      useEntryGuards: true,
      numEntryGuards: undefined,
      numDirectoryGuards: undefined,
      numPrimaryGuards: undefined,
      guardLifetime: undefined,
      extendAllowPrivateAddresses: true,
    });
    const network = options.network ?? new TestNetwork();
    return new RunningDirectory(options, network, clock, data, guards);
  }

  /** Lets time pass until `condition` holds, at most `limit` ms of it. */
  async until(condition: () => boolean, limit = 10 * 60_000): Promise<void> {
    const end = this.clock.monotonic() + limit;
    while (!condition()) {
      assert.ok(this.clock.monotonic() < end, `not within ${limit} ms of its time`);
      await turn();
      this.clock.advance(100);
    }
  }

  /** Lets `ms` milliseconds pass, in steps of `step`. */
  async pass(ms: number, step = 500): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      this.clock.advance(step);
      await turn();
    }
  }

  /** Waits until circuits can be built and all microdescriptors are there. */
  untilComplete(): Promise<void> {
    return this.until(() =>
      this.directory.netDir?.missingMicrodescriptors().length === 0 &&
      this.directory.enoughForCircuits().ready
    );
  }

  /** The bytes of a file in the data directory. */
  file(name: string): Promise<Uint8Array | undefined> {
    return this.data.read(name, 10_000_000);
  }

  /** Those whom requests of a kind went to. */
  askedFor(kind: string): RsaIdentity[] {
    return this.transport.requests
      .filter(({ path }) => path.split("/")[2] === kind)
      .map(({ server }) => server.kind === "relay" ? server.relay.rsaIdentity : server.rsaIdentity);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.directory.close();
    await this.guards.close();
    this.data[Symbol.dispose]();
    await Deno.remove(this.data.path, { recursive: true });
    assert.equal(this.transport.openStreams, 0, "all streams are closed");
    assert.equal(this.clock.pendingTimers, 0, "all timers are stopped");
  }
}

/** Lets everything run that is ready to, files included. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
