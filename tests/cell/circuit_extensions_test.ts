import assert from "node:assert/strict";
import fc from "fast-check";
import {
  CC_REQUEST,
  ccResponse,
  type CircuitExtension,
  CircuitExtensionType,
  decodeCcResponse,
  decodeCircuitExtensions,
  encodeCircuitExtensions,
  findCircuitExtension,
} from "../../src/cell/circuit_extensions.ts";
import { assertCellError, decodesOrRefuses } from "./cell_error.ts";

const hex = Uint8Array.fromHex;
const { CC_RESPONSE } = CircuitExtensionType;

/** The SENDME increment in a list that a relay sends. */
const increment = (list: string) => decodeCcResponse(decodeCircuitExtensions(hex(list)));

Deno.test("circuit extensions: count, then type, length and body of each, by type", () => {
  assert.equal(encodeCircuitExtensions([]).toHex(), "00");
  assert.equal(encodeCircuitExtensions([CC_REQUEST]).toHex(), "010100");
  assert.equal(encodeCircuitExtensions([ccResponse(31)]).toHex(), "0102011f");
  const subprotocols = { type: CircuitExtensionType.SUBPROTOCOL_REQUEST, body: hex("0206") };
  assert.equal(encodeCircuitExtensions([subprotocols, CC_REQUEST]).toHex(), "02010003020206");
});

Deno.test("circuit extensions: what is encoded is decoded, in the order of types", () => {
  const extension = fc.record({ type: fc.nat(255), body: fc.uint8Array({ maxLength: 255 }) });
  fc.assert(
    fc.property(fc.array(extension, { maxLength: 8 }), (extensions) => {
      const encoded = encodeCircuitExtensions(extensions);
      const plain = (list: readonly CircuitExtension[]) =>
        list.map(({ type, body }) => [type, body.toHex()]);
      const sorted = extensions.toSorted((a, b) => a.type - b.type);
      assert.deepEqual(plain(decodeCircuitExtensions(encoded)), plain(sorted));
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("circuit extensions: what one byte can't say is not encoded", () => {
  const body = (length: number) => [{ type: 9, body: new Uint8Array(length) }];
  assert.equal(encodeCircuitExtensions(body(255)).length, 258);
  assertCellError(() => encodeCircuitExtensions(body(256)), "cell-too-long");
  assertCellError(
    () => encodeCircuitExtensions(new Array(256).fill(CC_REQUEST)),
    "cell-too-long",
  );
});

Deno.test("circuit extensions: a list that is cut off is refused, bytes after it are ignored", () => {
  const whole = hex("02010003020206");
  for (let length = 0; length < whole.length; length++) {
    assertCellError(() => decodeCircuitExtensions(whole.subarray(0, length)), "cell-truncated");
  }
  assert.equal(decodeCircuitExtensions(hex("02010003020206ffff")).length, 2);
  assert.equal(decodeCircuitExtensions(hex("00ff")).length, 0);
});

Deno.test("circuit extensions: hostile bytes are decoded or refused with a CellError", () => {
  decodesOrRefuses((bytes) => decodeCcResponse(decodeCircuitExtensions(bytes)));
});

Deno.test("CC_RESPONSE: its first byte, of the first one, whatever else there is", () => {
  assert.equal(increment("00"), undefined);
  assert.equal(increment("010100"), undefined);
  assert.equal(increment("0102011f"), 31);
  assert.equal(increment("01020100"), 0);
  assert.equal(increment("010202ff00"), 255);
  assert.equal(increment("0309000201200201ff"), 32);
  assertCellError(() => increment("010200"), "cell-truncated");
  assertCellError(() => increment("02020002011f"), "cell-truncated");
});

Deno.test("circuit extensions: the first of a type is the one that counts", () => {
  const list = decodeCircuitExtensions(hex("0309000201200201ff"));
  assert.equal(findCircuitExtension(list, CC_RESPONSE)?.body.toHex(), "20");
  assert.equal(findCircuitExtension(list, 9)?.body.length, 0);
  assert.equal(findCircuitExtension(list, CC_REQUEST.type), undefined);
});
