import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { helpText } from "../../src/cli/help.ts";
import { VERSION } from "../../src/cli/version.ts";
import { FLAGS, OPTION_NAMES, optionFacts } from "../../src/config/options.ts";

Deno.test("the first line of the help says what to do next", () => {
  const [first] = helpText().split("\n");
  assert.match(first, /SOCKS5 127\.0\.0\.1:9050.*deno task start$/);
});

Deno.test("the help has every option with its explanation, and every friendly name", () => {
  const text = helpText();
  for (const name of OPTION_NAMES) {
    const facts = optionFacts(name);
    assert.ok(text.includes(`--${name} ${facts.argument}\n      ${facts.help}`), name);
  }
  for (const flag of FLAGS) assert.ok(text.includes(`  ${flag}, --`), flag);
});

Deno.test("every name before an explanation in the help is understood", () => {
  const names = helpText().split("\n").filter((line) => /^ {2}-/.test(line))
    .flatMap((line) => line.match(/(?<=[ ,])--?[A-Za-z0-9-]+/g) ?? []);
  assert.ok(names.length > OPTION_NAMES.length);
  for (const name of names) {
    try {
      parseCommandLine([name], () => "");
    } catch (error) {
      assert.ok(error instanceof Error && "code" in error);
      // Without a value most are incomplete; that shows that the name itself was known.
      assert.equal(error.code, "config-no-value", name);
    }
  }
});

Deno.test("the help names every command", () => {
  assert.match(helpText(), /\n {2}import-state PATH \[--data-dir DIR\] \[--replace\]\n/);
});

Deno.test("no line of the help is wider than 120 columns", () => {
  for (const line of helpText().split("\n")) assert.ok(line.length <= 120, line);
});

Deno.test("the version is a version", () => {
  assert.match(VERSION, /^\d+\.\d+\.\d+$/);
});
