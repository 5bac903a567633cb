import assert from "node:assert/strict";
import fc from "fast-check";
import { CellError } from "../../src/cell/errors.ts";
import {
  decodePaddingNegotiate,
  encodePaddingNegotiate,
  type PaddingNegotiation,
} from "../../src/cell/padding_negotiate.ts";

Deno.test("PADDING_NEGOTIATE: its bytes", () => {
  assert.equal(encodePaddingNegotiate({ command: "stop" }).toHex(), "000100000000");
  const start = { command: "start", low: 9000, high: 14_000 } as const;
  assert.equal(encodePaddingNegotiate(start).toHex(), "0002232836b0");
});

Deno.test("PADDING_NEGOTIATE: what was written is read, with zeros after it", () => {
  const time = fc.nat(0xffff);
  const negotiation: fc.Arbitrary<PaddingNegotiation> = fc.oneof(
    fc.constant({ command: "stop" as const }),
    fc.tuple(time, time).map(([low, high]) => ({ command: "start" as const, low, high })),
  );
  fc.assert(
    fc.property(negotiation, (written) => {
      const body = new Uint8Array(509);
      body.set(encodePaddingNegotiate(written));
      assert.deepEqual(decodePaddingNegotiate(body), written);
    }),
    { seed: 1 },
  );
});

Deno.test("PADDING_NEGOTIATE: other versions and commands, and too few bytes, are refused", () => {
  for (
    const hex of ["010100000000", "000000000000", "000300000000", "", "00", "0002", "0002232836"]
  ) {
    assert.throws(() => decodePaddingNegotiate(Uint8Array.fromHex(hex)), CellError, hex);
  }
});
