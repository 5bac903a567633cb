import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCommandArguments } from "../../src/cli/command_arguments.ts";
import { COMMAND_NAMES, type CommandName } from "../../src/cli/commands.ts";
import { ConfigError } from "../../src/config/errors.ts";

/** What arguments come to: operands, flags, options of the configuration, the file. */
function summary(name: CommandName, args: readonly string[]): object {
  const { operands, flags, options } = parseCommandArguments(name, args);
  return {
    operands,
    flags: Object.fromEntries(flags),
    options: options.lines.map(({ name, value, command }) => [command, name, value].join(" ")),
    file: options.file,
  };
}

const NONE = { operands: [], flags: {}, options: [], file: undefined };

const UNDERSTOOD: readonly (readonly [args: string, expected: object])[] = [
  ["status", NONE],
  ["status --json", { ...NONE, flags: { "--json": [""] } }],
  ["status --metrics 9035 -f torrc", { ...NONE, flags: { "--metrics": ["9035"] }, file: "torrc" }],
  ["status --metrics=[::1]:1 --config=a=b", {
    ...NONE,
    flags: { "--metrics": ["[::1]:1"] },
    file: "a=b",
  }],
  ["status -ftorrc --torrc-file other", { ...NONE, file: "other" }],
  ["import-state s --replace", { ...NONE, operands: ["s"], flags: { "--replace": [""] } }],
  ["import-state --data-dir here s --replace", {
    ...NONE,
    operands: ["s"],
    flags: { "--replace": [""] },
    options: ["set DataDirectory here"],
  }],
  ["import-state --data-dir=here s DataDirectory there", {
    ...NONE,
    operands: ["s"],
    options: ["set DataDirectory here", "set DataDirectory there"],
  }],
  ["import-state -f client.torrc s /DataDirectory --+Log info", {
    ...NONE,
    operands: ["s"],
    options: ["reset DataDirectory ", "append Log info"],
    file: "client.torrc",
  }],
  ["import-state run", { ...NONE, operands: ["run"] }],
  ["import-state -- --replace", { ...NONE, operands: ["--replace"] }],
  ["fetch -sI -ofile https://a.example", {
    ...NONE,
    operands: ["https://a.example"],
    flags: { "--silent": [""], "--head": [""], "--output": ["file"] },
  }],
  ["fetch u -H a:b --header c:d -d -1 -X PUT", {
    ...NONE,
    operands: ["u"],
    flags: { "--header": ["a:b", "c:d"], "--data": ["-1"], "--request": ["PUT"] },
  }],
  ["fetch u --PathsNeededToBuildCircuits -1 -l debug -SocksPort 0 --isolate -s", {
    ...NONE,
    operands: ["u"],
    flags: { "--isolate": ["-s"] },
    options: ["set PathsNeededToBuildCircuits -1", "set l debug", "set SocksPort 0"],
  }],
  ["check --Log --json", { ...NONE, options: ["set Log --json"] }],
];

for (const [written, expected] of UNDERSTOOD) {
  Deno.test(`arguments of a command: '${written}'`, () => {
    const [name, ...args] = written.split(" ");
    assert.ok(isName(name));
    assert.deepEqual(summary(name, args), expected);
  });
}

Deno.test("help and the version are asked for in place of all else", () => {
  assert.equal(parseCommandArguments("fetch", ["--help"]).options.instead, "help");
  assert.equal(parseCommandArguments("status", ["-h", "--Nonsense"]).options.instead, "help");
  assert.equal(parseCommandArguments("check", ["--version"]).options.instead, "version");
});

const REFUSED: readonly (readonly [args: string, code: string, says: RegExp])[] = [
  ["import-state", "config-no-value", /'import-state' needs PATH after it/],
  ["import-state --replace", "config-no-value", /'import-state' needs PATH/],
  ["import-state a b", "config-unknown-option", /'b'/],
  ["import-state a --verify-config", "config-conflict", /--verify-config.*import-state/],
  ["fetch u --no-tty", "config-conflict", /--no-tty.*fetch/],
  ["fetch u --quiet", "config-conflict", /--quiet.*fetch/],
  ["fetch", "config-no-value", /'fetch' needs URL/],
  ["fetch u -o", "config-no-value", /'-o' has no value/],
  ["fetch u --output=", "config-no-value", /'--output' has no value/],
  ["fetch u --head=1", "config-bad-value", /'--head' takes no value/],
  ["fetch u --haed", "config-unknown-option", /'--haed'\. Did you mean '--head'/],
  ["fetch u --data-dri x", "config-unknown-option", /Did you mean '--data-dir'/],
  ["fetch u --json", "config-conflict", /goes with status only/],
  ["fetch u -q", "config-unknown-option", /'-q'/],
  ["status extra", "config-unknown-option", /'extra'/],
  ["status --DataDirectory", "config-no-value", /'--DataDirectory' has no value/],
  ["completion", "config-no-value", /needs bash\|zsh\|fish/],
];

for (const [written, code, says] of REFUSED) {
  Deno.test(`refused arguments of a command: '${written}'`, () => {
    const [name, ...args] = written.split(" ");
    assert.ok(isName(name));
    assert.throws(() => parseCommandArguments(name, args), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      return true;
    });
  });
}

Deno.test("whatever follows a command, nothing but a ConfigError is thrown", () => {
  const arg = fc.oneof(
    fc.constantFrom("-o", "-sI", "--", "-", "--=", "-=x", "--output=", "--Log", "/Log", "-f", "x"),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...COMMAND_NAMES),
      fc.array(arg, { maxLength: 8 }),
      (name, args) => {
        try {
          parseCommandArguments(name, args);
        } catch (error) {
          assert.ok(error instanceof ConfigError, String(error));
        }
      },
    ),
    { seed: 1, numRuns: 1000 },
  );
});

function isName(name: string): name is CommandName {
  return COMMAND_NAMES.some((each) => each === name);
}
