import assert from "node:assert/strict";
import { givesKnownAnswers, RelayKernel, relayKernel } from "../../src/crypto/relay_kernel.ts";

Deno.test("this machine runs the kernel, and there is one for all", () => {
  assert(relayKernel() !== undefined);
  assert.equal(relayKernel(), relayKernel());
});

Deno.test("the known answers leave nothing behind", () => {
  const kernel = new RelayKernel();
  assert.equal(givesKnownAnswers(kernel), true);
  assert.equal(kernel.memory.used, 0);
  assert(kernel.cellBytes.every((byte) => byte === 0));
});

Deno.test("a kernel that computes wrongly in any call is found out", () => {
  const wrong: readonly [string, (kernel: RelayKernel) => Partial<RelayKernel>][] = [
    ["a digest", (kernel) => ({
      seal(first, payload) {
        const result = kernel.seal(first, payload);
        kernel.bytes[payload + 8] ^= 1;
        return result;
      },
    })],
    ["the last byte", (kernel) => ({
      seal(first, payload) {
        const result = kernel.seal(first, payload);
        kernel.bytes[payload + 508] ^= 1;
        return result;
      },
    })],
    ["key stream used twice", (kernel) => ({
      seal: (first, payload) => Math.max(0, kernel.seal(first, payload)),
    })],
    ["every cell recognized", (kernel) => ({
      open: (first, payload) => (kernel.open(first, payload), 2),
    })],
    ["the wrong hop", (kernel) => ({
      open: (first, payload) => kernel.open(first, payload) === 2 ? 1 : -1,
    })],
    ["a cell not opened", (kernel) => ({
      open: (first, payload) => {
        const result = kernel.open(first, payload);
        kernel.bytes[payload + 100] ^= 1;
        return result;
      },
    })],
  ];
  for (const [what, make] of wrong) {
    const kernel = new RelayKernel();
    const broken = Object.assign(Object.create(kernel), make(kernel));
    assert.equal(givesKnownAnswers(broken), false, what);
  }
});
