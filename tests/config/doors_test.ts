import assert from "node:assert/strict";
import fc from "fast-check";
import { BANDWIDTH_OPTIONS } from "../../src/config/bandwidth_options.ts";
import { buildConfig } from "../../src/config/build.ts";
import { DOOR_OPTIONS } from "../../src/config/door_options.ts";
import { ConfigError } from "../../src/config/errors.ts";
import { fromTorrc } from "./source.ts";

Deno.test("what applies to all doors has C tor's defaults", () => {
  assert.deepEqual(fromTorrc("").config.doors, {
    policy: { rules: [], otherwise: true },
    safeSocks: false,
    testSocks: false,
    warnPlaintextPorts: [23, 109, 110, 143],
    rejectPlaintextPorts: [],
    mapAddresses: [],
    automap: {
      enabled: false,
      suffixes: [".onion", ".exit"],
      ipv4: { network: "127.192.0.0", prefixLength: 10 },
      ipv6: { network: "fe80::", prefixLength: 10 },
    },
  });
});

Deno.test("what applies to all doors is read", () => {
  const { doors } = fromTorrc(
    "SafeSocks 1\nTestSocks 1\nRejectPlaintextPorts 23, 25\nWarnPlaintextPorts 80\n" +
      "AutomapHostOnResolve 1\nAutomapHostSuffixes .Onion, .\n" +
      "VirtualAddrNetwork 10.192.1.1/16\nVirtualAddrNetworkIPv6 [fc00::]/7\n" +
      "SocksPolicy accept 127.0.0.1\nSocksPolicy reject *",
  ).config;
  assert.deepEqual([doors.safeSocks, doors.testSocks], [true, true]);
  assert.deepEqual([doors.rejectPlaintextPorts, doors.warnPlaintextPorts], [[23, 25], [80]]);
  assert.deepEqual(doors.automap, {
    enabled: true,
    suffixes: [".onion", "."],
    ipv4: { network: "10.192.0.0", prefixLength: 16 },
    ipv6: { network: "fc00::", prefixLength: 7 },
  });
  assert.deepEqual(doors.policy.rules.map(({ accepts }) => accepts), [true, false]);
});

const REFUSED: readonly (readonly [text: string, says: RegExp])[] = [
  ["SafeSocks 2", /0 or 1/],
  ["SafeSocks yes", /0 or 1/],
  ["SafeSocks", /no value/],
  ["TestSocks 2", /0 or 1/],
  ["TestSocks true", /0 or 1/],
  ["TestSocks", /no value/],
  ["AutomapHostsOnResolve auto", /0 or 1/],
  ["AutomapHostsOnResolve .onion", /0 or 1/],
  ["AutomapHostsOnResolve", /no value/],
  ["AutomapHostsSuffixes", /no value/],
  ["RejectPlaintextPorts 0", /ports from 1/],
  ["RejectPlaintextPorts 23,telnet", /ports from 1/],
  ["RejectPlaintextPorts 23-25", /ports from 1/],
  ["WarnPlaintextPorts 65536", /ports from 1/],
  ["WarnPlaintextPorts smtp", /ports from 1/],
  ["WarnPlaintextPorts -1", /ports from 1/],
  ["VirtualAddrNetworkIPv4 127.192.0.0", /an IPv4 network/],
  ["VirtualAddrNetworkIPv4 [fe80::]/10", /an IPv4 network/],
  ["VirtualAddrNetworkIPv4 127.192.0.0/17", /\/16 or larger/],
  ["VirtualAddrNetworkIPv4 127.192.0.0/10:80", /an IPv4 network/],
  ["VirtualAddrNetworkIPv4 */8", /an IPv4 network/],
  ["VirtualAddrNetworkIPv6 127.192.0.0/10", /an IPv6 network/],
  ["VirtualAddrNetworkIPv6 [fe80::]/105", /\/104 or larger/],
  ["VirtualAddrNetworkIPv6 fe80", /an IPv6 network/],
  ["SocksPolicy allow *", /accept or reject/],
  ["SocksPolicy accept localhost", /accept or reject/],
  ["SocksPolicy reject 10.0.0.0/33", /accept or reject/],
];

for (const [text, says] of REFUSED) {
  Deno.test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(() => fromTorrc(`\n${text}`), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.exitCode, 2);
      assert.match(error.message, says);
      assert.match(error.message, /^test\.torrc, line 2: /);
      return true;
    });
  });
}

Deno.test("whatever stands after an option of the doors, it is read or refused with its line", () => {
  const part = fc.constantFrom(
    ...["127.0.0.1", "[::1]", ":", "auto", "9050", "0", "unix:", "/run/s", '"', "/16", "*", "*."],
    ...["accept", "reject6", "a.example", ".exit", "KB", " ", ",", "SessionGroup=", "No", "\\"],
  );
  const value = fc.oneof(
    fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("")),
    fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(" ")),
    fc.string({ minLength: 1 }),
  );
  const names = [...Object.keys(DOOR_OPTIONS), ...Object.keys(BANDWIDTH_OPTIONS)];
  fc.assert(
    fc.property(fc.constantFrom(...names), value, (name, text) => {
      const origin = { file: "test.torrc", line: 7 };
      try {
        buildConfig([[{ name, value: text, command: "set", origin }]]);
      } catch (error) {
        assert.ok(error instanceof ConfigError, `${name} ${text}: ${error}`);
        assert.ok(error.message.startsWith("test.torrc, line 7: "), error.message);
      }
    }),
    { seed: 1, numRuns: 3000 },
  );
});
