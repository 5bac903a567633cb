/**
 * End-to-end steps: bytes through three real relays, each body checked by its SHA-256.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readExactly } from "./byte_reader.ts";
import type { ClientProcess } from "./client_process.ts";
import { freePort } from "./free_port.ts";
import { httpGet, type HttpResult, httpUpload } from "./http_client.ts";
import { tcpPeers } from "./process_counters.ts";
import { type Endpoint, socks5Connect, SocksReply } from "./socks_client.ts";
import { assertRefused } from "./socks_assertions.ts";
import { bodySha256 } from "./test_body.ts";
import type { World } from "./world.ts";

const MEGABYTE = 1_000_000;

/** Downloads a body through the client and checks every byte of it. */
export async function download(
  client: ClientProcess,
  target: Endpoint,
  length: number,
  seed: number,
): Promise<void> {
  const conn = await socks5Connect(client.socks, target);
  assertBody(await httpGet(conn, `/bytes/${length}?seed=${seed}`), length, seed);
}

/** Uploads a body through the client and checks that every byte of it arrived. */
export async function upload(
  client: ClientProcess,
  target: Endpoint,
  length: number,
  seed: number,
): Promise<void> {
  const conn = await socks5Connect(client.socks, target);
  const result = await httpUpload(conn, length, seed);
  assert.deepEqual(result, { length, sha256: bodySha256(length, seed) });
}

/** Runs all steps that move bytes. */
export async function transferSteps(
  t: Deno.TestContext,
  world: World,
  client: ClientProcess,
): Promise<void> {
  const { target, web, web6, network } = world;

  await t.step("three relays carry the bytes of a 10 MB download", async () => {
    const length = 10 * MEGABYTE;
    const before = await network.relayIo();
    await download(client, target, length, 1);
    const after = await network.relayIo();
    const peers = await tcpPeers(client.process.pid);
    const carriers = network.nodes.map((node) => ({
      ...node,
      read: (after.get(node.nickname)?.read ?? 0) - (before.get(node.nickname)?.read ?? 0),
      written: (after.get(node.nickname)?.written ?? 0) - (before.get(node.nickname)?.written ?? 0),
    })).filter(({ written }) => written >= length);
    const names = carriers.map(({ nickname }) => nickname).join();
    assert.equal(carriers.length, 3, `three carry the bytes, not ${names}`);
    // The exit's come from the web server by recv(2), which the kernel does not count as read.
    const exits = carriers.filter(({ read }) => read < length);
    assert.deepEqual(exits.map(({ role }) => role), ["exit"], `one of ${names} was the exit`);
    assert.ok(
      carriers.some((node) =>
        !exits.includes(node) && peers.has(`${node.hostname}:${node.orPort}`)
      ),
      `the client is connected to one of ${names} that is not the exit`,
    );
  });

  await t.step("50 MB down in one stream", () => download(client, target, 50 * MEGABYTE, 2));

  await t.step("20 MB up in one stream", () => upload(client, target, 20 * MEGABYTE, 3));

  await t.step("16 downloads of 4 MB at once", async () => {
    await Promise.all(
      Array.from({ length: 16 }, (_, index) => download(client, target, 4 * MEGABYTE, 10 + index)),
    );
  });

  await t.step("4 MB up and 4 MB down at once", async () => {
    await Promise.all([
      upload(client, target, 4 * MEGABYTE, 30),
      download(client, target, 4 * MEGABYTE, 31),
    ]);
  });

  await t.step("1,000 short requests in a row", async () => {
    for (let seed = 0; seed < 1000; seed++) await download(client, target, 1000 + seed, seed);
  });

  await t.step(
    "the server's IPv4 address instead of its name",
    () => download(client, { hostname: web.hostname, port: web.port }, 100_000, 40),
  );

  await t.step({
    name: "the server's IPv6 address",
    ignore: web6 === undefined,
    fn: () => download(client, { hostname: "::1", port: web6?.port ?? 0 }, 100_000, 41),
  });

  await t.step(
    "a server that closes early ends the stream after the bytes that it sent",
    async () => {
      const length = 3 * MEGABYTE;
      const conn = await socks5Connect(client.socks, target);
      const result = await httpGet(conn, `/close-early/${length}?seed=5`);
      assert.equal(result.declared, length);
      assertBody({ ...result, declared: undefined }, length / 2, 5);
    },
  );

  await t.step("a client that closes early ends the server's connection", async () => {
    await web.idle();
    const conn = await socks5Connect(client.socks, target);
    try {
      await conn.write(new TextEncoder().encode("GET /endless HTTP/1.1\r\nHost: web\r\n\r\n"));
      await readExactly(conn, MEGABYTE);
    } finally {
      conn.close();
    }
    await web.idle();
    await download(client, target, 100_000, 42);
  });

  await t.step("a client that stops reading stops the server", async () => {
    const conn = await socks5Connect(client.socks, target);
    try {
      const seen = web.connections.length;
      await conn.write(new TextEncoder().encode("GET /endless HTTP/1.1\r\nHost: web\r\n\r\n"));
      await readExactly(conn, MEGABYTE);
      const sent = await untilSteady(() => web.connections.slice(seen - 1).at(-1)?.sent ?? 0);
      // The windows of the circuit and the buffers of six sockets hold some megabytes.
      assert.ok(sent < 40 * MEGABYTE, `the server could send ${sent} bytes`);
      // Others are not held up by the one that does not read.
      await download(client, target, MEGABYTE, 43);
    } finally {
      conn.close();
    }
    await web.idle();
  });

  await t.step("a port that nobody listens on is refused", () =>
    assertRefused(
      socks5Connect(client.socks, { hostname: target.hostname, port: freePort(web.hostname) }),
      SocksReply.ConnectionRefused,
      // C tor's exits look up the reason when errno may have changed, and then say MISC.
      SocksReply.GeneralFailure,
    ));
}

function assertBody(result: HttpResult, length: number, seed: number): void {
  assert.equal(result.status, 200);
  assert.equal(result.length, length);
  assert.equal(result.sha256, bodySha256(length, seed));
}

/** Waits until a counter has stood still for half a second, and gives its value. */
async function untilSteady(counter: () => number): Promise<number> {
  let value = counter();
  for (let same = 0; same < 5;) {
    await new Promise((wake) => setTimeout(wake, 100));
    same = counter() === value ? same + 1 : 0;
    value = counter();
  }
  return value;
}
