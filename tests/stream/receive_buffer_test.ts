import assert from "node:assert/strict";
import fc from "fast-check";
import { ReceiveBuffer } from "../../src/stream/receive_buffer.ts";

Deno.test("ReceiveBuffer: gives what was appended, in order, whenever it is taken and given back", () => {
  const step = fc.oneof(
    fc.constantFrom("take", "give back"),
    fc.record({
      bytes: fc.uint8Array({ maxLength: 12_000, size: "max" }),
      offset: fc.nat(100),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const buffer = new ReceiveBuffer();
      let expected: number[] = [];
      let taken = 0;
      for (const each of steps) {
        if (each === "take") {
          assert.deepEqual(buffer.take(), Uint8Array.from(expected));
          taken = expected.length;
          expected = [];
        } else if (each === "give back") {
          assert.equal(buffer.giveBack(), taken);
          taken = 0;
        } else if (typeof each !== "string") {
          const offset = Math.min(each.offset, each.bytes.length);
          buffer.append(each.bytes, offset, each.bytes.length - offset);
          for (let at = offset; at < each.bytes.length; at++) expected.push(each.bytes[at]);
        }
        assert.equal(buffer.length, expected.length);
        assert.equal(buffer.waiting, expected.length + taken);
        assert.ok(buffer.capacity >= buffer.waiting);
      }
    }),
    { seed: 1, numRuns: 50 },
  );
});

Deno.test("ReceiveBuffer: what was taken stays as it is while more is appended, until it is given back", () => {
  const buffer = new ReceiveBuffer();
  for (let round = 0; round < 4; round++) {
    buffer.append(new Uint8Array(100).fill(round), 0, 100);
    const taken = buffer.take();
    buffer.append(new Uint8Array(20_000).fill(0xff), 0, 20_000);
    assert.deepEqual(taken, new Uint8Array(100).fill(round));
    buffer.take();
  }
});

const KIB = 1024;
const BYTES = new Uint8Array(5000 * KIB);

/** Appends in cells, as data comes. */
function fill(buffer: ReceiveBuffer, length: number): void {
  for (let left = length; left > 0; left -= 498) buffer.append(BYTES, 0, Math.min(498, left));
}

Deno.test("ReceiveBuffer: takes no memory before anything comes, and little more than it needs", () => {
  const buffer = new ReceiveBuffer();
  assert.equal(buffer.capacity, 0);
  fill(buffer, 1);
  assert.equal(buffer.capacity, 8 * KIB);
  fill(buffer, 240_000);
  assert.equal(buffer.capacity, 256 * KIB);
  fill(buffer, 4_000_000);
  assert.ok(buffer.capacity < 4_240_001 + 256 * KIB, `${buffer.capacity} bytes`);
});

Deno.test("ReceiveBuffer: lets go of what a burst has taken, once that was read", () => {
  const buffer = new ReceiveBuffer();
  fill(buffer, 3_000_000);
  buffer.take();
  fill(buffer, 1_000_000);
  buffer.take();
  buffer.giveBack();
  assert.equal(buffer.capacity, 0);
  fill(buffer, 10_000);
  assert.ok(buffer.capacity <= 512 * KIB, `${buffer.capacity} bytes`);
});

Deno.test("ReceiveBuffer: holds nothing while nothing waits, and little when little comes", () => {
  const buffer = new ReceiveBuffer();
  fill(buffer, 60_000);
  buffer.take();
  assert.equal(buffer.capacity, 64 * KIB);
  buffer.giveBack();
  assert.equal(buffer.capacity, 0);
  for (let round = 0; round < 40; round++) {
    fill(buffer, 400);
    buffer.take();
    buffer.giveBack();
  }
  fill(buffer, 400);
  assert.equal(buffer.capacity, 8 * KIB);
});

Deno.test("ReceiveBuffer: a stream in full flow goes on with the same buffer", () => {
  const buffer = new ReceiveBuffer();
  const buffers = new Set<ArrayBufferLike>();
  for (let round = 0; round < 50; round++) {
    fill(buffer, 32 * 498);
    buffers.add(buffer.take().buffer);
    buffer.giveBack();
  }
  assert.equal(buffers.size, 1);
});
