import assert from "node:assert/strict";
import fc from "fast-check";
import { HttpTunnel } from "../../src/proxy/http_tunnel.ts";
import { WarningLimit } from "../../src/proxy/warning_limit.ts";
import { LogWatch } from "../misbehaviour/log_watch.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { untilAborted } from "./fake_opener.ts";
import { wire } from "./socks_client.ts";
import { type Setting, StreamFailure, withDoors } from "./with_doors.ts";

const TUNNEL = { torrc: "SocksPort 0\nHTTPTunnelPort auto" };
const OPEN = "HTTP/1.0 200 OK\r\nTor-Capabilities: \r\nVia: tor/1.0 tor-network (chive)\r\n\r\n";

/** Sends a whole request, and gives all that is answered until the connection ends. */
async function ask({ connect }: Setting, request: string): Promise<string> {
  const client = await connect();
  await client.send(request);
  return new TextDecoder().decode(await client.rest());
}

Deno.test("CONNECT opens a stream, and what was sent with it goes first", async () => {
  await withDoors(async ({ opener, connect }) => {
    const client = await connect();
    await client.send("CONNECT Web.example:443 HTTP/1.1\r\nHost: x\r\n\r\nearly ");
    assert.equal(new TextDecoder().decode(await client.read(OPEN.length)), OPEN);
    await client.send("late");
    assert.deepEqual(await client.read(10), wire("early late"));
    assert.deepEqual(opener.opened[0].target, { kind: "name", host: "web.example", port: 443 });
  }, TUNNEL);
});

Deno.test("CONNECT to addresses, in lower case, with a head in pieces", async () => {
  await withDoors(async ({ opener, connect }) => {
    for (const target of ["192.0.2.1:80", "[2001:DB8::1]:8443"]) {
      const client = await connect();
      for (const byte of wire(`connect ${target} HTTP/1.0\r\n\r\n`)) await client.send([byte]);
      assert.equal(new TextDecoder().decode(await client.read(OPEN.length)), OPEN);
    }
    assert.deepEqual(opener.opened.map(({ target }) => target), [
      { kind: "ip4", host: "192.0.2.1", port: 80 },
      { kind: "ip6", host: "2001:db8::1", port: 8443 },
    ]);
  }, TUNNEL);
});

Deno.test("CONNECT that cannot be: the status says why, and nothing is opened", async () => {
  await withDoors(async (setting) => {
    const statuses: readonly (readonly [target: string, status: number])[] = [
      ["web.example", 400],
      ["web.example:", 400],
      ["web.example:0", 400],
      ["web.example:65536", 400],
      ["web.example:http", 400],
      [":443", 400],
      ["2001:db8::1:443", 400],
      ["http://web.example/", 400],
      ["web!.example:443", 400],
      ["web.example.relay.exit:443", 403],
      [`${"a".repeat(256)}:443`, 414],
    ];
    for (const [target, status] of statuses) {
      const reply = await ask(setting, `CONNECT ${target} HTTP/1.1\r\n\r\n`);
      assert.ok(reply.startsWith(`HTTP/1.0 ${status} `), `${target}: ${reply}`);
      assert.match(reply, /\r\nVia: tor\/1\.0 tor-network/);
    }
    const rpc = "CONNECT web.example:443 HTTP/1.1\r\nTor-RPC-Target: x\r\n\r\n";
    assert.match(await ask(setting, rpc), /^HTTP\/1\.0 501 Not implemented/);
    assert.deepEqual(setting.opener.opened, []);
  }, TUNNEL);
});

Deno.test("CONNECT that fails is answered with the status for the exit's reason", async () => {
  await withDoors(async (setting) => {
    setting.opener.onOpen = () => Promise.reject(new StreamFailure("end-exit-policy"));
    const reply = await ask(setting, "CONNECT web.example:443 HTTP/1.1\r\n\r\n");
    assert.match(reply, /^HTTP\/1\.0 403 Forbidden \(exit policy\)\r\n/);
    assert.match(reply, /\r\nTor-Request-Failed: end\/EXITPOLICY\r\n\r\n$/);
    setting.opener.onOpen = () => {
      throw new TypeError("a bug in the opener");
    };
    const failed = await ask(setting, "CONNECT web.example:443 HTTP/1.1\r\n\r\n");
    assert.match(failed, /^HTTP\/1\.0 500 /);
  }, TUNNEL);
});

Deno.test("other methods are answered for this machine only, as pages in browsers can send them", async () => {
  await withDoors(async (setting) => {
    const local = [
      "localhost",
      "LOCALHOST:1",
      "127.0.0.1:8118",
      "127.9.9.9",
      "[::1]",
      "[::1]:8118",
    ];
    for (const host of local) {
      const options = await ask(setting, `OPTIONS * HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assert.match(options, /^HTTP\/1\.0 200 OK\r\nAllow: OPTIONS, CONNECT\r\n/, host);
      const get = await ask(setting, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assert.match(get, /^HTTP\/1\.0 405 Method Not Allowed\r\n/, host);
    }
    const others = [
      "evil.example",
      "localhost.evil.example",
      "192.0.2.1",
      "[2001:db8::1]",
      "",
      "127.0.0.1.evil.example",
      "[::1",
      "::1",
      "0x7f.1",
      "localhost:x",
      "a@localhost",
    ];
    for (const host of others) {
      for (const method of ["OPTIONS", "GET", "POST"]) {
        const said = await ask(setting, `${method} * HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        assert.equal(said, "", `${method} ${host}`);
      }
    }
    assert.equal(await ask(setting, "GET / HTTP/1.1\r\n\r\n"), "");
    assert.equal(await ask(setting, "OPTIONS * HTTP/1.1\r\n\r\n"), "");
    assert.deepEqual(setting.opener.opened, []);
  }, TUNNEL);
});

Deno.test("what is no HTTP is closed without a word", async () => {
  await withDoors(async (setting) => {
    for (
      const text of ["\r\n\r\n", "SSH-2.0-x\r\n\r\n", "\x16\x03\x01\0\r\n\r\n", "x".repeat(9000)]
    ) {
      // What was not read when the connection was closed may turn its end into a reset.
      assert.equal(await ask(setting, text).catch(() => ""), "");
    }
  }, TUNNEL);
});

Deno.test("an application that sends no request is closed in time; one that leaves aborts its stream", async () => {
  await withDoors(async ({ clock, opener, connect }) => {
    const idle = await connect();
    await idle.send("CONNECT a");
    await clock.untilPending(1);
    clock.advance(5000);
    assert.equal((await idle.rest().catch(() => new Uint8Array(0))).length, 0);
    const waiting = Promise.withResolvers<AbortSignal>();
    opener.onOpen = ({ signal }) => {
      waiting.resolve(signal);
      return untilAborted(signal);
    };
    const leaving = await connect();
    await leaving.send("CONNECT web.example:443 HTTP/1.1\r\n\r\n");
    const signal = await waiting.promise;
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    leaving.close();
    await aborted;
  }, { torrc: `${TUNNEL.torrc}\nSocksTimeout 5 seconds` });
});

/** The isolation key of a request with these headers. */
async function keyOf({ opener, connect }: Setting, ...headers: string[]): Promise<string> {
  const client = await connect();
  await client.send(["CONNECT a.example:443 HTTP/1.1", ...headers, "", ""].join("\r\n"));
  assert.equal(new TextDecoder().decode(await client.read(OPEN.length)), OPEN);
  return opener.opened[opener.opened.length - 1].isolation.key;
}

Deno.test("isolation: by Proxy-Authorization and both isolation headers, together", async () => {
  await withDoors(async (setting) => {
    const auth = `Proxy-Authorization: Basic ${btoa("tor:a")}`;
    const headers: readonly string[][] = [
      [],
      [auth],
      [`Proxy-Authorization: Basic ${btoa("tor:b")}`],
      ["Proxy-Authorization: Bearer x"],
      ["Tor-Stream-Isolation: a"],
      ["X-Tor-Stream-Isolation: a"],
      ["Tor-Stream-Isolation: a", "X-Tor-Stream-Isolation: a"],
      ["Tor-Stream-Isolation: b"],
      ["Tor-Stream-Isolation:"],
      [auth, "Tor-Stream-Isolation: a"],
    ];
    const keys = [];
    for (const each of headers) keys.push(await keyOf(setting, ...each));
    assert.equal(new Set(keys).size, headers.length);
    assert.equal(await keyOf(setting, "tor-stream-isolation:  a "), keys[4]);
    assert.equal(await keyOf(setting, "Authorization: Basic x", "Cookie: y"), keys[0]);
  }, TUNNEL);
  await withDoors(async (setting) => {
    assert.equal(await keyOf(setting, "Tor-Stream-Isolation: a"), await keyOf(setting));
  }, { torrc: "SocksPort 0\nHTTPTunnelPort auto NoIsolateSOCKSAuth" });
});

Deno.test("authorization in an old way is warned about once", async () => {
  await using log = await LogWatch.start();
  await withDoors(async (setting) => {
    await keyOf(setting, `Proxy-Authorization: Basic ${btoa("tor:secret")}`);
    await keyOf(setting, `Proxy-Authorization: basic ${btoa("tor:")}`);
    assert.equal(log.count("in an old way"), 0);
    await keyOf(setting, `Proxy-Authorization: Basic ${btoa("me:secret")}`);
    await keyOf(setting, "Proxy-Authorization: Basic !!!");
    await keyOf(setting, "Proxy-Authorization: Digest x");
    assert.equal(log.count("in an old way"), 1);
    assert.equal(log.count("secret"), 0);
  }, TUNNEL);
});

Deno.test("HttpTunnel: any bytes, split anyhow, never throw and give the same", () => {
  const head = fc.tuple(
    fc.constantFrom("CONNECT", "OPTIONS", "GET", "connect", "C"),
    fc.oneof(fc.constantFrom("a.example:443", "[::1]:1", "*", "a.exit:1"), fc.string()),
    fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/3", ""),
    fc.array(fc.oneof(
      fc.constantFrom("Host: localhost", "Tor-Stream-Isolation: x", "Tor-RPC-Target: y", "Host"),
      fc.string(),
    )),
  ).map(([method, target, version, headers]) =>
    wire([`${method} ${target} ${version}`, ...headers, "", "", "early"].join("\r\n"))
  );
  const run = (pieces: readonly Uint8Array[]) => {
    const handshake = new HttpTunnel(new WarningLimit(new FakeClock(), 1)).begin();
    let replies = "";
    for (const [index, piece] of pieces.entries()) {
      const { reply, outcome } = handshake.push(piece);
      replies += reply.toHex();
      if (outcome?.kind === "over") return { replies, reason: outcome.reason };
      if (outcome === undefined) continue;
      const rest = pieces.slice(index + 1).map((each) => each.toHex()).join("");
      return { replies, request: outcome.request, early: outcome.early.toHex() + rest };
    }
    return { replies };
  };
  fc.assert(
    fc.property(fc.oneof(head, fc.uint8Array({ maxLength: 300 })), fc.nat(400), (bytes, cut) => {
      const at = Math.min(cut, bytes.length);
      assert.deepEqual(run([bytes.subarray(0, at), bytes.subarray(at)]), run([bytes]));
    }),
    { seed: 1, numRuns: 2000 },
  );
});
