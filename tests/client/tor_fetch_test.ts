import assert from "node:assert/strict";
import { TorError } from "../../src/client/mod.ts";
import { WebServer } from "../network/web_server.ts";
import { ExitWatch } from "./exit_watch.ts";
import { selfSigned, type ServerCertificate, TestCa } from "./tls_certificates.ts";
import { withClient } from "./with_client.ts";

const NAMES = { "web.example": "127.0.0.1", "other.example": "127.0.0.1", localhost: "127.0.0.1" };

/** A server on loopback, over TLS if it has a certificate; `url(host)` is its root. */
class TestServer implements AsyncDisposable {
  /** The `id` of each request, and the port that it came from. */
  readonly requests: { readonly id: string | null; readonly from: number }[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #scheme: string;

  constructor(handler: Deno.ServeHandler<Deno.NetAddr>, certificate?: ServerCertificate) {
    const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
    this.#scheme = certificate === undefined ? "http" : "https";
    this.#server = Deno.serve({ ...options, ...certificate }, (request, info) => {
      const id = new URL(request.url).searchParams.get("id");
      this.requests.push({ id, from: info.remoteAddr.port });
      return handler(request, info);
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  url(host: string, path = "/"): string {
    return `${this.#scheme}://${host}:${this.port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof TorError && error.code === code;
}

Deno.test("fetch: names go to the exit as they are, and bodies come whole both ways", async () => {
  const watch = new ExitWatch();
  await using server = new TestServer((request) => new Response(request.body));
  const network = { names: NAMES, misbehaviours: watch.misbehaviours };
  await withClient({ network }, async ({ client }) => {
    const body = crypto.getRandomValues(new Uint8Array(60_000));
    const response = await client.fetch(server.url("web.example"), { method: "POST", body });
    assert.deepEqual(await response.bytes(), body);
    // A request that brings a client of its own still goes by Tor.
    using direct = Deno.createHttpClient({});
    const own: RequestInit & { client: Deno.HttpClient } = { client: direct };
    const request = new Request(server.url("web.example", "/?id=own"), own);
    await (await client.fetch(request)).bytes();
    const target = `web.example:${server.port}`;
    assert.deepEqual([...new Set(watch.targets)], [target]);
    assert.equal(watch.circuits.get("own")?.size, 1);
  });
});

Deno.test("fetch: a body is streamed, and waits for who reads it", async () => {
  let sent = 0;
  const endless = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent += 65536;
          controller.enqueue(new Uint8Array(65536));
        },
      }),
    );
  await using server = new TestServer(endless);
  await withClient({ network: { names: NAMES } }, async ({ client }) => {
    const { body } = await client.fetch(server.url("web.example"));
    assert.ok(body !== null);
    const reader = body.getReader();
    let received = 0;
    while (received < 5_000_000) {
      const { value } = await reader.read();
      assert.ok(value !== undefined);
      received += value.length;
    }
    // What is under way is bounded by windows and the system's buffers.
    assert.ok(sent < received + 20_000_000, `${sent} sent, ${received} received`);
    await reader.cancel();
  });
});

Deno.test("fetch: another isolation has another circuit and another connection", async () => {
  const watch = new ExitWatch();
  await using server = new TestServer(() => new Response("done"));
  const network = { names: NAMES, misbehaviours: watch.misbehaviours };
  await withClient({ network }, async ({ client }) => {
    const get = async (id: string, isolation?: string) => {
      const response = await client.fetch(server.url("web.example", `/?id=${id}`), { isolation });
      assert.equal(await response.text(), "done");
      const [circuit, ...more] = watch.circuits.get(id) ?? [];
      assert.ok(circuit !== undefined && more.length === 0);
      return { circuit, from: server.requests.find((request) => request.id === id)?.from };
    };
    const [none, alice, bob] = [await get("a"), await get("b", "alice"), await get("c", "bob")];
    assert.equal(new Set([none.circuit, alice.circuit, bob.circuit]).size, 3);
    assert.deepEqual(await get("d", "alice"), alice, "a connection is used again");
    assert.deepEqual(await get("e"), none);
    const { circuits } = client.status();
    const isolations = circuits.flatMap(({ isolation }) => isolation ?? []);
    assert.equal(new Set(isolations).size, 3);
    assert.doesNotMatch(JSON.stringify(client.status()), /alice|616c696365|bob/);

    client.newIdentity();
    const next = await get("f", "alice");
    assert.notEqual(next.circuit, alice.circuit);
    assert.notEqual(next.from, alice.from);
  });
});

Deno.test("fetch: of many isolations only the last ones keep a connection", async () => {
  await using server = new TestServer(() => new Response("done"));
  await withClient({ network: { names: NAMES } }, async ({ client }) => {
    for (let i = 0; i < 40; i++) {
      const response = await client.fetch(server.url("web.example"), { isolation: `${i}` });
      assert.equal(await response.text(), "done");
    }
    const { opened, open } = client.status().streams;
    assert.equal(opened, 40);
    assert.ok(open <= 33, `${open} connections are open`);
  });
});

Deno.test("fetch: redirects lead through Tor, and nowhere else", async () => {
  const watch = new ExitWatch();
  await using server = new TestServer((request) => {
    const to = new URL(request.url).searchParams.get("to");
    return to === null
      ? Response.json([...request.headers.keys()])
      : new Response(null, { status: 302, headers: { location: to } });
  });
  const network = { names: NAMES, misbehaviours: watch.misbehaviours };
  await withClient({ network }, async ({ client }) => {
    const redirect = (to: string, init?: RequestInit) =>
      client.fetch(server.url("web.example", `/?to=${encodeURIComponent(to)}`), init);
    const secrets = { authorization: "Bearer 1", cookie: "a=1" };
    const response = await redirect(server.url("other.example"), { headers: secrets });
    assert.equal(response.url, server.url("other.example"));
    const headers = await response.json();
    assert.equal(headers.includes("authorization") || headers.includes("cookie"), false);
    assert.deepEqual(watch.targets.toSorted(), [
      `other.example:${server.port}`,
      `web.example:${server.port}`,
    ]);
    for (const to of ["file:///etc/hostname", "data:,text"]) {
      await assert.rejects(redirect(to), TypeError);
    }
    await assert.rejects(redirect("https://192.0.2.1/"), hasCode("fetch-host-refused"));
    const kept = await redirect(server.url("other.example"), { redirect: "manual" });
    assert.equal(kept.status, 302);
    await kept.body?.cancel();
  });
});

Deno.test("fetch: certificates are checked, and an authority can be added", async () => {
  const ca = new TestCa();
  const hello = () => new Response("hello");
  await using signed = new TestServer(hello, ca.issue("web.example"));
  await using signedAddress = new TestServer(hello, ca.issue("127.0.0.1"));
  await using self = new TestServer(hello, selfSigned("web.example"));
  await using address = new TestServer(hello, selfSigned("127.0.0.1"));
  // As the process runs, Deno checks no chain for this name.
  await using exempt = new TestServer(hello, selfSigned("192.0.2.1"));
  const options = { network: { names: NAMES }, start: { caCerts: [ca.cert] } };
  await withClient(options, async ({ client }) => {
    for (const url of [signed.url("web.example"), signedAddress.url("127.0.0.1")]) {
      assert.equal(await (await client.fetch(url)).text(), "hello");
    }
    const refused = [
      signed.url("other.example"),
      signed.url("127.0.0.1"),
      signedAddress.url("web.example"),
      self.url("web.example"),
      address.url("127.0.0.1"),
      exempt.url("web.example"),
    ];
    for (const url of refused) {
      await assert.rejects(client.fetch(url), hasCode("fetch-certificate-refused"), url);
    }
    for (const url of [exempt.url("192.0.2.1"), "https://0xC0000201/"]) {
      await assert.rejects(client.fetch(url), hasCode("fetch-host-refused"), url);
    }
    const servers = [self, address, exempt];
    assert.equal(servers.flatMap(({ requests }) => requests).length, 0);
    assert.deepEqual([signed, signedAddress].map(({ requests }) => requests.length), [1, 1]);
  });
  await withClient({ network: { names: NAMES } }, async ({ client }) => {
    const url = signed.url("web.example");
    await assert.rejects(client.fetch(url), hasCode("fetch-certificate-refused"));
  });
});

Deno.test("fetch: no variable of the environment leads it around Tor", async () => {
  const watch = new ExitWatch();
  await using server = new TestServer(() => new Response("done"));
  const network = { names: NAMES, misbehaviours: watch.misbehaviours };
  await withClient({ network }, async ({ client }) => {
    const variables = { NO_PROXY: "*", no_proxy: "localhost", ALL_PROXY: "http://127.0.0.1:1" };
    const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
    try {
      for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
      // This machine would know this name too.
      const response = await client.fetch(server.url("localhost"));
      assert.equal(await response.text(), "done");
      assert.deepEqual(watch.targets, [`localhost:${server.port}`]);
      for (const [name, value] of Object.entries(variables)) {
        assert.equal(Deno.env.get(name), value);
      }
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    }
  });
});

Deno.test({
  name: "fetch: names are not even touched here: no permission for them is needed",
  permissions: {
    net: ["127.0.0.0/8", "192.0.2.1", "192.0.2.2"],
    env: ["JEST_WORKER_ID", "UNDICI_NO_WASM_SIMD"],
    sys: true,
    read: true,
    write: true,
  },
  async fn() {
    const ca = new TestCa();
    const done = () => new Response("done");
    await using plain = new TestServer(done);
    await using secure = new TestServer(done, ca.issue("web.example"));
    const start = { caCerts: [ca.cert] };
    await withClient({ network: { names: NAMES }, start }, async ({ client }) => {
      for (const server of [plain, secure]) {
        assert.equal(await (await client.fetch(server.url("web.example"))).text(), "done");
      }
    });
  },
});

Deno.test("fetch: bodies of known length say it, and forms are encoded", async () => {
  await using server = new TestServer(async (request) => {
    const { headers } = request;
    const type = headers.get("content-type")?.split(";")[0];
    return Response.json([headers.get("content-length"), type, await request.text()]);
  });
  await withClient({ network: { names: NAMES } }, async ({ client }) => {
    const post = async (body: BodyInit) => {
      const response = await client.fetch(server.url("web.example"), { method: "POST", body });
      assert.ok(response instanceof Response);
      return await response.json();
    };
    assert.deepEqual(await post("text"), ["4", "text/plain", "text"]);
    assert.deepEqual(await post(new URLSearchParams({ a: "1 2" })), [
      "5",
      "application/x-www-form-urlencoded",
      "a=1+2",
    ]);
    assert.deepEqual(await post(new Blob(["{}"], { type: "application/json" })), [
      "2",
      "application/json",
      "{}",
    ]);
    const form = new FormData();
    form.set("name", "value");
    const [length, type, text] = await post(form);
    assert.deepEqual([length, type], [String(text.length), "multipart/form-data"]);
    assert.match(text, /name="name"\r\n\r\nvalue/);
    const stream = ReadableStream.from([new TextEncoder().encode("stream")]);
    assert.deepEqual(await post(stream), [null, null, "stream"]);
  });
});

Deno.test("fetch: answers without a body, compressed ones, and what servers get wrong", async () => {
  await using server = new TestServer((request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/compressed") {
      const stream = new Blob(["hello"]).stream().pipeThrough(new CompressionStream("gzip"));
      return new Response(stream, { headers: { "content-encoding": "gzip" } });
    }
    return new Response(null, { status: Number(pathname.slice(1)) });
  });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const rude = (async () => {
    for await (const conn of listener) {
      await conn.read(new Uint8Array(1000));
      await conn.write(new TextEncoder().encode("this is no HTTP\r\n\r\n"));
      conn.close();
    }
  })();
  await withClient({ network: { names: NAMES } }, async ({ client }) => {
    for (const status of [200, 204, 304, 404, 500]) {
      const response = await client.fetch(server.url("web.example", `/${status}`));
      assert.deepEqual([response.status, await response.text()], [status, ""]);
    }
    const compressed = await client.fetch(server.url("web.example", "/compressed"));
    assert.equal(await compressed.text(), "hello");
    for (const scheme of ["http", "https"]) {
      const url = `${scheme}://web.example:${listener.addr.port}/`;
      await assert.rejects(client.fetch(url), TypeError);
    }
  });
  listener.close();
  await rude;
});

Deno.test("fetch: an answer ends when it is given up or cut off, or the client stops", async () => {
  await using web = new WebServer("127.0.0.1");
  await withClient({ network: { names: NAMES } }, async ({ client }) => {
    const url = `http://web.example:${web.port}/endless`;
    const aborting = new AbortController();
    const response = await client.fetch(url, { signal: aborting.signal });
    const reason = new Error("enough");
    aborting.abort(reason);
    await assert.rejects(response.bytes(), reason);
    await web.idle();
    const short = await client.fetch(`http://web.example:${web.port}/close-early/100000`);
    await assert.rejects(short.bytes(), TypeError);
    const second = await client.fetch(url);
    client.newIdentity();
    const reading = assert.rejects(second.bytes());
    await client.stop();
    await reading;
  });
});

Deno.test("fetch: says why it failed", async () => {
  await using server = new TestServer(() => new Response("done"));
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr;
  closed.close();
  await withClient({ network: { names: NAMES } }, async ({ client }) => {
    const failing: readonly [url: string, code: string][] = [
      [`http://web.example:${port}/`, "end-connection-refused"],
      [`https://web.example:${port}/`, "end-connection-refused"],
      ["http://unknown.example/", "end-resolve-failed"],
      ["http://aaaa.onion/", "onion-unsupported"],
      ["file:///etc/hostname", "fetch-scheme-refused"],
      ["data:,text", "fetch-scheme-refused"],
      ["ftp://web.example/", "fetch-scheme-refused"],
    ];
    for (const [url, code] of failing) {
      await assert.rejects(client.fetch(url), hasCode(code), `${url}: ${code}`);
    }
    await assert.rejects(client.fetch("no URL"), TypeError);
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await assert.rejects(client.fetch(server.url("web.example"), { signal }), reason);
    await client.stop();
    await assert.rejects(client.fetch(server.url("web.example")), hasCode("client-stopped"));
  });
});
