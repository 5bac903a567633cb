import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { StreamIds } from "../../src/circuit/stream_ids.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

function halfOpen() {
  return { data: 1, sendmes: 0, connectedPending: false, resolve: false };
}

Deno.test("StreamIds: from a random one on, without 0, and none twice", () => {
  const ids = new StreamIds<string>(new SeededRandom(1));
  const first = ids.add("first");
  const given = new Set([first]);
  for (let count = 1; count < 65_535; count++) given.add(ids.add(`stream ${count}`));
  assert.equal(given.size, 65_535);
  assert.deepEqual([Math.min(...given), Math.max(...given)], [1, 65_535]);
  assert.throws(
    () => ids.add("one too many"),
    (error) => error instanceof CircuitError && error.code === "circuit-full",
  );
  assert.equal(ids.get(first), "first");
  const others = new Set([1, 2, 3, 4].map((seed) => new StreamIds(new SeededRandom(seed)).add("")));
  assert.equal(others.size, 4);
});

Deno.test("StreamIds: a half-open stream keeps its id until its END", () => {
  const ids = new StreamIds<string>(new SeededRandom(1));
  const id = ids.add("stream");
  assert.equal(ids.delete(id, halfOpen()), "stream");
  assert.deepEqual([ids.get(id), ids.size], [undefined, 0]);
  assert.equal(ids.delete(id, halfOpen()), undefined);
  assert.equal(ids.acceptHalfOpen(id, RelayCommand.DATA), true);
  assert.equal(ids.acceptHalfOpen(id, RelayCommand.DATA), false);
  assert.equal(ids.acceptHalfOpen(id, RelayCommand.END), true);
  assert.equal(ids.acceptHalfOpen(id, RelayCommand.END), false);
});

Deno.test("StreamIds: all are let go at once", () => {
  const ids = new StreamIds<string>(new SeededRandom(1));
  const [one] = [ids.add("one"), ids.add("two")];
  ids.delete(one, undefined);
  assert.equal(ids.acceptHalfOpen(one, RelayCommand.END), false);
  assert.deepEqual(ids.clear(), ["two"]);
  assert.deepEqual([ids.size, ids.clear()], [0, []]);
});
