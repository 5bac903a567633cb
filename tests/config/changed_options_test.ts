import assert from "node:assert/strict";
import { changedOptions } from "../../src/config/changed_options.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { THREE_AUTHORITIES } from "./source.ts";

const CASES: readonly (readonly [before: string, after: string, changed: readonly string[]])[] = [
  ["", "", []],
  ["SocksPort 1", "SocksPort 1", []],
  ["SocksPort 1", "socksport 1 # a comment", []],
  ["", "SocksPort 9050\nSafeLogging 1", []],
  ["SocksPort 1", "SocksPort 2", ["SocksPort"]],
  ["SocksPort 1\nSocksPort 2", "SocksPort 2\nSocksPort 1", ["SocksPort"]],
  ["SocksPort 1", "", ["SocksPort"]],
  ["", "Log info\nLog debug file x", ["Log"]],
  ["SafeLogging 0\nMaxCircuitDirtiness 60", "SafeLogging 1", [
    "SafeLogging",
    "MaxCircuitDirtiness",
  ]],
  ["MaxCircuitDirtiness 60", "MaxCircuitDirtiness 70\nMaxCircuitDirtiness 60", []],
  ["SocksPort 1\n/SocksPort", "", []],
];

for (const [before, after, changed] of CASES) {
  Deno.test(`from ${JSON.stringify(before)} to ${JSON.stringify(after)}`, () => {
    const sources = [before, after].map((text) => [parseTorrc(text, "torrc")]);
    assert.deepEqual(changedOptions(sources[0], sources[1]), changed);
  });
}

Deno.test("the command line counts more than the file, and is the same both times", () => {
  const commandLine = parseTorrc("SocksPort 5", "x");
  const of = (text: string) => [parseTorrc(text, "torrc"), commandLine];
  assert.deepEqual(changedOptions(of("SocksPort 1"), of("SocksPort 2")), []);
  assert.deepEqual(changedOptions(of("Log info"), of("Log warn")), ["Log"]);
});

Deno.test("other defaults of a test network are changes too", () => {
  const changed = changedOptions([], [parseTorrc(`TestingTorNetwork 1${THREE_AUTHORITIES}`, "t")]);
  assert.ok(changed.includes("EnforceDistinctSubnets") && changed.includes("DirAuthority"));
});
