import assert from "node:assert/strict";
import { type CommandBlock, commandsOf, differenceOf, readCommandBlock } from "./command_block.ts";
import { parseDocument } from "./markdown.ts";

function read(language: string, text: string, comment?: string): CommandBlock | undefined {
  return readCommandBlock({ language, text, line: 1, comment });
}

Deno.test("a block is run, unless the comment before it says why not", () => {
  assert.deepEqual(read("sh", "true"), { kind: "run", script: "true" });
  assert.deepEqual(read("bash", "true", "about something else"), { kind: "run", script: "true" });
  assert.deepEqual(read("sh", "true", "not run by tests: it needs Docker"), {
    kind: "skip",
    reason: "it needs Docker",
  });
  assert.deepEqual(read("sh", "run", "runs until it is stopped; then: Done"), {
    kind: "keep",
    script: "run",
    ready: "Done",
  });
  assert.equal(read("ts", "let a"), undefined);
});

Deno.test("a comment without a reason, or with other words, and a block of no language are errors", () => {
  assert.throws(() => read("sh", "true", "not run by tests: no"), RangeError);
  assert.throws(() => read("sh", "true", "tests leave this out"), RangeError);
  assert.throws(() => read("", "true"), RangeError);
  assert.throws(() => read("console", "output alone"), RangeError);
});

Deno.test("commands with their output", () => {
  assert.deepEqual(read("console", "$ one \\\n  two\nout\n\n$ three"), {
    kind: "compare",
    commands: [{ script: "one \\\n  two", output: ["out", ""] }, { script: "three", output: [] }],
  });
});

Deno.test("a document's commands are those of its blocks and of its tables, in their order", () => {
  const text =
    "| command | in tests |\n| --- | --- |\n| `one` | run |\n| `two` | it takes long |\n\n" +
    "| other |\n| --- |\n| `three` |\n\n```sh\nfour\n```\n";
  assert.deepEqual(commandsOf(parseDocument("X.md", text)), [
    { line: 3, command: { kind: "run", script: "one" } },
    { line: 4, command: { kind: "skip", reason: "it takes long" } },
    { line: 10, command: { kind: "run", script: "four" } },
  ]);
});

Deno.test("a table of commands must say which are run", () => {
  for (
    const table of ["| command |\n| - |\n| `x` |", "| command | in tests |\n| - | - |\n| x | run |"]
  ) {
    assert.throws(() => commandsOf(parseDocument("X.md", table)), /^RangeError: X\.md, line 3: /);
  }
});

const SHOWN:
  readonly (readonly [shown: string, printed: string, difference: RegExp | undefined])[] = [
    ["a 1", "a 2\n", undefined],
    ["a", "Task start deno run\nDANGER: TLS certificate validation is\na", undefined],
    ["for 3 s, $639D79F6", "for 12 min, $041C065F", undefined],
    ["last 1 s ago", "last just now", undefined],
    ["a\n...\nc", "a\nb\nc", undefined],
    ["a\n...", "a\nb\nc", undefined],
    ["a\nc", "a\nb\nc", /before 'c': b/],
    ["a", "a\nb", /printed too: b/],
    ["a\nb", "a", /not printed: b/],
    ["b\n...\na", "a\nb", /before 'b': a/],
    ["used", "unused", /not printed: used/],
  ];

Deno.test("shown lines are printed lines, but for numbers and what is left out", () => {
  for (const [shown, printed, difference] of SHOWN) {
    const found = differenceOf(shown.split("\n"), printed);
    if (difference === undefined) assert.equal(found, undefined, shown);
    else assert.match(found ?? "nothing", difference);
  }
});
