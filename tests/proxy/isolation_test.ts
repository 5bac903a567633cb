import assert from "node:assert/strict";
import fc from "fast-check";
import { isolationOf } from "../../src/proxy/isolation.ts";
import type { StreamRequest } from "../../src/proxy/stream_request.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const REQUEST: StreamRequest = {
  protocol: "SOCKS5",
  command: "connect",
  destination: { kind: "name", host: "example.com" },
  port: 80,
  credentials: { username: bytes("u"), password: bytes("p") },
  family: undefined,
};

const DEFAULT_ISOLATION = {
  clientAddress: true,
  socksAuth: true,
  clientProtocol: false,
  destinationPort: false,
  destinationAddress: false,
  keepAliveSocksAuth: false,
};

const key = (
  changes: Partial<StreamRequest>,
  flags = {},
  sessionGroup = 0,
  client = "127.0.0.1",
) => {
  const isolation = { ...DEFAULT_ISOLATION, sessionGroup, ...flags };
  return isolationOf(isolation, client, { ...REQUEST, ...changes }).key;
};

Deno.test("isolationOf: by default, the group, the client and the credentials set streams apart", () => {
  const base = key({});
  assert.equal(key({ port: 443, destination: { kind: "ip4", host: "192.0.2.1" } }), base);
  assert.equal(key({ protocol: "SOCKS4", command: "resolve" }), base);
  assert.notEqual(key({}, {}, 1), base);
  assert.notEqual(key({}, {}, 0, "127.0.0.2"), base);
  assert.notEqual(key({ credentials: { username: bytes("v"), password: bytes("p") } }), base);
  assert.notEqual(key({ credentials: { username: bytes("u"), password: bytes("q") } }), base);
});

Deno.test("isolationOf: each flag does what it says", () => {
  assert.equal(
    key({}, { clientAddress: false }, 0, "127.0.0.2"),
    key({}, { clientAddress: false }),
  );
  const anonymous = { credentials: { username: bytes(""), password: bytes("") } };
  assert.equal(key(anonymous, { socksAuth: false }), key({}, { socksAuth: false }));
  assert.notEqual(
    key({ protocol: "SOCKS4" }, { clientProtocol: true }),
    key({}, { clientProtocol: true }),
  );
  assert.notEqual(
    key({ protocol: "HTTP" }, { clientProtocol: true }),
    key({ protocol: "DNS" }, { clientProtocol: true }),
  );
  assert.notEqual(key({ port: 1 }, { destinationPort: true }), key({}, { destinationPort: true }));
  const elsewhere = { destination: { kind: "name", host: "example.org" } } as const;
  assert.notEqual(
    key(elsewhere, { destinationAddress: true }),
    key({}, { destinationAddress: true }),
  );
});

Deno.test("isolationOf: different credentials never have the same key", () => {
  const credentials = fc.record({
    username: fc.uint8Array({ maxLength: 4 }),
    password: fc.uint8Array({ maxLength: 4 }),
  });
  fc.assert(
    fc.property(credentials, credentials, (one, other) => {
      const same = one.username.toHex() === other.username.toHex() &&
        one.password.toHex() === other.password.toHex();
      assert.equal(key({ credentials: one }) === key({ credentials: other }), same);
    }),
    { seed: 1 },
  );
  // What a separator would have confused.
  assert.notEqual(
    key({ credentials: { username: bytes('a","b'), password: bytes("") } }),
    key({ credentials: { username: bytes("a"), password: bytes("b") } }),
  );
});
