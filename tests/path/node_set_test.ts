import assert from "node:assert/strict";
import type { NodePattern } from "../../src/config/node_pattern.ts";
import { GeoIp } from "../../src/netdir/geo_ip.ts";
import { type NodeDescription, NodeSet } from "../../src/path/node_set.ts";
import { identityOf, testNetDir } from "./test_network.ts";

/** 7.0.0.0/8 is in Germany, 8.0.0.0/8 in France, 2001:db8::/32 in the Netherlands. */
const GEO_IP = GeoIp.parse(
  "117440512,134217727,DE\n134217728,150994943,FR\n150994944,150994944,??",
  "2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,NL",
);

const NODE: NodeDescription = {
  rsaIdentity: identityOf(1),
  nickname: "Relay1",
  hostname: "7.1.2.3",
  port: 9001,
  ipv6: { hostname: "2001:db8:1::5", port: 9002 },
};

function contains(
  pattern: NodePattern,
  node: Partial<NodeDescription> = {},
  geoIp: GeoIp | undefined = GEO_IP,
): boolean {
  return NodeSet.compile([pattern], geoIp).contains({ ...NODE, ...node });
}

function addresses(network: string, prefixLength: number, first = 1, last = 65535): NodePattern {
  return { kind: "addresses", network, prefixLength, ports: { first, last } };
}

const country = (code: string): NodePattern => ({ kind: "country", code });

Deno.test("a relay is known by its identity, and by its nickname in any case", () => {
  assert.ok(contains({ kind: "identity", rsaIdentity: identityOf(1) }));
  assert.ok(!contains({ kind: "identity", rsaIdentity: identityOf(2) }));
  assert.ok(contains({ kind: "nickname", nickname: "relay1" }));
  assert.ok(!contains({ kind: "nickname", nickname: "relay" }));
  assert.ok(!contains({ kind: "nickname", nickname: "relay1" }, { nickname: undefined }));
});

for (
  const [network, length, inside] of [
    ["7.1.2.3", 32, true],
    ["7.1.2.2", 32, false],
    ["7.1.2.2", 31, true],
    ["7.1.2.0", 24, true],
    ["7.1.0.0", 17, true],
    ["7.1.128.0", 17, false],
    ["7.0.0.0", 8, true],
    ["6.0.0.0", 8, false],
    ["6.0.0.0", 7, true],
    ["0.0.0.0", 0, true],
    ["2001:db8:1::5", 128, true],
    ["2001:db8:1::4", 128, false],
    ["2001:db8:1::4", 127, true],
    ["2001:db8::", 32, true],
    ["2001:db8::", 48, false],
    ["2001:db8:1::", 48, true],
    ["::", 0, true],
    ["::701:203", 128, false],
  ] as const
) {
  Deno.test(`${network}/${length} ${inside ? "contains" : "does not contain"} the relay`, () => {
    assert.equal(contains(addresses(network, length)), inside);
  });
}

Deno.test("only the OR port that goes with the address counts", () => {
  assert.ok(contains(addresses("7.1.2.3", 32, 9001, 9001)));
  assert.ok(contains(addresses("7.1.2.3", 32, 9000, 9005)));
  assert.ok(!contains(addresses("7.1.2.3", 32, 9002, 9005)));
  assert.ok(contains(addresses("2001:db8::", 32, 9002, 9002)));
  assert.ok(!contains(addresses("2001:db8::", 32, 9001, 9001)));
});

Deno.test("a relay without an IPv6 address is in no IPv6 network", () => {
  assert.ok(!contains(addresses("::", 0), { ipv6: undefined }));
  assert.ok(!contains(addresses("0.0.0.0", 0), { hostname: "2001:db8::1" }));
});

Deno.test("a network that is no address is refused, rather than containing nothing", () => {
  assert.throws(() => contains(addresses("example.com", 8)), RangeError);
});

Deno.test("a relay is in the country of its OR port's address", () => {
  assert.ok(contains(country("de")));
  assert.ok(!contains(country("fr")));
  assert.ok(contains(country("fr"), { hostname: "8.1.1.1" }));
  // Its other address tells nothing, as in C tor.
  assert.ok(!contains(country("nl")));
  assert.ok(contains(country("nl"), { hostname: "2001:db8::1", ipv6: undefined }));
});

Deno.test("?? is the country of relays that no range knows, or that a range calls so", () => {
  assert.ok(!contains(country("??")));
  assert.ok(contains(country("??"), { hostname: "9.0.0.0" }));
  assert.ok(contains(country("??"), { hostname: "10.0.0.0" }));
});

Deno.test("without a country file no relay is in any country, known or not", () => {
  for (const code of ["de", "??"]) {
    assert.ok(!NodeSet.compile([country(code)], undefined).contains(NODE));
  }
});

Deno.test("it is known whether there are patterns, and whether they name countries", () => {
  const [none, name, two] = [
    [],
    [{ kind: "nickname", nickname: "x" } as const],
    [country("de"), country("??")],
  ].map((patterns) => NodeSet.compile(patterns, undefined));
  assert.deepEqual([none, name, two].map(({ isEmpty }) => isEmpty), [true, false, false]);
  assert.deepEqual([none, name, two].map((set) => set.needsCountries), [false, false, true]);
  assert.deepEqual([...two.countries], ["de", "??"]);
  assert.ok(!none.contains(NODE));
});

Deno.test("any of several patterns is enough", () => {
  const set = NodeSet.compile(
    [{ kind: "nickname", nickname: "other" }, addresses("9.0.0.0", 8), country("de")],
    GEO_IP,
  );
  assert.ok(set.contains(NODE));
  assert.ok(set.contains({ ...NODE, hostname: "9.9.9.9" }));
  assert.ok(!set.contains({ ...NODE, hostname: "8.9.9.9" }));
});

Deno.test("a relay and its consensus entry are judged alike, and each object is judged once", () => {
  const netDir = testNetDir({ relays: [{ number: 1, hostname: "7.1.1.1" }] });
  let looks = 0;
  const counting = Object.create(GEO_IP, {
    countryOf: {
      value: (address: string) => {
        looks++;
        return GEO_IP.countryOf(address);
      },
    },
  });
  const set = NodeSet.compile([country("de")], counting);
  for (const node of [...netDir.relays, ...netDir.consensus.routers]) {
    for (let round = 0; round < 3; round++) assert.ok(set.contains(node));
  }
  assert.equal(looks, 2);
});
