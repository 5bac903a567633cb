import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { COMMAND_NAMES, commandFacts, writtenFlag } from "../../src/cli/commands.ts";
import { calledAs, commandHelp, helpText } from "../../src/cli/help.ts";
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

Deno.test("the help names every command, and each has help of its own with its flags", () => {
  const all = helpText();
  for (const name of COMMAND_NAMES) {
    const { summary, flags, exits } = commandFacts(name);
    assert.ok(all.includes(`\n  ${calledAs(name)}\n      ${summary}\n`), name);
    const own = commandHelp(name);
    assert.ok(own.startsWith(`Usage: chive ${calledAs(name)}`), name);
    for (const flag of flags) {
      assert.ok(own.includes(`\n  ${writtenFlag(flag)}\n      ${flag.help}\n`), flag.name);
    }
    for (const [code, meaning] of exits) {
      assert.ok(own.includes(`\n  ${code.padEnd(4)}${meaning}\n`), `${name} ${code}`);
    }
    assert.ok(own.includes("\n  2   The options are wrong.\n"));
  }
});

Deno.test("the help on a command is as it should look", () => {
  assert.equal(
    commandHelp("status"),
    `Usage: chive status [FLAG]... [-f FILE] [OPTION VALUE]...

Tell how a running client is: health, guards, circuits, streams, traffic.

It asks the MetricsPort of that client, so it needs one: start the client with --metrics-port 9035,
and give the same option or file here, or the address with --metrics.

Flags:
  --metrics [ADDR:]PORT
      Where the client's MetricsPort is; otherwise the configuration says.
  --json
      Show all that it tells, as JSON.

Exit codes:
  0   It would serve a request now.
  1   It runs, and is not ready.
  2   The options are wrong.
  3   It could not be reached.

'chive help' lists the options. chive stands for 'deno task start' where it is not installed under that name.
`,
  );
});

Deno.test("no line of the help is wider than 120 columns", () => {
  const texts = [helpText(), ...COMMAND_NAMES.map(commandHelp)];
  for (const line of texts.join("\n").split("\n")) assert.ok(line.length <= 120, line);
});

Deno.test("the version is a version", () => {
  assert.match(VERSION, /^\d+\.\d+\.\d+$/);
});
