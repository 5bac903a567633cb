import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeXoff,
  decodeXon,
  encodeXoff,
  encodeXon,
  MOST_XON_RATE,
} from "../../src/cell/flow_control_messages.ts";
import { assertCellError, decodesOrRefuses } from "./cell_error.ts";

Deno.test("XON: version 0 and the rate, big-endian", () => {
  assert.deepEqual(encodeXon(0x01020304), Uint8Array.of(0, 1, 2, 3, 4));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: MOST_XON_RATE }), (rate) => {
      assert.equal(decodeXon(encodeXon(rate)), rate);
    }),
    { seed: 1 },
  );
});

Deno.test("XOFF: version 0 alone; what follows is ignored, as behind an XON", () => {
  assert.deepEqual(encodeXoff(), Uint8Array.of(0));
  decodeXoff(encodeXoff());
  decodeXoff(Uint8Array.of(0, 9));
  assert.equal(decodeXon(Uint8Array.of(0, 0, 0, 0, 7, 9)), 7);
});

Deno.test("XON and XOFF: cut off or of another version", () => {
  assertCellError(() => decodeXoff(new Uint8Array(0)), "cell-truncated");
  assertCellError(() => decodeXoff(Uint8Array.of(1)), "cell-malformed");
  assertCellError(() => decodeXon(Uint8Array.of(1, 0, 0, 0, 0)), "cell-malformed");
  for (let length = 0; length < 5; length++) {
    assertCellError(() => decodeXon(new Uint8Array(length)), "cell-truncated");
  }
});

Deno.test("XON and XOFF: any bytes are decoded or refused", () => {
  decodesOrRefuses(decodeXon);
  decodesOrRefuses(decodeXoff);
});
