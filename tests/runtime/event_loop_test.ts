import assert from "node:assert/strict";
import { inTurns } from "../../src/runtime/event_loop.ts";

Deno.test("steps are done in turns, between which others have theirs", async () => {
  const done: string[] = [];
  function* steps(): Generator<void, string> {
    for (let step = 0; step < 3; step++) {
      done.push("step");
      setTimeout(() => done.push("other"), 0);
      setImmediate(() => done.push("other"));
      yield;
    }
    return "result";
  }
  assert.equal(await inTurns(steps()), "result");
  const places = done.flatMap((what, index) => what === "step" ? [index] : []);
  assert.equal(places.length, 3);
  assert.ok(places.every((place) => place === 0 || done[place - 1] === "other"), done.join());
  // The last timers are this test's own.
  await new Promise((resolve) => setTimeout(resolve, 1));
});

Deno.test("what a step throws ends the work", async () => {
  // deno-lint-ignore require-yield
  function* steps(): Generator<void, string> {
    throw new RangeError("no");
  }
  await assert.rejects(inTurns(steps()), RangeError);
});
