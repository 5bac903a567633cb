import assert from "node:assert/strict";
import fc from "fast-check";
import type { AddressFamily } from "../../src/proxy/address_map.ts";
import { AddressMap } from "../../src/proxy/address_map.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { fromTorrc } from "../config/source.ts";

function addressMap(torrc: string): AddressMap {
  const { mapAddresses, automap } = fromTorrc(torrc).config.doors;
  return new AddressMap(mapAddresses, automap, new SeededRandom("address map"));
}

Deno.test("MapAddress: what is written first, then what that is mapped to", () => {
  const map = addressMap(
    "MapAddress a.example b.example\nMapAddress b.example 192.0.2.1\nMapAddress 10.0.0.1 c.example",
  );
  assert.equal(map.rewrite("a.example"), "192.0.2.1");
  assert.equal(map.rewrite("10.0.0.1"), "c.example");
  assert.equal(map.rewrite("x.a.example"), "x.a.example");
  assert.deepEqual([map.has("10.0.0.1"), map.has("10.0.0.2")], [true, false]);
});

Deno.test("MapAddress: domains as a whole, to one address or to another domain", () => {
  const map = addressMap(
    "MapAddress *.one.example www.one.test\nMapAddress *.all.example *.all.test\n" +
      "MapAddress *.self.example self.example\nMapAddress near.all.example other.test",
  );
  assert.equal(map.rewrite("a.b.one.example"), "www.one.test");
  assert.equal(map.rewrite("one.example"), "www.one.test");
  assert.equal(map.rewrite("a.b.all.example"), "a.b.all.test");
  assert.equal(map.rewrite("all.example"), "all.test");
  assert.equal(map.rewrite("near.all.example"), "other.test");
  assert.equal(map.rewrite("x.self.example"), "self.example");
  assert.equal(map.rewrite("self.example"), "self.example");
  assert.equal(map.rewrite("notall.example"), "notall.example");
});

Deno.test("MapAddress: a circle ends, and a later line takes an earlier one back", () => {
  assert.match(
    addressMap("MapAddress a.example b.example\nMapAddress b.example a.example").rewrite(
      "a.example",
    ),
    /^[ab]\.example$/,
  );
  const taken = addressMap("MapAddress a.example b.example\nMapAddress a.example a.example");
  assert.equal(taken.rewrite("a.example"), "a.example");
  const replaced = addressMap("MapAddress a.example b.example\nMapAddress a.example c.example");
  assert.equal(replaced.rewrite("a.example"), "c.example");
});

Deno.test("automapping: only where it is on, and for names that end so", () => {
  assert.equal(addressMap("").isAutomapped("x.onion"), false);
  const map = addressMap("AutomapHostsOnResolve 1");
  assert.equal(map.isAutomapped("x.onion"), true);
  assert.equal(map.isAutomapped("x.onion.example"), false);
  const all = addressMap("AutomapHostsOnResolve 1\nAutomapHostsSuffixes .");
  assert.equal(all.isAutomapped("anything"), true);
});

Deno.test("virtual addresses: of the network, the same again, and they lead back to the name", () => {
  const map = addressMap("AutomapHostsOnResolve 1");
  const seen = new Set<string>();
  for (let index = 0; index < 500; index++) {
    for (const family of [4, 6] as AddressFamily[]) {
      const address = map.virtualAddress(`${index}.onion`, family);
      assert.ok(address !== undefined && !seen.has(address));
      seen.add(address);
      assert.match(address, family === 4 ? /^127\.(19[2-9]|2\d\d)\.\d+\.\d+$/ : /^fe[89ab]/);
      assert.doesNotMatch(address, /\.(0|255)$/);
      assert.equal(map.virtualAddress(`${index}.onion`, family), address);
      assert.equal(map.nameOf(address), `${index}.onion`);
      assert.equal(map.has(address), true);
      assert.equal(map.isVirtual(address), true);
    }
  }
  assert.equal(map.nameOf("127.192.0.0"), undefined);
});

Deno.test("virtual addresses: when there are too many, the oldest is forgotten", () => {
  const map = addressMap("AutomapHostsOnResolve 1");
  const first = map.virtualAddress("first.onion", 4) ?? "";
  for (let index = 0; index < 32_768; index++) map.virtualAddress(`${index}.onion`, 6);
  assert.equal(map.nameOf(first), undefined);
  assert.equal(map.isVirtual(first), true);
  const again = map.virtualAddress("first.onion", 4) ?? "";
  assert.equal(map.nameOf(again), "first.onion");
});

Deno.test("isVirtual: exactly the addresses of the networks, and names under .virtual", () => {
  const map = addressMap("VirtualAddrNetworkIPv4 10.192.0.0/10\nVirtualAddrNetworkIPv6 [fc00::]/7");
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [first, second] = address.split(".").map(Number);
      assert.equal(map.isVirtual(address), first === 10 && second >= 192);
    }),
    { seed: 1 },
  );
  for (const inside of ["fc00::", "fdff::1", "x.virtual"]) assert.ok(map.isVirtual(inside), inside);
  for (const outside of ["fe00::", "fb00::", "virtual", "127.192.0.1", "1", "0x0a.192.0.1"]) {
    assert.ok(!map.isVirtual(outside), outside);
  }
});
