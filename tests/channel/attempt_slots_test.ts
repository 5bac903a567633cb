import assert from "node:assert/strict";
import { AttemptSlots } from "../../src/channel/attempt_slots.ts";

const { signal } = new AbortController();

Deno.test("AttemptSlots: places are given in the order in which they were asked for", async () => {
  const slots = new AttemptSlots(2);
  const given: number[] = [];
  const taking = [0, 1, 2, 3, 4].map(async (index) => {
    const slot = await slots.take(signal);
    given.push(index);
    return slot;
  });
  const [first, second] = await Promise.all(taking.slice(0, 2));
  assert.deepEqual([given, slots.taken, slots.queued], [[0, 1], 2, 3]);
  second[Symbol.dispose]();
  const third = await taking[2];
  assert.deepEqual([given, slots.taken, slots.queued], [[0, 1, 2], 2, 2]);
  first[Symbol.dispose]();
  third[Symbol.dispose]();
  const last = await Promise.all(taking.slice(3));
  assert.deepEqual([given, slots.taken, slots.queued], [[0, 1, 2, 3, 4], 2, 0]);
  for (const slot of last) slot[Symbol.dispose]();
  assert.equal(slots.taken, 0);
});

Deno.test("AttemptSlots: a place that is given back twice is free once", async () => {
  const slots = new AttemptSlots(1);
  const slot = await slots.take(signal);
  slot[Symbol.dispose]();
  slot[Symbol.dispose]();
  assert.equal(slots.taken, 0);
});

Deno.test("AttemptSlots: who gives up leaves the queue, and the next one comes", async () => {
  const slots = new AttemptSlots(1);
  const held = await slots.take(signal);
  const abort = new AbortController();
  const waiting = assert.rejects(slots.take(abort.signal), /enough/);
  const next = slots.take(signal);
  abort.abort(new RangeError("enough"));
  await waiting;
  assert.equal(slots.queued, 1);
  held[Symbol.dispose]();
  using _slot = await next;
  assert.deepEqual([slots.taken, slots.queued], [1, 0]);
  await assert.rejects(slots.take(abort.signal), /enough/);
});
