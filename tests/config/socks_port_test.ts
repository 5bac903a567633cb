import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { fromTorrc } from "./source.ts";

const DEFAULT_ISOLATION = {
  clientAddress: true,
  socksAuth: true,
  clientProtocol: false,
  destinationPort: false,
  destinationAddress: false,
  keepAliveSocksAuth: false,
  sessionGroup: -1,
};
const DEFAULT_TRAFFIC = { ipv4: true, ipv6: true, preferIpv6: false };

const PLACES: readonly (readonly [text: string, hostname: string, port: number])[] = [
  ["", "127.0.0.1", 9050],
  ["SocksPort 9150", "127.0.0.1", 9150],
  ["__SocksPort 9150", "127.0.0.1", 9150],
  ["socksport auto", "127.0.0.1", 0],
  ["SocksPort AUTO", "127.0.0.1", 0],
  ["SocksPort 127.0.0.2:9050", "127.0.0.2", 9050],
  ["SocksPort 127.0.0.2:auto", "127.0.0.2", 0],
  ["SocksPort localhost:9050", "127.0.0.1", 9050],
  ["SocksPort [::1]:9050", "::1", 9050],
  ["SocksPort [0:0::1]:Auto", "::1", 0],
  ["SocksPort 65535", "127.0.0.1", 65535],
];

for (const [text, hostname, port] of PLACES) {
  Deno.test(`'${text}' listens at ${hostname} ${port}`, () => {
    assert.deepEqual(fromTorrc(text).config.socksPorts, [
      { hostname, port, isolation: DEFAULT_ISOLATION, traffic: DEFAULT_TRAFFIC },
    ]);
  });
}

const FLAGS: readonly (readonly [flags: string, isolation: object, traffic: object])[] = [
  ["IsolateDestAddr", { destinationAddress: true }, {}],
  ["isolatedestports", { destinationPort: true }, {}],
  ["IsolateClientProtocol", { clientProtocol: true }, {}],
  ["NoIsolateClientAddr NoIsolateSOCKSAuth", { clientAddress: false, socksAuth: false }, {}],
  ["NoIsolateClientAddr IsolateClientAddr", {}, {}],
  ["SessionGroup=0", { sessionGroup: 0 }, {}],
  ["sessiongroup=7 IsolateDestPort", { sessionGroup: 7, destinationPort: true }, {}],
  ["KeepAliveIsolateSOCKSAuth", { keepAliveSocksAuth: true }, {}],
  ["NoKeepAliveIsolateSOCKSAuth", {}, {}],
  ["NoIsolateSOCKSAuth NoKeepAliveIsolateSOCKSAuth", { socksAuth: false }, {}],
  ["NoIPv4Traffic", {}, { ipv4: false }],
  ["NoIPv6Traffic", {}, { ipv6: false }],
  ["IPv6Traffic PreferIPv6", {}, { preferIpv6: true }],
  ["PreferIPv6 NoPreferIPv6", {}, {}],
  ["DNSRequest NoOnionTraffic NoCacheDNS NoPreferSOCKSNoAuth", {}, {}],
];

for (const [flags, isolation, traffic] of FLAGS) {
  Deno.test(`SocksPort flags ${flags}`, () => {
    assert.deepEqual(fromTorrc(`SocksPort 9050  ${flags}`).config.socksPorts, [{
      hostname: "127.0.0.1",
      port: 9050,
      isolation: { ...DEFAULT_ISOLATION, ...isolation },
      traffic: { ...DEFAULT_TRAFFIC, ...traffic },
    }]);
  });
}

Deno.test("listeners without SessionGroup each have a group of their own", () => {
  const { socksPorts } = fromTorrc(
    "SocksPort 1\nSocksPort 2 SessionGroup=3\nSocksPort 3\nSocksPort 4 SessionGroup=3",
  ).config;
  const groups = socksPorts.map((port) => port.isolation.sessionGroup);
  assert.equal(new Set(groups).size, 3);
  assert.equal(groups[1], 3);
  assert.equal(groups[3], 3);
  assert.ok(groups[0] < 0 && groups[2] < 0);
});

Deno.test("SocksPort 0 gives no listener", () => {
  assert.deepEqual(fromTorrc("SocksPort 0").config.socksPorts, []);
});

const REFUSED: readonly (readonly [text: string, code: string, says: RegExp])[] = [
  ["SocksPort 65536", "config-bad-value", /65536/],
  ["SocksPort -1", "config-bad-value", /-1/],
  ["SocksPort 127.0.0.1", "config-bad-value", /port from 1/],
  ["SocksPort 127.0.0.1:0", "config-bad-value", /port from 1/],
  ["SocksPort ::1:9050", "config-bad-value", /brackets/],
  ["SocksPort [::1]", "config-bad-value", /port from 1/],
  ["SocksPort [::1:9050", "config-bad-value", /port from 1/],
  ["SocksPort example.com:9050", "config-bad-value", /IP address/],
  ["SocksPort :9050", "config-bad-value", /IP address/],
  ["SocksPort nine", "config-bad-value", /nine/],
  ["SocksPort unix:/run/socks", "config-unsupported", /Unix sockets/],
  ["SocksPort 0\nSocksPort 9050", "config-conflict", /none/],
  ["SocksPort 9050 IsolateNothing", "config-bad-value", /'IsolateNothing'.*no such flag/],
  ["SocksPort 9050 PreferIPv6s", "config-bad-value", /no such flag/],
  ["SocksPort 9050 SessionGroup=x", "config-bad-value", /SessionGroup=x/],
  ["SocksPort 9050 SessionGroup=1 SessionGroup=1", "config-conflict", /second group/],
  ["SocksPort 9050 NoIPv4Traffic NoIPv6Traffic", "config-conflict", /nothing could be reached/],
  ["SocksPort 9050 OnionTraffic", "config-unsupported", /'OnionTraffic'.*not supported/],
  ["SocksPort 9050 OnionTrafficOnly", "config-unsupported", /not supported/],
  ["SocksPort 9050 NoDNSRequest", "config-unsupported", /not supported/],
  ["SocksPort 9050 CacheDNS", "config-unsupported", /not supported/],
  ["SocksPort 9050 ExtendedErrors", "config-unsupported", /not supported/],
  [
    "SocksPort 9050 NoIsolateSOCKSAuth KeepAliveIsolateSOCKSAuth",
    "config-conflict",
    /KeepAliveIsolateSOCKSAuth cannot/,
  ],
  ["SocksPort 9050 KeepAliveIsolateSOCKSAuths", "config-bad-value", /no such flag/],
  ["SocksPort 9050 GroupWritable", "config-unsupported", /not supported/],
];

for (const [text, code, says] of REFUSED) {
  Deno.test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(() => fromTorrc(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.match(error.message, /^test\.torrc, line 1: /);
      return true;
    });
  });
}

Deno.test("a listener that others can reach is warned about, by how far it reaches", () => {
  for (const local of ["9050", "127.8.8.8:9050", "[::1]:9050"]) {
    const { warnings, notices } = fromTorrc(`SocksPort ${local}`);
    assert.deepEqual([warnings, notices], [[], []]);
  }
  for (const internal of ["192.168.0.1:9050", "[fd00::1]:9050"]) {
    const { warnings, notices } = fromTorrc(`SocksPort ${internal}`);
    assert.equal(warnings.length, 0);
    assert.ok(notices.length === 1 && notices[0].includes(internal));
  }
  for (const everywhere of ["0.0.0.0:9050", "[::]:9050", "203.0.113.1:9050"]) {
    const { warnings, notices } = fromTorrc(`SocksPort ${everywhere}`);
    assert.equal(notices.length, 0);
    assert.ok(warnings.length === 1 && warnings[0].includes("open proxy"));
  }
});
