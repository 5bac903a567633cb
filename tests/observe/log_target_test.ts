import assert from "node:assert/strict";
import { isWanted, type LogTarget, lowestLevel } from "../../src/observe/log_target.ts";

const SINK = { kind: "stdout" } as const;

const ALL: LogTarget = { level: "info", mostSevere: "warn", sink: SINK };
const SOME: LogTarget = {
  level: "debug",
  mostSevere: "err",
  categories: ["circuit"],
  also: [{ level: "warn", mostSevere: "err" }],
  sink: SINK,
};

Deno.test("a target takes the levels between its two, of everything", () => {
  assert.deepEqual(
    (["debug", "info", "notice", "warn", "err"] as const).map((level) =>
      isWanted(ALL, "guard", level)
    ),
    [false, true, true, true, false],
  );
  assert.equal(lowestLevel(ALL, "guard"), "info");
});

Deno.test("a target takes what any of its selections wants", () => {
  assert.ok(isWanted(SOME, "circuit", "debug"));
  assert.ok(!isWanted(SOME, "guard", "notice"));
  assert.ok(isWanted(SOME, "guard", "err"));
  assert.deepEqual([lowestLevel(SOME, "circuit"), lowestLevel(SOME, "guard")], ["debug", "warn"]);
});

Deno.test("a target that is about nothing of the kind has no lowest level", () => {
  const target: LogTarget = { level: "debug", mostSevere: "err", categories: [], sink: SINK };
  assert.equal(lowestLevel(target, "circuit"), undefined);
});
