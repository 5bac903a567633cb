import assert from "node:assert/strict";
import { describeAgo, describeBytes, describeSeconds } from "../../src/monitor/amounts.ts";

Deno.test("bytes have up to three digits", () => {
  assert.deepEqual(
    [0, 999, 999.4, 999.5, 1234, 12_345, 123_456, 999_500, 1e6, 5e12, 5e15, -1].map(describeBytes),
    [
      "0 B",
      "999 B",
      "999 B",
      "1 kB",
      "1.23 kB",
      "12.3 kB",
      "123 kB",
      "1 MB",
      "1 MB",
      "5 TB",
      "5000 TB",
      "0 B",
    ],
  );
});

Deno.test("times have up to two units", () => {
  assert.deepEqual(
    [-1, 0.4, 59.4, 59.6, 3599, 3600, 86_399, 90_000, 8_640_000].map(describeSeconds),
    ["0 s", "0 s", "59 s", "1 min", "59 min", "1 h 0 min", "23 h 59 min", "1 d 1 h", "100 d 0 h"],
  );
});

Deno.test("how long ago", () => {
  const now = "2026-01-01T00:01:00.000Z";
  assert.deepEqual(
    [null, "2026-01-01T00:00:59.500Z", "2026-01-01T00:00:30.000Z", "2026-01-01T00:02:00.000Z"]
      .map((time) => describeAgo(time, now)),
    ["never", "just now", "30 s ago", "just now"],
  );
});
