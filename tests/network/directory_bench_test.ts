/** That `deno task bench directory` measures what it says, in a network that is small. */
import assert from "node:assert/strict";
import { measureDirectory } from "../../bench/directory.ts";
import { directoryTable } from "../../bench/directory_table.ts";

const IGNORE = Deno.build.os !== "linux";

Deno.test({
  name: "the benchmark of the directory has a figure for everything",
  ignore: IGNORE,
  fn: async () => {
    const options = {
      relays: 200,
      paths: 1000,
      runs: 1,
      settle: 0,
      madeUpOnly: true,
      source: true,
    };
    const figures = await measureDirectory(options);
    for (const { name, samples } of figures) {
      assert.ok(samples.length > 0 && samples.every((sample) => sample >= 0), name);
    }
    const lines = directoryTable(figures).split("\n");
    assert.equal(lines.length, figures.length + 2);
    assert.equal(new Set(lines.map((line) => line.length)).size, 1, "the columns are straight");
  },
});

Deno.test("the table tells what is missed, by how much, and what was skipped", () => {
  const figure = { network: "made up", name: "load", unit: "ms", target: 100 } as const;
  const table = directoryTable([
    { ...figure, samples: [90, 250, 400] },
    { ...figure, samples: [100] },
    { ...figure, samples: [], skipped: "not here" },
    { ...figure, samples: [7], target: undefined },
  ]);
  const rows = table.split("\n").slice(2).map((line) =>
    line.split("|").slice(4, 7).map((cell) => cell.trim())
  );
  assert.deepEqual(rows, [
    ["100", "250 (90.0 to 400)", "MISSED, 2.50 times as much"],
    ["100", "100 (100 to 100)", "met"],
    ["100", "-", "SKIPPED: not here"],
    ["-", "7.0 (7.0 to 7.0)", "-"],
  ]);
});
