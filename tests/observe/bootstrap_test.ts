import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { BOOTSTRAP_PHASES, BootstrapTracker } from "../../src/observe/bootstrap.ts";

async function linesOf(run: (tracker: BootstrapTracker) => void): Promise<string[]> {
  const lines: string[] = [];
  await configure({
    sinks: {
      test: (record: LogRecord) => void lines.push(`${record.level} ${record.message.join("")}`),
    },
    loggers: [
      { category: ["logtape", "meta"], sinks: [] },
      { category: ["chive", "bootstrap"], sinks: ["test"], lowestLevel: "trace" },
    ],
    reset: true,
  });
  try {
    run(new BootstrapTracker());
  } finally {
    await reset();
  }
  return lines;
}

Deno.test("phases rise from 0 to 100 and have tags of their own", () => {
  const percents = BOOTSTRAP_PHASES.map((phase) => phase.percent);
  assert.deepEqual(percents, [...new Set(percents)].sort((a, b) => a - b));
  assert.equal(percents[0], 0);
  assert.equal(percents.at(-1), 100);
  assert.equal(new Set(BOOTSTRAP_PHASES.map((phase) => phase.tag)).size, BOOTSTRAP_PHASES.length);
});

Deno.test("progress is written as C tor writes it", async () => {
  const lines = await linesOf((tracker) => {
    tracker.report("starting");
    tracker.report("requesting_descriptors");
    tracker.report("done");
  });
  assert.deepEqual(lines, [
    "info Bootstrapped 0% (starting): Starting",
    "info Bootstrapped 45% (requesting_descriptors): Asking for relay descriptors",
    "info Bootstrapped 100% (done): Done",
  ]);
});

Deno.test("progress only moves forward, and listeners hear each step once", async () => {
  const heard: string[] = [];
  await linesOf((tracker) => {
    const end = tracker.onProgress(({ percent, tag }) => heard.push(`${percent} ${tag}`));
    tracker.report("conn_done");
    tracker.report("conn");
    tracker.report("conn_done");
    tracker.report("loading_descriptors");
    tracker.report("loading_descriptors", 60);
    tracker.report("loading_descriptors", 55);
    tracker.report("requesting_descriptors");
    end();
    tracker.report("done");
    assert.equal(tracker.done, true);
  });
  assert.deepEqual(heard, ["10 conn_done", "50 loading_descriptors", "60 loading_descriptors"]);
});

Deno.test("small steps within a phase are not notices", async () => {
  const lines = await linesOf((tracker) => {
    tracker.report("loading_descriptors");
    for (let percent = 51; percent <= 62; percent++) tracker.report("loading_descriptors", percent);
  });
  assert.deepEqual(
    lines.filter((line) => line.startsWith("info")).map((line) => line.slice(5, 21)),
    ["Bootstrapped 50%", "Bootstrapped 55%", "Bootstrapped 60%"],
  );
  assert.equal(lines.length, 13);
});

Deno.test("directory progress waits for the first connection", async () => {
  const lines = await linesOf((tracker) => {
    tracker.report("starting");
    tracker.reportDirectory("requesting_descriptors");
    tracker.reportDirectory("enough_dirinfo");
    tracker.reportDirectory("loading_descriptors", 60);
    tracker.report("conn");
    tracker.noteConnection();
    tracker.noteConnection();
  });
  assert.deepEqual(lines.map((line) => line.split(":")[0]), [
    "info Bootstrapped 0% (starting)",
    "info Bootstrapped 5% (conn)",
    "info Bootstrapped 75% (enough_dirinfo)",
  ]);
});
