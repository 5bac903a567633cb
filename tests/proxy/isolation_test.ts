import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULT_ISOLATION, isolationOf } from "../../src/proxy/isolation.ts";
import type { SocksRequest } from "../../src/proxy/socks_request.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const REQUEST: SocksRequest = {
  version: 5,
  command: "connect",
  destination: { kind: "name", host: "example.com" },
  port: 80,
  credentials: { username: bytes("u"), password: bytes("p") },
};

const key = (changes: Partial<SocksRequest>, flags = {}, group = "g", client = "127.0.0.1") =>
  isolationOf({ ...DEFAULT_ISOLATION, ...flags }, group, client, { ...REQUEST, ...changes }).key;

Deno.test("isolationOf: by default, the group, the client and the credentials set streams apart", () => {
  const base = key({});
  assert.equal(key({ port: 443, destination: { kind: "ip4", host: "192.0.2.1" } }), base);
  assert.equal(key({ version: 4, command: "resolve" }), base);
  assert.notEqual(key({}, {}, "other"), base);
  assert.notEqual(key({}, {}, "g", "127.0.0.2"), base);
  assert.notEqual(key({ credentials: { username: bytes("v"), password: bytes("p") } }), base);
  assert.notEqual(key({ credentials: { username: bytes("u"), password: bytes("q") } }), base);
});

Deno.test("isolationOf: each flag does what it says", () => {
  assert.equal(
    key({}, { clientAddress: false }, "g", "127.0.0.2"),
    key({}, { clientAddress: false }),
  );
  const anonymous = { credentials: { username: bytes(""), password: bytes("") } };
  assert.equal(key(anonymous, { socksAuth: false }), key({}, { socksAuth: false }));
  assert.notEqual(key({ version: 4 }, { clientProtocol: true }), key({}, { clientProtocol: true }));
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
