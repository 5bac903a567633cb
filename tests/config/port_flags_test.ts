import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { fromTorrc } from "./source.ts";

const DEFAULTS = fromTorrc("").config.socksPorts[0];

const FLAGS:
  readonly (readonly [flags: string, isolation: object, traffic: object, more?: object])[] = [
    ["IsolateDestAddr", { destinationAddress: true }, {}],
    ["isolatedestports", { destinationPort: true }, {}],
    ["IsolateClientProtocol", { clientProtocol: true }, {}],
    ["NoIsolateClientAddr", { clientAddress: false }, {}],
    ["NoIsolateSOCKSAuth", { socksAuth: false }, {}, { preferSocksNoAuth: true }],
    ["NoIsolateClientAddr IsolateClientAddr", {}, {}],
    ["SessionGroup=0", { sessionGroup: 0 }, {}],
    ["sessiongroup=7 IsolateDestPort", { sessionGroup: 7, destinationPort: true }, {}],
    ["KeepAliveIsolateSOCKSAuth", { keepAliveSocksAuth: true }, {}],
    ["NoKeepAliveIsolateSOCKSAuth", {}, {}],
    ["NoKeepAliveIsolateSOCKSAuth IsolateSOCKSAuth", {}, {}],
    ["NoIPv4Traffic", {}, { ipv4: false }],
    ["NoIPv6Traffic", {}, { ipv6: false }],
    ["IPv6Traffic PreferIPv6", {}, { preferIpv6: true }],
    ["PreferIPv6 NoPreferIPv6", {}, {}],
    ["DNSRequest NoOnionTraffic NoCacheDNS NoPreferSOCKSNoAuth", {}, {}],
    ["NoDNSRequest", {}, {}, { dnsRequest: false }],
    ["NoPreferIPv6Automap", {}, {}, { preferIpv6Automap: false }],
    ["PreferSOCKSNoAuth", {}, {}, { preferSocksNoAuth: true }],
    ["NoGroupWritable NoWorldWritable NoRelaxDirModeCheck", {}, {}],
  ];

for (const [flags, isolation, traffic, more] of FLAGS) {
  Deno.test(`SocksPort flags ${flags}`, () => {
    const { config, warnings } = fromTorrc(`SocksPort 9050  ${flags}`);
    assert.deepEqual(warnings, []);
    assert.deepEqual(config.socksPorts, [{
      ...DEFAULTS,
      origin: { file: "test.torrc", line: 1 },
      isolation: { ...DEFAULTS.isolation, ...isolation },
      traffic: { ...DEFAULTS.traffic, ...traffic },
      ...more,
    }]);
  });
}

Deno.test("answers of DNS are not kept: flags that ask for it are warned about", () => {
  for (const flag of ["CacheIPv4DNS", "CacheIPv6DNS", "CacheDNS", "UseIPv4Cache", "UseDNSCache"]) {
    const { warnings } = fromTorrc(`DNSPort 5353 ${flag}`);
    assert.ok(warnings.length === 1 && warnings[0].includes(flag), flag);
    assert.deepEqual(fromTorrc(`DNSPort 5353 No${flag}`).warnings, []);
  }
});

const REFUSED: readonly (readonly [text: string, code: string, says: RegExp])[] = [
  ["SocksPort 9050 IsolateNothing", "config-bad-value", /'IsolateNothing'.*no such flag/],
  ["SocksPort 9050 PreferIPv6s", "config-bad-value", /no such flag/],
  ["SocksPort 9050 SessionGroup=x", "config-bad-value", /SessionGroup=x/],
  ["SocksPort 9050 SessionGroup=1 SessionGroup=1", "config-conflict", /second group/],
  ["SocksPort 9050 NoIPv4Traffic NoIPv6Traffic", "config-conflict", /nothing could be reached/],
  ["HTTPTunnelPort 8118 NoIPv4Traffic NoIPv6Traffic", "config-conflict", /^.*HTTPTunnelPort/],
  ["HTTPTunnelPort 8118 SessionGroup=-1", "config-bad-value", /HTTPTunnelPort: 'SessionGroup=-1'/],
  ["HTTPTunnelPort 8118 Prefer", "config-bad-value", /no such flag/],
  ["DNSPort 5353 NoDNSRequest", "config-conflict", /nothing could be answered/],
  ["DNSPort 5353 WorldReadable", "config-bad-value", /no such flag/],
  ["SocksPort 9050 OnionTraffic", "config-unsupported", /'OnionTraffic'.*not supported/],
  ["SocksPort 9050 OnionTrafficOnly", "config-unsupported", /not supported/],
  ["SocksPort 9050 ExtendedErrors", "config-unsupported", /not supported/],
  [
    "SocksPort 9050 NoIsolateSOCKSAuth KeepAliveIsolateSOCKSAuth",
    "config-conflict",
    /KeepAliveIsolateSOCKSAuth cannot/,
  ],
  ["SocksPort 9050 KeepAliveIsolateSOCKSAuths", "config-bad-value", /no such flag/],
  ["SocksPort 9050 GroupWritable", "config-unsupported", /the user who runs chive alone/],
  ["SocksPort unix:/s WorldWritable", "config-unsupported", /the user who runs chive alone/],
  ["HTTPTunnelPort unix:/s RelaxDirModeCheck", "config-unsupported", /the user who runs chive/],
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
