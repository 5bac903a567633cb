import assert from "node:assert/strict";
import fc from "fast-check";
import { checkLines } from "../../src/cli/checked_lines.ts";
import { OPTION_NAMES } from "../../src/config/options.ts";
import type { ConfigLine } from "../../src/config/torrc.ts";

const AUTHORITY =
  "DirAuthority a orport=1 v3ident=0123456789ABCDEF0123456789ABCDEF01234567 127.0.0.1:1 " +
  "AAAABBBBCCCCDDDDEEEEFFFF0000111122223333";

function check(text: string, commandLine: readonly ConfigLine[] = []) {
  return checkLines({ path: "torrc", text }, commandLine);
}

/** The numbers of the lines that are wrong. */
function wrongLines(text: string): (number | undefined)[] {
  return check(text).lines.filter(({ fault }) => fault !== undefined).map(({ origin }) =>
    origin.line
  );
}

function option(name: string, value: string): ConfigLine {
  return { name, value, command: "set", origin: { file: undefined, line: undefined } };
}

Deno.test("all mistakes are found at once, of whatever kind", () => {
  const text = [
    "SockPort 1", // unknown
    "SafeLogging 2", // no such choice
    "ORPort 1", // of relays
    "SocksPort 70000", // out of range
    "SocksPort 9050", // right
    'Log "x', // syntax
    "MapAddress x", // found when all is put together
    "NumCPUs 4", // ignored
    "HTTPTunnelPort what", // found when all is put together
    "GuardLifetime", // no value
  ].join("\n");
  assert.deepEqual(wrongLines(text), [1, 2, 3, 4, 6, 7, 9, 10]);
});

Deno.test("what is wrong only because of another line is not reported", () => {
  const text = `TestingTorNetwork 1\nDirAuthority nonsense\nClientDNSRejectInternalAddresses 0`;
  assert.deepEqual(wrongLines(text), [2]);
  assert.deepEqual(wrongLines(`TestingTorNetwork 1\n${AUTHORITY}`), []);
  assert.deepEqual(wrongLines("TestingTorNetwork 1"), [1]);
});

Deno.test("a broken line takes those with it that continue it", () => {
  assert.deepEqual(wrongLines('Log "x \\\nnonsense \\\nmore\nSocksPort 1'), [1]);
});

Deno.test("a line that another one replaces is said to do nothing", () => {
  const { lines } = check(
    "MaxCircuitDirtiness 60\nMaxCircuitDirtiness 70\nSocksPort 1\nSocksPort 2",
    [
      option("SocksPort", "3"),
    ],
  );
  assert.deepEqual(lines.map(({ effect }) => /^Does nothing/.test(effect)), [
    true,
    false,
    true,
    true,
    false,
  ]);
});

Deno.test("lines of the command line are told apart", () => {
  const { lines } = checkLines(undefined, [
    option("SocksPort", "70000"),
    option("SocksPort", "1"),
    option("Nonsense", "1"),
  ]);
  assert.deepEqual(lines.map(({ fault }) => fault !== undefined), [true, false, true]);
});

Deno.test("every kind of line has words for what it does", () => {
  const { lines } = check([
    "SafeLogging 1",
    "/Log",
    "ORPort 0",
    "NumCPUs 3",
    "HidServAuth x",
    "ControlPort 0",
    "HiddenServiceStatistics 0",
  ].join("\n"));
  for (const { effect, fault, written } of lines) {
    assert.equal(fault, undefined);
    assert.match(effect, /^.+\.$/, written);
  }
  assert.match(lines[0].effect, /This is the default\.$/);
});

Deno.test("what a start would log is told", () => {
  const { remarks, faults } = check("NumCPUs 3\nSocksPort 0.0.0.0:9050");
  assert.deepEqual(faults, []);
  assert.equal(remarks.length, 2, remarks.join("\n"));
});

Deno.test("whatever is in a file, it is checked without a fault of the program", () => {
  const line = fc.oneof(
    fc.string(),
    fc.tuple(fc.constantFrom(...OPTION_NAMES), fc.string()).map((words) => words.join(" ")),
    fc.constantFrom('Log "', "x \\", "%include a", "+SocksPort 1", "/Log", "#"),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const found = check(lines.join("\n"));
      for (const { effect, fault } of found.lines) assert.ok(effect !== "" || fault !== undefined);
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("a file with thousands of mistakes is given up soon", () => {
  const { lines, faults: told } = check("Nonsense 1\n".repeat(2000));
  const faults = lines.filter(({ fault }) => fault !== undefined);
  assert.equal(faults.length, 100);
  assert.match(told.join(), /not checked/);
});
