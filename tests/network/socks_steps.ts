/**
 * End-to-end steps: what the SOCKS port understands, answers and refuses.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { ClientProcess } from "./client_process.ts";
import { httpGet } from "./http_client.ts";
import { assertRefused } from "./socks_assertions.ts";
import {
  rawExchange,
  socks4aConnect,
  socks5Connect,
  socks5Resolve,
  socks5ResolvePtr,
  SocksReply,
} from "./socks_client.ts";
import { bodySha256 } from "./test_body.ts";
import { MISSING_NAME, NAMED, type World } from "./world.ts";

/** Runs all steps about the SOCKS port. */
export async function socksSteps(
  t: Deno.TestContext,
  world: World,
  client: ClientProcess,
): Promise<void> {
  const { socks } = client;
  const { target, web } = world;

  await t.step("SOCKS4a with a name", async () => {
    const result = await httpGet(await socks4aConnect(socks, target), "/bytes/100000?seed=50");
    assert.equal(result.sha256, bodySha256(100_000, 50));
  });

  await t.step("SOCKS5 with a user name and a password", async () => {
    const auth = { username: "someone", password: "something" };
    const result = await httpGet(
      await socks5Connect(socks, target, auth),
      "/bytes/100000?seed=51",
    );
    assert.equal(result.sha256, bodySha256(100_000, 51));
  });

  await t.step("a name that does not exist is unreachable", () =>
    assertRefused(
      socks5Connect(socks, { hostname: MISSING_NAME, port: 80 }),
      SocksReply.HostUnreachable,
    ));

  await t.step("RESOLVE gives a name's IPv4 address", async () => {
    assert.equal(await socks5Resolve(socks, NAMED.ipv4.name), NAMED.ipv4.address);
  });

  await t.step("RESOLVE gives a name's IPv6 address, if it has no other", async () => {
    assert.equal(await socks5Resolve(socks, NAMED.ipv6.name), NAMED.ipv6.address);
  });

  await t.step(
    "RESOLVE refuses a name that does not exist",
    () => assertRefused(socks5Resolve(socks, MISSING_NAME), SocksReply.HostUnreachable),
  );

  await t.step("RESOLVE_PTR gives an address's name", async () => {
    assert.equal(await socks5ResolvePtr(socks, NAMED.ipv4.address), NAMED.ipv4.name);
  });

  await t.step(
    "RESOLVE_PTR refuses an address without a name",
    () => assertRefused(socks5ResolvePtr(socks, "198.51.100.8"), SocksReply.HostUnreachable),
  );

  await t.step("an HTTP request to the SOCKS port gets a page that explains", async () => {
    const answer = await rawExchange(socks, "GET / HTTP/1.0\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.[01] \d{3} /);
    assert.match(answer, /<html/i);
    assert.match(answer, /SOCKS/);
  });

  await t.step("names in .onion and .exit reach no exit", async () => {
    const seen = web.connections.length;
    for (const hostname of ["name.onion", "sub.name.ONION", `${target.hostname}.exit`]) {
      await assertRefused(socks5Connect(socks, { hostname, port: web.port }));
    }
    assert.equal(web.connections.length, seen);
  });

  await t.step(
    "port 0 is refused",
    () => assertRefused(socks5Connect(socks, { hostname: target.hostname, port: 0 })),
  );
}
