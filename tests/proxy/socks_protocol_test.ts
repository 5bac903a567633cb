import assert from "node:assert/strict";
import { LogWatch } from "../misbehaviour/log_watch.ts";
import { CONNECTED, connectTo, wire } from "./socks_client.ts";
import { type Setting, withDoors } from "./with_doors.ts";

const SOCKS4 = wire([4, 1, 0, 80, 192, 0, 2, 1, 0]);
const SOCKS4A = wire([4, 1, 0, 80, 0, 0, 0, 1, 0], "a.example", [0]);
const SOCKS5_ADDRESS = wire([5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 80]);
const SOCKS5_REVERSE = wire([5, 1, 0, 5, 0xf1, 0, 1, 192, 0, 2, 1, 0, 0]);

async function ask({ connect }: Setting, request: Uint8Array, length: number): Promise<string> {
  const client = await connect();
  await client.send(request);
  return await client.hex(length);
}

Deno.test("SafeSocks: requests without a name are refused, but for addresses that stand for names", async () => {
  await withDoors(async (setting) => {
    assert.equal(await ask(setting, SOCKS5_ADDRESS, 12), "050005020001000000000000");
    assert.equal(await ask(setting, SOCKS4, 8), "005b000000000000");
    assert.equal(setting.opener.opened.length, 0);
    assert.equal(await ask(setting, connectTo("a.example"), 12), CONNECTED);
    assert.equal(await ask(setting, SOCKS4A, 8), "005a000000000000");
    setting.opener.onLookup = () => [{ kind: "name", value: "b.example", ttl: 1 }];
    assert.match(await ask(setting, SOCKS5_REVERSE, 12), /^050005000003/);
    // As C tor takes it, an address that is written as a name is one.
    assert.equal(await ask(setting, connectTo("192.0.2.1"), 12), CONNECTED);
    const mapped = wire([5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 9, 0, 80]);
    assert.equal(await ask(setting, mapped, 12), CONNECTED);
  }, { torrc: "SocksPort auto\nSafeSocks 1\nMapAddress 192.0.2.9 c.example" });
});

Deno.test("TestSocks: each request is judged in the log; without it, only the first bad one", async () => {
  await using log = await LogWatch.start();
  await withDoors(async (setting) => {
    for (let count = 0; count < 2; count++) {
      assert.equal(await ask(setting, SOCKS5_ADDRESS, 12), CONNECTED);
      assert.equal(await ask(setting, connectTo("a.example"), 12), CONNECTED);
    }
    assert.deepEqual([log.count("gives an address only"), log.count("This is good")], [2, 2]);
  }, { torrc: "SocksPort auto\nTestSocks 1" });
  await withDoors(async (setting) => {
    for (let count = 0; count < 2; count++) {
      assert.equal(await ask(setting, SOCKS4, 8), "005a000000000000");
      assert.equal(await ask(setting, SOCKS4A, 8), "005a000000000000");
    }
    assert.deepEqual([log.count("gives an address only"), log.count("This is good")], [3, 2]);
  });
  assert.equal(log.count("192.0.2.1"), 0);
});

Deno.test("PreferSOCKSNoAuth, and NoIsolateSOCKSAuth, ask for no password", async () => {
  for (const flag of ["PreferSOCKSNoAuth", "NoIsolateSOCKSAuth"]) {
    await withDoors(async ({ connect }) => {
      const client = await connect();
      await client.send([5, 2, 0, 2]);
      assert.equal(await client.hex(2), "0500");
    }, { torrc: `SocksPort auto ${flag}` });
  }
});
