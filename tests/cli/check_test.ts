import assert from "node:assert/strict";
import { checkText } from "../../src/cli/check.ts";
import { checkLines } from "../../src/cli/checked_lines.ts";
import { inFolder, outcome } from "./program.ts";

Deno.test("what is found is told line by line, and mistakes are counted", () => {
  const text = [
    "# a comment",
    "SocksPort 9150",
    "SockPort 1",
    'DataDirectory "abc',
    "SafeLogging 1",
    "MaxCircuitDirtiness 1",
  ].join("\n");
  assert.equal(
    checkText(checkLines({ path: "torrc", text }, [])),
    `torrc, line 2: SocksPort 9150
    Where applications connect; 0 for none; may be repeated.
torrc, line 3: SockPort 1
    WRONG: Unknown option 'SockPort'. Did you mean 'SocksPort'? Run with --help to see all options.
torrc, line 4: DataDirectory "abc
    WRONG: A quoted string has no closing quote.
torrc, line 5: SafeLogging 1
    Redact addresses and destinations in logs; relay means no, for a client. This is the default.
torrc, line 6: MaxCircuitDirtiness 1
    How long a circuit takes new streams after its first.
Note: MaxCircuitDirtiness is set to 10 seconds, its limit.
There are 2 mistakes; nothing would be started.
`,
  );
});

Deno.test("a file that commands a terminal is shown without its commands", () => {
  const found = checkLines({ path: "torrc", text: "SocksPort \x1b[2J\x07" }, []);
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  assert.doesNotMatch(checkText(found), /[\x00-\x09\x0b-\x1f]/);
});

Deno.test("check ends with 0 for a file without mistakes, and with 2 for one with them", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/good`, "SocksPort 9150\n");
    await Deno.writeTextFile(`${folder}/bad`, "SocksPort 70000\nOther 1\n");
    const [good, said] = await outcome(["check", "-f", `${folder}/good`], [], folder);
    assert.equal(good, 0, said);
    assert.match(said, /The configuration is valid\.$/);
    const [bad, faults] = await outcome(["check", "-f", `${folder}/bad`], [], folder);
    assert.equal(bad, 2);
    assert.match(faults, /bad, line 1: SocksPort 70000\n {4}WRONG: .*\n.*bad, line 2: Other 1\n/);
    const [missing, which] = await outcome(["check"], [], folder);
    assert.equal(missing, 2);
    assert.match(which, /^chive: .*'torrc'/);
    const [options, valid] = await outcome(["check", "--SocksPort", "1"], [], folder);
    assert.equal(options, 0);
    assert.match(valid, /^command line: SocksPort 1\n/);
  }));
