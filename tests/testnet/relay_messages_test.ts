import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeCreate2, encodeExtend2 } from "../../src/cell/create.ts";
import { CellError } from "../../src/cell/errors.ts";
import {
  decodeConnected,
  decodeEnd,
  decodeResolved,
  encodeBegin,
  encodeResolve,
} from "../../src/cell/stream_messages.ts";
import { ed25519IdentityFromBytes, rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import {
  decodeBegin,
  decodeCreate2,
  decodeExtend2,
  decodeResolve,
  encodeConnected,
  encodeEnd,
  encodeResolved,
  EndReason,
} from "../../testnet/relay_messages.ts";

const SEED = { seed: 1 };
const ADDRESSES = ["127.0.0.1", "198.51.100.7", "::1", "2001:db8::7"];

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const name = fc.stringMatching(/^[a-z0-9-]{1,20}(\.[a-z]{2,9}){0,3}$/);

Deno.test("decodeCreate2 reads what a client writes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 65535 }), fc.uint8Array(), (type, handshake) => {
      const read = decodeCreate2(encodeCreate2(type, handshake));
      assert.deepEqual(read, { handshakeType: type, handshake });
    }),
    SEED,
  );
});

Deno.test("decodeExtend2 reads what a client writes, with and without an Ed25519 identity", () => {
  fc.assert(
    fc.property(
      fc.ipV4(),
      fc.integer({ min: 1, max: 65535 }),
      bytes(20),
      fc.option(bytes(32), { nil: undefined }),
      bytes(84),
      (hostname, port, rsa, ed25519, handshake) => {
        const target = {
          hostname,
          port,
          rsaIdentity: rsaIdentityFromBytes(rsa),
          ed25519Identity: ed25519 && ed25519IdentityFromBytes(ed25519),
        };
        const read = decodeExtend2(encodeExtend2(target, 2, handshake));
        assert.deepEqual(read, { target, handshakeType: 2, handshake });
      },
    ),
    SEED,
  );
});

Deno.test("decodeExtend2 passes over link specifiers that it does not know", () => {
  const specifiers = [
    ...[9, 2, 0xaa, 0xbb],
    ...[0, 6, 127, 0, 0, 1, 0x12, 0x34],
    ...[1, 18, ...new Uint8Array(18)],
    ...[2, 20, ...new Uint8Array(20).fill(5)],
  ];
  const { target, handshake } = decodeExtend2(Uint8Array.of(4, ...specifiers, 0, 2, 0, 1, 7));
  assert.deepEqual([target.hostname, target.port], ["127.0.0.1", 0x1234]);
  assert.equal(target.ed25519Identity, undefined);
  assert.deepEqual([...handshake], [7]);
});

Deno.test("decodeBegin and decodeResolve read what a client writes", () => {
  fc.assert(
    fc.property(
      fc.oneof(name, fc.constantFrom(...ADDRESSES)),
      fc.integer({ min: 1, max: 65535 }),
      fc.integer({ min: 0, max: 7 }),
      (hostname, port, flags) => {
        assert.deepEqual(decodeBegin(encodeBegin(hostname, port, flags)), {
          hostname,
          port,
          flags,
        });
        assert.equal(decodeResolve(encodeResolve(hostname)), hostname);
      },
    ),
    SEED,
  );
});

Deno.test("decodeBegin refuses what has no end, no host or no port", () => {
  const encoder = new TextEncoder();
  for (
    const text of ["host:80", ":80\0", "host\0", "host:0\0", "host:65536\0", "[::1:80\0", "\0"]
  ) {
    assert.throws(() => decodeBegin(encoder.encode(text)), CellError, text);
  }
  assert.throws(() => decodeResolve(encoder.encode("host")), CellError);
});

Deno.test("no bytes make the readers fail otherwise than with a CellError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 498 }), (body) => {
      for (const read of [decodeCreate2, decodeExtend2, decodeBegin, decodeResolve]) {
        try {
          read(body);
        } catch (error) {
          assert.ok(error instanceof CellError, String(error));
        }
      }
    }),
    SEED,
  );
});

Deno.test("a client reads the addresses that CONNECTED, END and RESOLVED carry", () => {
  for (const value of ADDRESSES) {
    const kind = value.includes(":") ? "ip6" : "ip4";
    assert.deepEqual(decodeConnected(encodeConnected(value)).address, { kind, value });
    assert.deepEqual(decodeEnd(encodeEnd(EndReason.EXIT_POLICY, value)), {
      reason: "exit-policy",
      address: { kind, value },
    });
    assert.deepEqual(decodeResolved(encodeResolved({ kind, value })), [{ kind, value, ttl: 60 }]);
  }
  const answer = { kind: "name", value: "web.test" } as const;
  assert.deepEqual(decodeResolved(encodeResolved(answer)), [{ ...answer, ttl: 60 }]);
  assert.deepEqual(decodeResolved(encodeResolved(undefined)), [{ kind: "error", ttl: 60 }]);
  assert.deepEqual(decodeEnd(encodeEnd(EndReason.DONE)), { reason: "done", address: undefined });
});
