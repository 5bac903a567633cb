import assert from "node:assert/strict";
import { type PackagingStream, StreamTurns } from "../../src/circuit/stream_turns.ts";

const TURN = 16;

/** A circuit that takes so many messages, and streams that write down who has sent. */
class TestTurns {
  room: number;
  readonly sent: string[] = [];
  readonly errors: unknown[] = [];
  readonly turns = new StreamTurns({
    canGoOn: () => this.room > 0,
    onError: (cause) => this.errors.push(cause),
  });

  constructor(room: number) {
    this.room = room;
  }

  /** A stream that wants to send so many messages. */
  stream(name: string, messages: number): PackagingStream {
    let left = messages;
    return {
      onPackage: (limit) => {
        for (let sending = limit; sending > 0 && left > 0; sending--) {
          if (this.room === 0) return true;
          this.room--;
          left--;
          this.sent.push(name);
        }
        return left > 0;
      },
    };
  }

  /** Who has sent how many in a row, since the last time. */
  take(): string {
    const runs: [string, number][] = [];
    for (const name of this.sent.splice(0)) {
      const last = runs.at(-1);
      if (last?.[0] === name) last[1]++;
      else runs.push([name, 1]);
    }
    return runs.map(([name, count]) => `${name}${count}`).join(" ");
  }
}

Deno.test("StreamTurns: a stream alone sends all it has at once", () => {
  const test = new TestTurns(1000);
  test.turns.add(test.stream("a", 100));
  assert.equal(test.take(), "a100");
  // It has had its turn and is not asked again.
  test.turns.run();
  assert.equal(test.take(), "");
});

Deno.test("StreamTurns: several take turns of 16 messages, the next in line first", () => {
  const test = new TestTurns(0);
  for (const [name, messages] of [["a", 40], ["b", 10], ["c", 33]] as const) {
    test.turns.add(test.stream(name, messages));
  }
  assert.equal(test.take(), "");
  test.room = 20;
  test.turns.run();
  assert.equal(test.take(), `a${TURN} b4`);
  // A turn that was cut off is over; so nobody sends more than the others in the long run.
  test.room = 1000;
  test.turns.run();
  assert.equal(test.take(), `c${TURN} a${TURN} b6 c${TURN} a8 c1`);
});

Deno.test("StreamTurns: a full circuit stops at once, and goes on where it was", () => {
  const test = new TestTurns(TURN);
  const [a, b] = [test.stream("a", 20), test.stream("b", 20)];
  test.turns.add(a);
  test.turns.add(b);
  assert.equal(test.take(), `a${TURN}`);
  test.room = 1;
  test.turns.run();
  test.room = 1;
  test.turns.run();
  assert.equal(test.take(), "a1 b1");
});

Deno.test("StreamTurns: streams that have gone send nothing", () => {
  const test = new TestTurns(0);
  const [a, b, c] = ["a", "b", "c"].map((name) => test.stream(name, 5));
  for (const stream of [a, b, c]) test.turns.add(stream);
  test.turns.delete(a);
  test.room = 100;
  test.turns.run();
  assert.equal(test.take(), "b5 c5");

  test.room = 0;
  test.turns.add(a);
  test.turns.clear();
  test.room = 100;
  test.turns.run();
  assert.equal(test.take(), "");
});

Deno.test("StreamTurns: a stream that comes or goes during a turn of another", () => {
  const test = new TestTurns(0);
  const late = test.stream("late", 3);
  const gone = test.stream("gone", 3);
  test.turns.add({
    onPackage: () => {
      test.sent.push("first");
      test.turns.delete(gone);
      test.turns.add(late);
      test.sent.push("first");
      return false;
    },
  });
  test.turns.add(gone);
  test.room = 100;
  test.turns.run();
  // Its turn was not interrupted.
  assert.equal(test.take(), "first2 late3");
});

Deno.test("StreamTurns: what a stream throws ends the turns; the others have theirs later", () => {
  const test = new TestTurns(0);
  const defect = new RangeError("a defect");
  test.turns.add({
    onPackage: () => {
      throw defect;
    },
  });
  test.turns.add(test.stream("a", 3));
  test.room = 100;
  test.turns.run();
  assert.deepEqual(test.errors, [defect]);
  assert.equal(test.take(), "");
  test.turns.run();
  assert.equal(test.take(), "a3");
});
