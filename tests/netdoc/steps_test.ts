import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { hashSteps, lastOf, lineSearchSteps } from "../../src/netdoc/steps.ts";
import { encode } from "../../testnet/document_writer.ts";

const MEGABYTE = 1024 * 1024;

/** How many steps there are before the last. */
function countSteps(steps: Iterator<void, unknown>): number {
  let count = 0;
  while (!steps.next().done) count++;
  return count;
}

Deno.test("a digest in steps is the digest", () => {
  const bytes = new Uint8Array(3 * MEGABYTE + 17).fill(7);
  for (const algorithm of ["sha256", "sha3-256"] as const) {
    const digest = createHash(algorithm).update(bytes).digest("hex");
    assert.equal(lastOf(hashSteps(algorithm, bytes)).toHex(), digest);
    assert.ok(countSteps(hashSteps(algorithm, bytes)) >= 6);
  }
});

Deno.test("a line is found where it begins, and nowhere else", () => {
  const find = (text: string) => lastOf(lineSearchSteps(encode(text), "ab"));
  assert.equal(find("ab\n"), 0);
  assert.equal(find("x\nab\nab\n"), 2);
  assert.equal(find("xab\nab"), 4);
  assert.equal(find("xab\na\nb ab"), -1);
  assert.equal(find(""), -1);
});

Deno.test("a line is found wherever it is in a document of several steps", () => {
  const at = fc.integer({ min: 1, max: MEGABYTE - 10 });
  // About the ends of the steps, and anywhere.
  const near = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: -6, max: 6 }))
    .map(([step, offset]) => step * 256 * 1024 + offset);
  const bytes = new Uint8Array(MEGABYTE).fill("x".charCodeAt(0));
  fc.assert(
    fc.property(fc.oneof(at, near), (offset) => {
      bytes.fill("x".charCodeAt(0));
      bytes.set(encode("\nabc"), offset - 1);
      assert.equal(lastOf(lineSearchSteps(bytes, "abc")), offset);
    }),
    { seed: 1, numRuns: 40 },
  );
  bytes.fill("x".charCodeAt(0));
  assert.ok(countSteps(lineSearchSteps(bytes, "abc")) >= 4);
});
