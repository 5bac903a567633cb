import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import {
  type BootstrapProgress,
  type CircuitBuilt,
  ConfigError,
  TorClient,
  TorError,
} from "../../src/client/mod.ts";
import { buildConfig } from "../../src/config/build.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { Logger } from "../../src/observe/log.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { socks5Connect } from "../network/socks_client.ts";
import { bodySha256 } from "../network/test_body.ts";
import { WebServer } from "../network/web_server.ts";
import { ExitWatch } from "./exit_watch.ts";
import { selfSigned, TestCa } from "./tls_certificates.ts";
import { networkOptions, withClient } from "./with_client.ts";

const NAMES = {
  "web.example": "127.0.0.1",
  "six.example": "::1",
  "1.2.0.192.in-addr.arpa": "pointer.example",
};

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof TorError && error.code === code;
}

Deno.test("connect: bytes both ways, whole, to a name that only the exit knows", async () => {
  const watch = new ExitWatch();
  await using web = new WebServer("127.0.0.1");
  const network = { names: NAMES, misbehaviours: watch.misbehaviours };
  await withClient({ network }, async ({ client }) => {
    await using conn = await client.connect({ hostname: "Web.Example", port: web.port });
    assert.deepEqual(conn.remoteAddr, {
      transport: "tcp",
      hostname: "Web.Example",
      port: web.port,
    });
    await conn.write(new TextEncoder().encode("GET /bytes/300000 HTTP/1.1\r\n\r\n"));
    const answer = new Uint8Array(await new Response(conn.readable).arrayBuffer());
    const body = answer.subarray(answer.length - 300_000);
    const digest = await crypto.subtle.digest("SHA-256", body);
    assert.equal(new Uint8Array(digest).toHex(), bodySha256(300_000, 0));
    assert.deepEqual(watch.targets, [`web.example:${web.port}`]);
  });
});

Deno.test("connect: isolation decides about circuits; after newIdentity all are new", async () => {
  const watch = new ExitWatch();
  await using web = new WebServer("127.0.0.1");
  const network = { names: NAMES, misbehaviours: watch.misbehaviours };
  await withClient({ network }, async ({ client }) => {
    const circuitOf = async (id: string, isolation?: string) => {
      const options = { hostname: "web.example", port: web.port, isolation };
      using conn = await client.connect(options);
      await conn.write(new TextEncoder().encode(`GET /bytes/1?id=${id} HTTP/1.1\r\n\r\n`));
      await new Response(conn.readable).arrayBuffer();
      const [circuit] = watch.circuits.get(id) ?? [];
      return circuit;
    };
    const [none, alice, bob] = [
      await circuitOf("a"),
      await circuitOf("b", "alice"),
      await circuitOf("c", "bob"),
    ];
    assert.equal(new Set([none, alice, bob]).size, 3);
    assert.equal(await circuitOf("d", "alice"), alice);
    client.newIdentity();
    assert.ok(client.status().circuits.every(({ state }) => state === "retired"));
    assert.equal([none, alice, bob].includes(await circuitOf("e", "alice")), false);
  });
});

Deno.test("TLS over a connection checks certificates, by an authority of one's own", async () => {
  const ca = new TestCa();
  const serve = (certificate: { key: string; cert: string }) =>
    Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {}, ...certificate },
      () => new Response("hello"),
    );
  await using signed = serve(ca.issue("web.example"));
  await using self = serve(selfSigned("web.example"));
  await withClient({ network: { names: NAMES } }, async ({ client }) => {
    const handshake = async ({ port }: Deno.NetAddr, servername: string) => {
      const conn = await client.connect({ hostname: "web.example", port });
      const socket = connectTls({ socket: Duplex.fromWeb(conn), servername, ca: ca.cert });
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      socket.once("secureConnect", resolve).once("error", reject);
      try {
        await promise;
        return socket.authorized;
      } finally {
        socket.destroy();
        conn.close();
      }
    };
    assert.equal(await handshake(signed.addr, "web.example"), true);
    await assert.rejects(handshake(signed.addr, "other.example"), /does not match/);
    await assert.rejects(handshake(self.addr, "web.example"), /verify/);
  });
});

Deno.test("what cannot be connected to or looked up is told by a code", async () => {
  await withClient({ network: { names: NAMES } }, async ({ client }) => {
    const port = 80;
    const connect = (hostname: string) => client.connect({ hostname, port });
    await assert.rejects(connect("unknown.example"), hasCode("end-resolve-failed"));
    await assert.rejects(connect("no name"), hasCode("hostname-malformed"));
    await assert.rejects(connect("name.exit"), hasCode("exit-name-refused"));
    await assert.rejects(connect("name.onion"), hasCode("onion-unsupported"));
    for (const wrong of [0, 65536, 1.5, NaN]) {
      await assert.rejects(client.connect({ hostname: "web.example", port: wrong }), RangeError);
    }
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await assert.rejects(client.connect({ hostname: "web.example", port, signal }), reason);
    await assert.rejects(client.resolve("unknown.example"), hasCode("resolve-failed"));
    await assert.rejects(client.resolve("web.example", { signal }), reason);
    await assert.rejects(client.resolveReverse("192.0.2.9"), hasCode("resolve-failed"));
    await assert.rejects(client.resolveReverse("web.example"), TypeError);
    const { failures } = client.status().streams;
    assert.deepEqual(failures["end-resolve-failed"], 1);
  });
});

Deno.test("resolve and resolveReverse ask an exit", async () => {
  await withClient({ network: { names: NAMES } }, async ({ client }) => {
    const values = async (records: ReturnType<TorClient["resolve"]>) =>
      (await records).map(({ value }) => value);
    assert.deepEqual(await values(client.resolve("web.example")), ["127.0.0.1"]);
    assert.deepEqual(await values(client.resolve("six.example")), ["::1"]);
    assert.deepEqual(await values(client.resolve("six.example", { family: 4 })), []);
    assert.deepEqual(await values(client.resolve("127.0.0.1")), ["127.0.0.1"]);
    assert.deepEqual(await values(client.resolveReverse("192.0.2.1")), ["pointer.example"]);
  });
});

Deno.test("events and the status tell of the start and of circuits", async () => {
  await withClient({ network: { names: NAMES }, bootstrap: false }, async ({ client }) => {
    const progress: BootstrapProgress[] = [];
    const built: CircuitBuilt[] = [];
    const closed: number[] = [];
    const warned: string[] = [];
    client.addEventListener("bootstrap", ({ detail }) => progress.push(detail));
    client.addEventListener("circuitbuilt", ({ detail }) => built.push(detail));
    client.addEventListener("circuitclosed", ({ detail }) => closed.push(detail.number));
    client.addEventListener("warning", ({ detail }) => warned.push(detail.message));
    assert.equal(client.status().ready, false);
    assert.match(client.status().reason ?? "", /Bootstrapping/);
    await client.bootstrapped({ signal: AbortSignal.timeout(60_000) });
    await client.bootstrapped();
    assert.equal(progress.at(-1)?.percent, 100);
    const percents = progress.map(({ percent }) => percent);
    assert.deepEqual(percents, percents.toSorted((a, b) => a - b));
    const status = client.status();
    assert.deepEqual(
      [status.ready, status.reason, status.dormant, status.bootstrap.tag],
      [true, undefined, false, "done"],
    );
    assert.deepEqual(status.circuits[0].relays.map(({ nickname }) => nickname.slice(0, -1)), [
      "guard",
      "middle",
      "exit",
    ]);
    assert.deepEqual(built.find(({ number }) => number === status.circuits[0].number)?.relays, [
      ...status.circuits[0].relays,
    ]);
    assert.ok(status.guards.some(({ primary, state }) => primary && state === "reachable"));
    assert.ok(status.traffic.received > 0 && status.consensusValidAfter !== undefined);

    new Logger("config").warn("something to see");
    assert.deepEqual(warned, ["something to see"]);
    assert.equal(client.status().warnings.at(-1)?.message, "something to see");
    await client.stop();
    const numbers = built.map(({ number }) => number).toSorted((a, b) => a - b);
    assert.deepEqual(closed.toSorted((a, b) => a - b), numbers);
    new Logger("config").warn("nobody listens");
    assert.equal(warned.length, 1);
  });
});

Deno.test("guards that stop to answer are told of", async () => {
  await withClient({ network: { guards: 2 } }, async ({ client, network }) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    client.addEventListener("guardschange", ({ detail }) => {
      if (detail.kind === "reachability" && !detail.reachable) resolve(detail.fingerprint);
    });
    const { fingerprint } = client.status().circuits[0].relays[0];
    for (const relay of network.relays) {
      if (relay.role === "guard") await relay[Symbol.asyncDispose]();
    }
    client.newIdentity();
    const guards = client.status().guards.map((guard) => guard.fingerprint);
    assert.ok(guards.includes(fingerprint));
    assert.ok(guards.includes(await promise));
  });
});

Deno.test("a SOCKS port is there for those who ask, and none else", async () => {
  await using web = new WebServer("127.0.0.1");
  const start = { socksPort: "auto" };
  await withClient({ network: { names: NAMES }, start }, async ({ client }) => {
    const [{ hostname, port }] = client.status().socksPorts;
    using _conn = await socks5Connect({ hostname, port }, {
      hostname: "web.example",
      port: web.port,
    });
  });
  await withClient({ network: { names: NAMES }, bootstrap: false }, ({ client }) => {
    assert.deepEqual(client.status().socksPorts, []);
    return Promise.resolve();
  });
});

Deno.test("MapAddress and RejectPlaintextPorts hold for the library too", async () => {
  await using web = new WebServer("127.0.0.1");
  const options = { MapAddress: "mapped.example web.example", RejectPlaintextPorts: "23" };
  await withClient({ network: { names: NAMES }, start: { options } }, async ({ client }) => {
    using _conn = await client.connect({ hostname: "mapped.example", port: web.port });
    const refused = client.connect({ hostname: "web.example", port: 23 });
    await assert.rejects(refused, hasCode("plaintext-port-refused"));
  });
});

Deno.test("a log that was asked for is written, and closed with the client", async () => {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/log`;
  await withClient({ start: { log: `notice file ${file}` } }, () => Promise.resolve());
  assert.match(await Deno.readTextFile(file), /Bootstrapped 100%/);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a start that fails leaves nothing behind", async () => {
  await assert.rejects(TorClient.start({ options: { NoSuchOption: 1 } }), ConfigError);
  await using network = await EmbeddedNetwork.start({});
  const directory = await Deno.makeTempDir();
  const options = networkOptions(network);
  const using = { dataDirectory: directory, options, log: `notice file ${directory}/log` };
  await using client = await TorClient.start(using);
  await assert.rejects(TorClient.start(using), hasCode("data-directory-locked"));
  await client.stop();
  await using _again = await TorClient.start(using);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a client that is stopped says so", async () => {
  await withClient({ bootstrap: false }, async ({ client }) => {
    const joining = client.bootstrapped();
    const aborted = client.bootstrapped({ signal: AbortSignal.timeout(0) });
    await assert.rejects(aborted, DOMException);
    const finished = client.finished();
    await Promise.all([client.stop(), client.stop(), assert.rejects(joining)]);
    await finished;
    const target = { hostname: "web.example", port: 80 };
    await assert.rejects(client.connect(target), hasCode("client-stopped"));
    await assert.rejects(client.resolve("web.example"), hasCode("client-stopped"));
    await assert.rejects(client.resolveReverse("192.0.2.1"), hasCode("client-stopped"));
  });
});

Deno.test("a configuration that was read elsewhere starts a client too", async () => {
  await using network = await EmbeddedNetwork.start({});
  const dataDirectory = await Deno.makeTempDir();
  const torrc = network.clientTorrc({ dataDirectory, socksPort: 0 });
  const { config } = buildConfig([parseTorrc(torrc, "torrc")]);
  {
    await using client = await TorClient.startWith(config);
    await client.bootstrapped({ signal: AbortSignal.timeout(60_000) });
    assert.equal(client.status().socksPorts.length, 1);
  }
  await Deno.remove(dataDirectory, { recursive: true });
});
