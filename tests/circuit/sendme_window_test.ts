import assert from "node:assert/strict";
import fc from "fast-check";
import { CircuitError } from "../../src/circuit/errors.ts";
import { DeliverWindow, PackageWindow } from "../../src/circuit/sendme_window.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

/** A digest that tells which message it is of. */
function digestOf(message: number): Uint8Array {
  const digest = new Uint8Array(20);
  new DataView(digest.buffer).setUint32(16, message);
  return digest;
}

function send(window: PackageWindow, from: number, to: number): number[] {
  const asked: number[] = [];
  for (let message = from; message <= to; message++) {
    window.sent(() => {
      asked.push(message);
      return digestOf(message);
    });
  }
  return asked;
}

function assertViolation(action: () => void, message: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof CircuitError);
    assert.equal(error.code, "circuit-protocol-violation");
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("PackageWindow: 1,000 messages, and 100 more for each SENDME, oldest first", () => {
  const window = new PackageWindow(new SeededRandom(1));
  const hundreds = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000];
  assert.deepEqual(send(window, 1, 1000), hundreds);
  assert.equal(window.available, 0);
  for (const [index, message] of hundreds.entries()) {
    window.acknowledged(digestOf(message));
    assert.equal(window.available, (index + 1) * 100);
  }
  assertViolation(() => window.acknowledged(digestOf(1000)), /not due/);
});

Deno.test("PackageWindow: a SENDME that is early, or whose digest is wrong in any bit", () => {
  const early = new PackageWindow(new SeededRandom(1));
  send(early, 1, 99);
  assertViolation(() => early.acknowledged(digestOf(99)), /not due/);
  for (let bit = 0; bit < 160; bit++) {
    const window = new PackageWindow(new SeededRandom(1));
    send(window, 1, 200);
    const digest = digestOf(100);
    digest[bit >> 3] ^= 1 << (bit & 7);
    assertViolation(() => window.acknowledged(digest), /wrong digest/);
  }
  const shorter = new PackageWindow(new SeededRandom(1));
  send(shorter, 1, 100);
  assertViolation(() => shorter.acknowledged(digestOf(100).subarray(0, 19)), /wrong digest/);
});

Deno.test("PackageWindow: one message of each hundred leaves room, at places that vary", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1 }), (seed) => {
      const window = new PackageWindow(new SeededRandom(seed));
      const places = new Set<number>();
      for (let hundred = 0; hundred < 20; hundred++) {
        const roomy: number[] = [];
        for (let message = 0; message < 100; message++) {
          if (window.nextIsRoomy) roomy.push(message);
          window.sent(() => digestOf(0));
        }
        assert.equal(roomy.length, 1);
        places.add(roomy[0]);
      }
      // 20 of 100 places at random: seven or fewer different ones are as good as impossible.
      assert.ok(places.size > 7, `${places.size} places`);
    }),
    { seed: 1, numRuns: 50 },
  );
});

Deno.test("DeliverWindow: a SENDME is due at every 100th message", () => {
  const window = new DeliverWindow();
  const due: number[] = [];
  for (let message = 1; message <= 2500; message++) if (window.received()) due.push(message);
  assert.deepEqual(due, Array.from({ length: 25 }, (_, index) => (index + 1) * 100));
});
