import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError } from "../../src/config/errors.ts";
import { type LineCommand, parseTorrc } from "../../src/config/torrc.ts";

type Read = readonly [name: string, value: string, command?: LineCommand];

const GOOD: readonly (readonly [what: string, text: string, lines: readonly Read[]])[] = [
  ["nothing", "", []],
  ["only comments and blank lines", "# a\n\n   # b\n\t\r\n#", []],
  ["one line with a newline", "SocksPort 9050\n", [["SocksPort", "9050"]]],
  ["one line without a newline", "SocksPort 9050", [["SocksPort", "9050"]]],
  ["Windows line ends", "A 1\r\nB 2\r\n", [["A", "1"], ["B", "2"]]],
  ["space and tabs around", " \t A \t 1 2\t \nB\t2", [["A", "1 2"], ["B", "2"]]],
  ["a name alone", "A\nB 1", [["A", ""], ["B", "1"]]],
  ["a comment after a value", "A 1 # one\nB 2#two", [["A", "1"], ["B", "2"]]],
  ["a comment after a name", "A#one\nB", [["A", ""], ["B", ""]]],
  ["a continued line", "A one \\\ntwo\nB 2", [["A", "one two"], ["B", "2"]]],
  ["a line continued twice", "A 1\\\n2\\\n3", [["A", "123"]]],
  ["a name continued at once", "A\\\n1", [["A", "1"]]],
  ["a comment between continued lines", "A 1 \\\n# no\n2\nB 3", [["A", "1 2"], ["B", "3"]]],
  ["a comment that ends a continued line's part", "A 1 \\\n2 # no\n3\nB 4", [
    ["A", "1 2 3"],
    ["B", "4"],
  ]],
  ["a backslash that is not at the end", "A C:\\dir\\ x", [["A", "C:\\dir\\ x"]]],
  ["quotes", 'A "one # two"  # three\nB 2', [["A", "one # two"], ["B", "2"]]],
  ["quotes before a Windows line end", 'A "one"\r\nB 2', [["A", "one"], ["B", "2"]]],
  ["empty quotes", 'A ""', [["A", ""]]],
  ["simple escapes", String.raw`A "\n\r\t\"\'\\"`, [["A", "\n\r\t\"'\\"]]],
  ["hexadecimal and octal escapes", String.raw`A "\x41\X42\103\0609"`, [["A", "ABC09"]]],
  ["escaped UTF-8", String.raw`A "\xc3\xa9é\303\251"`, [["A", "ééé"]]],
  ["quotes inside a plain value", 'A one "two"', [["A", 'one "two"']]],
  ["append and reset", "+A 1\n/B\n/C 1", [["A", "1", "append"], ["B", "", "reset"], [
    "C",
    "",
    "reset",
  ]]],
];

for (const [what, text, lines] of GOOD) {
  Deno.test(`torrc syntax: ${what}`, () => {
    assert.deepEqual(
      parseTorrc(text, "f").map(({ name, value, command }) => [name, value, command]),
      lines.map(([name, value, command = "set"]) => [name, value, command]),
    );
  });
}

const BAD: readonly (readonly [what: string, text: string, code: string, line: number])[] = [
  ["no closing quote", 'A 1\nB "two\nC 3', "config-syntax", 2],
  ["no closing quote at the end", '\n\nA "', "config-syntax", 3],
  ["an escape at the end", 'A "\\', "config-syntax", 1],
  ["an unknown escape", 'A "\\q"', "config-syntax", 1],
  ["half a hexadecimal escape", 'A "\\x4"', "config-syntax", 1],
  ["an octal escape over a byte", 'A "\\400"', "config-syntax", 1],
  ["text after the closing quote", 'A "1" 2', "config-syntax", 1],
  ["%include", "# a\nA 1\\\n2\n%include /etc/torrc.d", "config-unsupported", 4],
];

for (const [what, text, code, line] of BAD) {
  Deno.test(`torrc syntax refuses ${what}`, () => {
    assert.throws(() => parseTorrc(text, "my.torrc"), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, code);
      assert.deepEqual(error.origin, { file: "my.torrc", line });
      assert.ok(error.message.startsWith(`my.torrc, line ${line}: `));
      assert.equal(error.exitCode, 2);
      return true;
    });
  });
}

Deno.test("torrc lines know where they began", () => {
  const lines = parseTorrc('\n# c\nA 1 \\\n2\n\nB "3"\nC 4', "f");
  assert.deepEqual(lines.map((line) => line.origin.line), [3, 6, 7]);
});

Deno.test("a quoted value of any text is read back", () => {
  const quote = (text: string) => `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      // The byte order mark at the beginning is no part of a text.
      fc.pre(!text.startsWith("\ufeff"));
      assert.deepEqual(parseTorrc(`A ${quote(text)}`, "f").map((line) => line.value), [text]);
    }),
    { seed: 1 },
  );
});

Deno.test("a torrc of a megabyte is read at once, whatever it contains", () => {
  for (const piece of ["A 1\n", '"', "\\\n", "# x", " ", "A 1 \\\n#\n", 'A "\\x41']) {
    const start = performance.now();
    try {
      parseTorrc(`A "${piece.repeat(2 ** 20 / piece.length)}`, "f");
      parseTorrc(piece.repeat(2 ** 20 / piece.length), "f");
    } catch (error) {
      assert.ok(error instanceof ConfigError);
    }
    assert.ok(performance.now() - start < 5000, JSON.stringify(piece));
  }
});
