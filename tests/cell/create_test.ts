import assert from "node:assert/strict";
import {
  decodeCreated2,
  encodeCreate2,
  encodeExtend2,
  HandshakeType,
  ipv4Bytes,
} from "../../src/cell/create.ts";
import { ed25519IdentityFromBytes, rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import { assertCellError, decodesOrRefuses } from "./cell_error.ts";

const ascii = (text: string) => new TextEncoder().encode(text);

Deno.test("encodeCreate2: type, length, handshake", () => {
  const skin = new Uint8Array(84).fill(0xab);
  assert.equal(encodeCreate2(HandshakeType.NTOR, skin).toHex(), `00020054${"ab".repeat(84)}`);
  assert.equal(encodeCreate2(HandshakeType.NTOR_V3, new Uint8Array(0)).toHex(), "00030000");
  assert.equal(encodeCreate2(0, new Uint8Array(505)).length, 509);
  assertCellError(() => encodeCreate2(0, new Uint8Array(506)), "cell-too-long");
});

Deno.test("decodeCreated2: the reply by its length, a view", () => {
  const body = new Uint8Array(509).fill(0xee);
  body.set([0, 64]);
  const reply = decodeCreated2(body);
  assert.deepEqual([reply.length, reply.byteOffset, reply.buffer], [64, 2, body.buffer]);
  body.set([0x01, 0xfb]);
  assert.equal(decodeCreated2(body).length, 507);
  body.set([0x01, 0xfc]);
  assertCellError(() => decodeCreated2(body), "cell-truncated");
  assertCellError(() => decodeCreated2(new Uint8Array(1)), "cell-truncated");
});

// The relay of C tor's test_cell_formats.c.
const RELAY = {
  hostname: "18.244.0.1",
  port: 0xf0f1,
  rsaIdentity: rsaIdentityFromBytes(ascii("anthropomorphization")),
};

Deno.test("encodeExtend2: IPv4, RSA, Ed25519 in this order", () => {
  const ed25519Identity = ed25519IdentityFromBytes(ascii("brownshoesdontmakeit/brownshoesd"));
  const skin = new Uint8Array(84).fill(0xcd);
  assert.equal(
    encodeExtend2({ ...RELAY, ed25519Identity }, HandshakeType.NTOR, skin).toHex(),
    "03" +
      "000612f40001f0f1" +
      "0214616e7468726f706f6d6f727068697a6174696f6e" +
      "032062726f776e73686f6573646f6e746d616b6569742f62726f776e73686f657364" +
      `00020054${"cd".repeat(84)}`,
  );
});

Deno.test("encodeExtend2: without an Ed25519 identity; a hostile address is refused", () => {
  const relay = { ...RELAY, ed25519Identity: undefined };
  assert.equal(
    encodeExtend2(relay, 0x105, new Uint8Array(2)).toHex(),
    "02" + "000612f40001f0f1" + "0214616e7468726f706f6d6f727068697a6174696f6e" + "010500020000",
  );
  for (const hostname of ["2001:db8::1", "example.com", "1.2.3", ""]) {
    assertCellError(() => encodeExtend2({ ...relay, hostname }, 2, skinless), "cell-malformed");
  }
});

const skinless = new Uint8Array(0);

Deno.test("ipv4Bytes: four decimal numbers up to 255 without leading zeros, nothing else", () => {
  assert.deepEqual(ipv4Bytes("0.10.200.255"), Uint8Array.of(0, 10, 200, 255));
  for (
    const text of ["256.1.1.1", "01.1.1.1", "1.1.1", "1.1.1.1.1", "1.1.1.a", " 1.1.1.1", "1..1.1"]
  ) {
    assert.equal(ipv4Bytes(text), undefined, text);
  }
});

Deno.test("decodeCreated2: hostile bytes are decoded or refused with a CellError", () => {
  decodesOrRefuses(decodeCreated2);
});
