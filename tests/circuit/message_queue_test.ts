import assert from "node:assert/strict";
import fc from "fast-check";
import { MessageQueue, QueueMemory } from "../../src/circuit/message_queue.ts";

const PIECE = 32 * 1024;

interface Message {
  readonly sequence: number;
  readonly command: number;
  readonly streamId: number;
  readonly body: Uint8Array;
}

function push(queue: MessageQueue, { sequence, command, streamId, body }: Message): void {
  // The body stands somewhere in a buffer that is used again.
  const buffer = new Uint8Array(600).fill(0xee);
  buffer.set(body, 7);
  queue.push(sequence, command, streamId, buffer, 7, body.length);
  buffer.fill(0);
}

function shift(queue: MessageQueue): Message {
  const sequence = queue.firstSequence;
  let message: Message | undefined;
  queue.shift((command, streamId, buffer, offset, length) => {
    message = { sequence, command, streamId, body: buffer.slice(offset, offset + length) };
  });
  assert.ok(message !== undefined);
  return message;
}

Deno.test("MessageQueue: whatever goes in comes out, first in first out", () => {
  const message = fc.record({
    sequence: fc.nat(2 ** 50),
    command: fc.nat(255),
    streamId: fc.nat(65_535),
    body: fc.uint8Array({ maxLength: 498 }),
  }, { noNullPrototype: true });
  const step = fc.option(fc.array(message, { minLength: 1, maxLength: 60 }), { nil: undefined });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const memory = new QueueMemory(100 * PIECE);
      const queue = new MessageQueue(memory);
      const model: Message[] = [];
      for (const messages of steps) {
        for (const each of messages ?? []) {
          push(queue, each);
          model.push(each);
        }
        for (let left = messages === undefined ? 40 : 3; left > 0 && model.length > 0; left--) {
          assert.deepEqual(shift(queue), model.shift());
        }
        assert.equal(queue.length, model.length);
        assert.equal(queue.firstSequence, model[0]?.sequence ?? Infinity);
      }
      queue.clear();
      assert.deepEqual([memory.used, queue.length], [0, 0]);
    }),
    { seed: 1, numRuns: 60 },
  );
});

Deno.test("MessageQueue: memory is taken in pieces and given back, and the last one is kept", () => {
  const all = new QueueMemory(4 * PIECE);
  const memory = new QueueMemory(3 * PIECE, all);
  const queue = new MessageQueue(memory);
  const full = { sequence: 1, command: 2, streamId: 3, body: new Uint8Array(498) };
  const perPiece = Math.floor(PIECE / (13 + 498));
  for (let count = 0; count < 2 * perPiece; count++) push(queue, full);
  assert.deepEqual([memory.used, all.used], [2 * PIECE, 2 * PIECE]);
  for (let count = 0; count < 2 * perPiece; count++) shift(queue);
  assert.deepEqual([memory.used, all.used], [PIECE, PIECE]);
  push(queue, full);
  assert.equal(memory.used, PIECE);
  queue.clear();
  assert.deepEqual([memory.used, all.used], [0, 0]);
});

Deno.test("MessageQueue: it is bounded, by itself and together with others", () => {
  const body = new Uint8Array(498);
  const fill = (queue: MessageQueue) => {
    for (let sequence = 1;; sequence++) push(queue, { sequence, command: 2, streamId: 1, body });
  };
  const all = new QueueMemory(3 * PIECE);
  const first = new MessageQueue(new QueueMemory(2 * PIECE, all));
  const second = new MessageQueue(new QueueMemory(2 * PIECE, all));
  assert.throws(() => fill(first), { code: "conflux-queue-full" });
  assert.throws(() => fill(second), { code: "conflux-queue-full" });
  assert.equal(all.used, 3 * PIECE);
  first.clear();
  second.clear();
  assert.equal(all.used, 0);
});
