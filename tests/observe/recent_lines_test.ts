import assert from "node:assert/strict";
import { RecentLines } from "../../src/observe/recent_lines.ts";

Deno.test("RecentLines: the newest lines are kept, without their facts, and all are counted", () => {
  const recent = new RecentLines(2);
  for (const message of ["a", "b", "c"]) {
    recent.add({ time: 1, level: "warn", category: "guard", message, facts: { secret: 1 } });
  }
  assert.deepEqual(recent.lines, [
    { time: 1, level: "warn", category: "guard", message: "b" },
    { time: 1, level: "warn", category: "guard", message: "c" },
  ]);
  assert.equal(recent.total, 3);
});
