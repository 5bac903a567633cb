import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { DEFAULT_BACKOFF } from "../../src/runtime/backoff.ts";
import { fromTorrc } from "./source.ts";

const SETS: readonly (readonly [text: string, expected: object])[] = [
  ["ClientUseIPv6 0", { useIpv6: false }],
  ["ClientUseIPv4 0", { useIpv4: false }],
  ["ClientPreferIPv6ORPort 1", { preferIpv6: true }],
  ["ClientPreferIPv6ORPort AUTO", {}],
  ["ClientPreferIPv6ORPort 0", { preferIpv6: false }],
  ["ConnectionPadding 0", { padding: false }],
  ["ConnectionPadding 1", { padding: true }],
  ["ReducedConnectionPadding 1", { reducedPadding: true }],
  ["ReducedConnectionPadding 1\nConnectionPadding 0", { reducedPadding: true, padding: false }],
  ["KeepalivePeriod 1 minute", { keepalivePeriod: 60_000 }],
  ["MaxOpenChannels 20", { maxOpen: 20 }],
  ["MaxOpenChannels 3", { maxOpen: 3, maxConnecting: 3 }],
  ["MaxOpenChannels 1\nMaxConnectingChannels 1", { maxOpen: 1, maxConnecting: 1 }],
  ["ConnectBackoffInitial 250 msec", { backoff: { ...DEFAULT_BACKOFF, initial: 250 } }],
  ["ConnectBackoffInitial 0.5", { backoff: { ...DEFAULT_BACKOFF, initial: 500 } }],
  ["ConnectBackoffInitial 30 seconds", { backoff: { ...DEFAULT_BACKOFF, initial: 30_000 } }],
  ["ConnectBackoffMax 1.5 minutes", { backoff: { ...DEFAULT_BACKOFF, longest: 90_000 } }],
  ["ConnectBackoffMultiplier 1", { backoff: { ...DEFAULT_BACKOFF, multiplier: 1 } }],
  ["ConnectBackoffMultiplier 1.5", { backoff: { ...DEFAULT_BACKOFF, multiplier: 1.5 } }],
  ["ConnectBackoffJitter 0", { backoff: { ...DEFAULT_BACKOFF, jitter: 0 } }],
  ["ConnectBackoffJitter 1", { backoff: { ...DEFAULT_BACKOFF, jitter: 1 } }],
];

for (const [text, expected] of SETS) {
  Deno.test(`connections with ${JSON.stringify(text)}`, () => {
    const { config, notices, warnings } = fromTorrc(text);
    assert.deepEqual(config.connections, { ...fromTorrc("").config.connections, ...expected });
    assert.deepEqual([notices, warnings], [[], []]);
  });
}

Deno.test("IPv6 is used where it is preferred or nothing else is, and that is said", () => {
  for (const other of ["ClientUseIPv4 0", "ClientPreferIPv6ORPort 1"]) {
    const { config, warnings } = fromTorrc(`ClientUseIPv6 0\n${other}`);
    assert.equal(config.connections.useIpv6, true);
    assert.match(
      warnings.join(),
      new RegExp(`^ClientUseIPv6 0 has no effect.*${other.slice(0, -2)}`),
    );
  }
  assert.match(
    fromTorrc("ClientPreferIPv6ORPort 0\nClientUseIPv4 0").warnings.join(),
    /^ClientPreferIPv6ORPort 0 has no effect/,
  );
});

const REFUSED: readonly (readonly [text: string, code: string, says: RegExp])[] = [
  ["ClientUseIPv4 auto", "config-bad-value", /0 or 1/],
  ["ConnectionPadding 2", "config-bad-value", /0, 1 or auto/],
  ["KeepalivePeriod 0", "config-bad-value", /more than 0/],
  ["MaxOpenChannels 0", "config-bad-value", /from 1 to 65535/],
  ["MaxOpenChannels 65536", "config-bad-value", /from 1 to 65535/],
  ["MaxConnectingChannels 0", "config-bad-value", /from 1 to 65535/],
  ["MaxConnectingChannels 129", "config-conflict", /more than MaxOpenChannels/],
  ["MaxConnectingChannels 4\nMaxOpenChannels 3", "config-conflict", /more than MaxOpenChannels/],
  ["ConnectBackoffInitial 0", "config-bad-value", /more than 0/],
  ["ConnectBackoffInitial 1 usec", "config-bad-value", /500 msec/],
  ["ConnectBackoffInitial -1", "config-bad-value", /500 msec/],
  ["ConnectBackoffInitial 31", "config-conflict", /ConnectBackoffInitial is wrong/],
  ["ConnectBackoffMax 999 msec", "config-conflict", /ConnectBackoffMax is wrong/],
  ["ConnectBackoffMultiplier 0.99", "config-bad-value", /at least 1/],
  ["ConnectBackoffMultiplier -2", "config-bad-value", /decimal/],
  ["ConnectBackoffJitter 1.01", "config-bad-value", /from 0 to 1/],
];

for (const [text, code, says] of REFUSED) {
  Deno.test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(() => fromTorrc(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, code);
      assert.match(error.message, /^test\.torrc, line 1: /);
      assert.match(error.message, says);
      return true;
    });
  });
}
