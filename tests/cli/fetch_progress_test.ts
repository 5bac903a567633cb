import assert from "node:assert/strict";
import { type FetchProgress, renderFetchProgress } from "../../src/cli/fetch_progress.ts";

const SHOWN: readonly (readonly [progress: FetchProgress, width: number, line: string])[] = [
  [
    { kind: "joining", percent: 15, summary: "Handshake with a relay done" },
    80,
    "[###-----------------]  15% Handshake with a relay done",
  ],
  [
    { kind: "joining", percent: 5, summary: "Connecting to a relay" },
    30,
    "5% Connecting to a relay",
  ],
  [{ kind: "waiting", seconds: 3.2 }, 80, "Waiting for the answer   3 s"],
  [
    { kind: "receiving", bytes: 5_500_000, total: 10_000_000, seconds: 5 },
    80,
    "[###########---------]  55% 5.5 MB of 10 MB   1.1 MB/s   4 s left",
  ],
  [
    { kind: "receiving", bytes: 5_500_000, total: 10_000_000, seconds: 5 },
    40,
    "55% 5.5 MB of 10 MB   1.1 MB/s   4 s le",
  ],
  [{ kind: "receiving", bytes: 1234, total: undefined, seconds: 2 }, 80, "1.23 kB   617 B/s"],
  [
    { kind: "receiving", bytes: 0, total: 100, seconds: 0 },
    50,
    "[----------]   0% 0 B of 100 B   0 B/s",
  ],
  [
    { kind: "receiving", bytes: 0, total: 0, seconds: 0 },
    50,
    "[##########] 100% 0 B of 0 B   0 B/s",
  ],
  // More than was promised: the promise is worth nothing.
  [{ kind: "receiving", bytes: 200, total: 100, seconds: 1 }, 50, "200 B   200 B/s"],
  [{ kind: "waiting", seconds: 1 }, 0, ""],
];

for (const [progress, width, line] of SHOWN) {
  Deno.test(`progress in ${width} columns: ${JSON.stringify(progress)}`, () => {
    assert.deepEqual(renderFetchProgress(progress, width), [line]);
  });
}
