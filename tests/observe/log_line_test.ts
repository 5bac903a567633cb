import assert from "node:assert/strict";
import { formatJsonLine, formatTextLine, type LogEntry } from "../../src/observe/log_line.ts";

const NOON = new Date(2026, 10, 3, 12, 4, 5, 67).getTime();

function entry(message: string, more: Partial<LogEntry> = {}): LogEntry {
  return { time: NOON, level: "notice", category: "circuit", message, ...more };
}

Deno.test("a line of text looks like C tor's, in local time", () => {
  assert.equal(formatTextLine(entry("Hello")), "Nov 03 12:04:05.067 [notice] Hello\n");
  const january = new Date(2027, 0, 31, 0, 0, 0, 0).getTime();
  assert.equal(
    formatTextLine(entry("x", { time: january, level: "err" })),
    "Jan 31 00:00:00.000 [err] x\n",
  );
});

Deno.test("a line of text may say what it is about", () => {
  assert.equal(formatTextLine(entry("x"), true), "Nov 03 12:04:05.067 [notice] {circuit} x\n");
});

Deno.test("a message can neither forge a line nor command a terminal", () => {
  assert.equal(
    formatTextLine(entry("a\nb\r\x1b[2J\x00\x7f\x9bc é")),
    "Nov 03 12:04:05.067 [notice] a\\x0ab\\x0d\\x1b[2J\\x00\\x7f\\x9bc é\n",
  );
  const line = formatJsonLine(entry("a\nb\x1b\x9b\u2028é"));
  assert.match(line, /a\\nb\\u001b\\u009b\\u2028é/);
  assert.equal(JSON.parse(line).message, "a\nb\x1b\x9b\u2028é");
});

Deno.test("facts that JSON has no form for have one", () => {
  const facts = {
    count: 5n,
    error: new RangeError("no"),
    bytes: new Uint8Array(3),
    names: new Set(["a"]),
    nested: { counts: new Map([["a", 1]]) },
  };
  assert.deepEqual(JSON.parse(formatJsonLine(entry("x", { facts }))), {
    time: new Date(NOON).toISOString(),
    level: "notice",
    category: "circuit",
    message: "x",
    facts: {
      count: "5",
      error: "RangeError: no",
      bytes: "3 bytes",
      names: ["a"],
      nested: { counts: [["a", 1]] },
    },
  });
});
