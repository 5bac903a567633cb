import assert from "node:assert/strict";
import fc from "fast-check";
import { EarlyData } from "../../src/stream/early_data.ts";

Deno.test("EarlyData: bytes are those of the appends that were taken, in order, up to 64 KiB", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 30_000, size: "max" }), { maxLength: 8 }),
      (pieces) => {
        const early = new EarlyData();
        const taken: number[] = [];
        for (const piece of pieces) {
          const fits = taken.length + piece.length <= EarlyData.LIMIT;
          assert.equal(early.append(piece), fits);
          if (fits) taken.push(...piece);
          assert.equal(early.room, EarlyData.LIMIT - taken.length);
        }
        assert.deepEqual(early.bytes, Uint8Array.from(taken));
      },
    ),
    { seed: 1, numRuns: 50 },
  );
});

Deno.test("EarlyData: what is appended is copied, and views of it stay valid", () => {
  const early = new EarlyData();
  const reused = Uint8Array.of(1, 2, 3);
  early.append(reused);
  const first = early.bytes;
  reused.fill(9);
  early.append(new Uint8Array(60_000).fill(7));
  assert.deepEqual(first, Uint8Array.of(1, 2, 3));
  assert.deepEqual(early.bytes.subarray(0, 4), Uint8Array.of(1, 2, 3, 7));
});

Deno.test("EarlyData: a retry sees what came before, then follows alone", () => {
  const early = new EarlyData();
  const seen: string[] = [];
  early.onAppend = (bytes) => seen.push(`first ${bytes}`);
  early.append(Uint8Array.of(1));
  early.onAppend = (bytes) => seen.push(`second ${bytes}`);
  assert.deepEqual(early.bytes, Uint8Array.of(1));
  early.append(Uint8Array.of(2));
  assert.deepEqual(seen, ["first 1", "second 2"]);
});

Deno.test("EarlyData: when closed it takes nothing and calls nobody, and views stay valid", () => {
  const early = new EarlyData();
  early.append(Uint8Array.of(1));
  const before = early.bytes;
  let called = false;
  early.onAppend = () => {
    called = true;
  };
  early.close();
  assert.equal(early.append(Uint8Array.of(2)), false);
  assert.deepEqual([called, early.room, early.closed], [false, 0, true]);
  assert.deepEqual(before, Uint8Array.of(1));
});
