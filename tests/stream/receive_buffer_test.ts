import assert from "node:assert/strict";
import fc from "fast-check";
import { ReceiveBuffer } from "../../src/stream/receive_buffer.ts";

Deno.test("ReceiveBuffer: gives what was appended, in order, whenever it is taken", () => {
  const step = fc.oneof(
    fc.constant("take" as const),
    fc.record({
      bytes: fc.uint8Array({ maxLength: 12_000, size: "max" }),
      offset: fc.nat(100),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const buffer = new ReceiveBuffer();
      let expected: number[] = [];
      for (const each of steps) {
        if (each === "take") {
          assert.deepEqual(buffer.take(), Uint8Array.from(expected));
          expected = [];
        } else {
          const offset = Math.min(each.offset, each.bytes.length);
          buffer.append(each.bytes, offset, each.bytes.length - offset);
          for (let at = offset; at < each.bytes.length; at++) expected.push(each.bytes[at]);
        }
        assert.equal(buffer.length, expected.length);
      }
    }),
    { seed: 1, numRuns: 30 },
  );
});

Deno.test("ReceiveBuffer: what was taken stays as it is while more is appended", () => {
  const buffer = new ReceiveBuffer();
  for (let round = 0; round < 4; round++) {
    buffer.append(new Uint8Array(100).fill(round), 0, 100);
    const taken = buffer.take();
    buffer.append(new Uint8Array(20_000).fill(0xff), 0, 20_000);
    assert.deepEqual(taken, new Uint8Array(100).fill(round));
    buffer.take();
  }
});
