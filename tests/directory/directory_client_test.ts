import assert from "node:assert/strict";
import { DirectoryClient, type FetchObserver } from "../../src/directory/directory_client.ts";
import type { DocumentRequest } from "../../src/directory/requests.ts";
import type { DirectoryServer, DirectoryTransport } from "../../src/directory/transport.ts";
import type { ByteStream } from "../../src/runtime/byte_stream.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import {
  answer,
  encode,
  FakeTransport,
  ok,
  type Reply,
  testConfig,
  TestNetwork,
} from "./test_directory.ts";

const { hostname, orPort: port, ipv6, rsaIdentity } = testConfig(new TestNetwork(1)).fallbacks[0];
const server: DirectoryServer = { kind: "fallback", hostname, port, ipv6, rsaIdentity };
const request: DocumentRequest = {
  what: "consensus",
  path: "/tor/x",
  maxBody: 10_000,
  maxDocument: 20_000,
};
const limits = { total: 100_000, stretch: 10_000, bytesPerStretch: 100 };

/** A client and its surroundings, for one fetch. */
class Fetch {
  readonly clock = new FakeClock();
  readonly transport: FakeTransport;
  readonly abort = new AbortController();
  readonly #client: DirectoryClient;

  constructor(reply: Reply, transport?: DirectoryTransport) {
    this.transport = new FakeTransport(() => reply);
    this.#client = new DirectoryClient(transport ?? this.transport, this.clock, limits);
  }

  run(changes: Partial<DocumentRequest> = {}, observer?: FetchObserver) {
    return this.#client.fetch(server, { ...request, ...changes }, this.abort.signal, observer);
  }

  /** Checks that nothing is left behind. */
  [Symbol.dispose](): void {
    assert.equal(this.transport.openStreams, 0);
    assert.equal(this.clock.pendingTimers, 0);
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Sends `pieces`, one every `interval` ms of the clock. */
async function* paced(
  clock: FakeClock,
  interval: number,
  pieces: Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.setTimer(resolve, interval);
    try {
      await promise;
    } finally {
      timer.cancel();
    }
    yield piece;
  }
}

Deno.test("a document, and what is heard of it on the way", async () => {
  using fetch = new Fetch(ok(encode("the document")));
  const heard: string[] = [];
  const result = await fetch.run({}, {
    onRequested: () => heard.push("requested"),
    onAnswered: () => heard.push("answered"),
    onLoading: () => heard.push("loading"),
  });
  assert.ok(result.kind === "document");
  assert.equal(new TextDecoder().decode(result.document), "the document");
  assert.deepEqual(heard, ["requested", "answered", "loading"]);
});

Deno.test("a failed answer is an answer, but no document", async () => {
  using fetch = new Fetch(answer("404 Not found"));
  const heard: string[] = [];
  const observer = {
    onAnswered: () => void heard.push("answered"),
    onLoading: () => void heard.push("loading"),
  };
  await assert.rejects(fetch.run({}, observer), { code: "directory-http-status" });
  assert.deepEqual(heard, ["answered"]);
});

Deno.test("304 is an answer only to a question", async () => {
  using asked = new Fetch(answer("304 Not modified"));
  const result = await asked.run({ ifModifiedSince: 0 });
  assert.equal(result.kind, "not-modified");
  using unasked = new Fetch(answer("304 Not modified"));
  await assert.rejects(unasked.run(), { code: "directory-http-status" });
});

Deno.test("an answer with Content-Length needs no end of the stream", async () => {
  const document = encode("text");
  async function* open(): AsyncGenerator<Uint8Array> {
    yield answer("200 OK", document, "Content-Length: 4\r\n");
    await new Promise(() => {});
  }
  using fetch = new Fetch(open());
  assert.equal((await fetch.run()).kind, "document");
});

Deno.test("a server that never answers is given up", async () => {
  using fetch = new Fetch("hang");
  const result = assert.rejects(fetch.run(), { code: "directory-too-slow" });
  await settled();
  fetch.clock.advance(limits.stretch - 1);
  await settled();
  assert.equal(fetch.transport.openStreams, 1);
  fetch.clock.advance(1);
  await result;
});

Deno.test("a server that drips is given up", async () => {
  const clock = new FakeClock();
  const transport = new FakeTransport(() =>
    paced(clock, 1000, [encode("HTTP/1.0 200 OK\r\n\r\n"), ...Array(1000).fill(encode("abc"))])
  );
  const client = new DirectoryClient(transport, clock, limits);
  let failure: unknown;
  const fetching = client.fetch(server, request, new AbortController().signal)
    .catch((error) => failure = error);
  await settled();
  for (let second = 0; second < 10; second++) {
    assert.equal(failure, undefined);
    clock.advance(1000);
    await settled();
  }
  await fetching;
  assert.match(String(failure), /only \d\d bytes arrived in 10 seconds/);
  assert.equal(transport.openStreams, 0);
});

Deno.test("a server that is just fast enough is given up at the end of the total time", async () => {
  const clock = new FakeClock();
  const transport = new FakeTransport(() =>
    paced(clock, 1000, [encode("HTTP/1.0 200 OK\r\n\r\n"), ...Array(1000).fill(new Uint8Array(20))])
  );
  const client = new DirectoryClient(transport, clock, limits);
  let failure: unknown;
  const fetching = client.fetch(server, request, new AbortController().signal)
    .catch((error) => failure = error);
  await settled();
  for (let second = 0; second < 100; second++) {
    assert.equal(failure, undefined, `${second} s`);
    clock.advance(1000);
    await settled();
  }
  await fetching;
  assert.match(String(failure), /not complete after 100 seconds/);
});

Deno.test("aborting ends the fetch with the signal's reason, at every step", async () => {
  using early = new Fetch("hang");
  early.abort.abort(new Error("early"));
  await assert.rejects(early.run(), { message: "early" });
  using late = new Fetch("hang");
  const result = assert.rejects(late.run(), { message: "late" });
  await settled();
  late.abort.abort(new Error("late"));
  await result;
});

Deno.test("a stream that opens too late is closed", async () => {
  const opening = Promise.withResolvers<ByteStream>();
  let signal: AbortSignal | undefined;
  let closed = 0;
  using fetch = new Fetch("hang", {
    open: (_, given) => {
      signal = given;
      return opening.promise;
    },
  });
  const result = assert.rejects(fetch.run(), { code: "directory-too-slow" });
  fetch.clock.advance(limits.stretch);
  await result;
  assert.equal(signal?.aborted, true);
  opening.resolve({
    read: () => Promise.resolve(null),
    write: () => Promise.resolve(),
    close: () => void (closed += 1),
  });
  await settled();
  assert.equal(closed, 1);
});

Deno.test("a stream that cannot be opened is an error with its cause", async () => {
  const cause = new Error("no route");
  using fetch = new Fetch("hang", { open: () => Promise.reject(cause) });
  await assert.rejects(fetch.run(), { code: "directory-open-failed", retry: "elsewhere", cause });
});

Deno.test("after a failure nothing of the attempt is left to be used again", async () => {
  for (
    const [reply, isAborted] of [[answer("404 Not found"), true], [ok(encode("x")), false]] as const
  ) {
    let signal: AbortSignal | undefined;
    const transport = new FakeTransport(() => reply);
    using fetch = new Fetch("hang", {
      open: (to, given) => {
        signal = given;
        return transport.open(to, given);
      },
    });
    await fetch.run().catch(() => undefined);
    assert.equal(signal?.aborted, isAborted);
    assert.equal(transport.openStreams, 0);
  }
});
