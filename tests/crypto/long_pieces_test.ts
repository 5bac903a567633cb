import assert from "node:assert/strict";
import { type LongPieceHolder, LongPieces } from "../../src/crypto/long_pieces.ts";

class Stream implements LongPieceHolder {
  trimmed = 0;
  constructor(readonly pieces: LongPieces) {}
  trim(): void {
    this.trimmed++;
    this.pieces.release(this);
  }
}

const streamsOf = (pieces: LongPieces, count: number) =>
  Array.from({ length: count }, () => new Stream(pieces));

Deno.test("as many streams as allowed hold long pieces", () => {
  const pieces = new LongPieces(4);
  const streams = streamsOf(pieces, 5);
  assert.deepEqual(streams.map((stream) => pieces.request(stream)), [
    true,
    true,
    true,
    true,
    false,
  ]);
  assert.equal(pieces.request(streams[0]), true);
  assert.equal(pieces.size, 4);
  pieces.release(streams[2]);
  assert.equal(pieces.request(streams[4]), true);
  assert.equal(pieces.size, 4);
});

Deno.test("busy streams keep their pieces when others want them", () => {
  const pieces = new LongPieces(4);
  const busy = streamsOf(pieces, 4);
  const [other] = streamsOf(pieces, 1);
  for (let round = 0; round < 100; round++) {
    for (const stream of busy) assert.equal(pieces.request(stream), true);
    // As busy as the others: it makes eight shorter pieces where they make a long one.
    for (let piece = 0; piece < 8; piece++) assert.equal(pieces.request(other), false);
  }
  assert(busy.every(({ trimmed }) => trimmed === 0));
});

Deno.test("the stream that has been idle for the longest gives its piece up", () => {
  const pieces = new LongPieces(4);
  const [idle, ...busy] = streamsOf(pieces, 4);
  const [other] = streamsOf(pieces, 1);
  pieces.request(idle);
  let granted = 0;
  for (let round = 0; round < 20; round++) {
    for (const stream of busy) assert.equal(pieces.request(stream), true);
    if (pieces.request(other)) granted++;
  }
  assert.equal(idle.trimmed, 1);
  assert(granted > 10 && granted < 20, `${granted}`);
  assert(busy.every(({ trimmed }) => trimmed === 0));
  assert.equal(pieces.size, 4);
});

Deno.test("a stream alone gets a piece from streams that are all idle", () => {
  const pieces = new LongPieces(4);
  const idle = streamsOf(pieces, 4);
  for (const stream of idle) pieces.request(stream);
  const [other] = streamsOf(pieces, 1);
  let denied = 0;
  while (!pieces.request(other)) denied++;
  assert(denied <= 100, `${denied}`);
  assert.deepEqual(idle.map(({ trimmed }) => trimmed), [1, 0, 0, 0]);
});
