import assert from "node:assert/strict";
import fc from "fast-check";
import { KernelMemory } from "../../src/crypto/kernel_memory.ts";

const SIZES = [256, 1024, 4096];

Deno.test("places never overlap, are aligned and zero, and can all be had again", () => {
  const steps = fc.array(
    fc.record({ release: fc.boolean(), rank: fc.nat(2), which: fc.nat(999) }),
    {
      maxLength: 200,
      size: "max",
    },
  );
  fc.assert(
    fc.property(steps, (steps) => {
      const bytes = new Uint8Array(3 * 4096 + 100);
      const memory = new KernelMemory(bytes, 37, SIZES);
      const held: { place: number; size: number; mark: number }[] = [];
      for (const [mark, { release, rank, which }] of steps.entries()) {
        if (release && held.length > 0) {
          const [{ place, size, mark }] = held.splice(which % held.length, 1);
          assert(bytes.subarray(place, place + size).every((byte) => byte === 1 + mark % 255));
          memory.release(place, size);
          continue;
        }
        const size = SIZES[rank];
        const place = memory.allocate(size);
        if (place === 0) continue;
        assert.equal(place % 16, 0);
        assert(place >= 37 && place + size <= bytes.length);
        assert(bytes.subarray(place, place + size).every((byte) => byte === 0));
        bytes.fill(1 + mark % 255, place, place + size);
        held.push({ place, size, mark });
      }
      assert.equal(memory.used, held.reduce((sum, { size }) => sum + size, 0));
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("a full memory gives nothing, and larger places are cut up before it is full", () => {
  const memory = new KernelMemory(new Uint8Array(16 + 4096), 16, SIZES);
  const large = memory.allocate(4096);
  assert.equal(large, 16);
  assert.equal(memory.allocate(256), 0);
  memory.release(large, 4096);
  const places = Array.from({ length: 16 }, () => memory.allocate(256));
  assert.deepEqual(
    places.toSorted((a, b) => a - b),
    Array.from({ length: 16 }, (_, index) => 16 + 256 * index),
  );
  assert.equal(memory.allocate(256), 0);
  assert.equal(memory.used, 4096);
  assert.throws(() => memory.allocate(512), RangeError);
});
