import assert from "node:assert/strict";
import fc from "fast-check";
import { BufferPool } from "../../src/stream/buffer_pool.ts";

const KIB = 1024;

Deno.test("BufferPool: a buffer is as large as was asked for, and less than twice as large", () => {
  const pool = new BufferPool();
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 * KIB }), (bytes) => {
      const { length } = pool.take(bytes);
      assert.ok(length >= bytes && (length === 8 * KIB || length < 2 * bytes), `${length}`);
      assert.ok(length - bytes < 256 * KIB || length < 512 * KIB);
    }),
    { seed: 1, numRuns: 100 },
  );
});

Deno.test("BufferPool: what was given back is handed out again, to one at a time", () => {
  const pool = new BufferPool();
  const first = pool.take(20_000);
  const second = pool.take(20_000);
  assert.notEqual(first.buffer, second.buffer);
  pool.give(first);
  assert.notEqual(pool.take(10_000), first);
  assert.equal(pool.take(30_000), first);
  assert.notEqual(pool.take(30_000), first);
});

Deno.test("BufferPool: keeps a little of each size, and frees the rest at once", () => {
  const pool = new BufferPool();
  for (const size of [8 * KIB, 128 * KIB, 512 * KIB, 768 * KIB]) {
    const buffers = Array.from({ length: 100 }, () => pool.take(size));
    for (const buffer of buffers) pool.give(buffer);
    const kept = buffers.filter(({ length }) => length > 0).length;
    assert.equal(kept, size > 512 * KIB ? 0 : 512 * KIB / size);
  }
});
