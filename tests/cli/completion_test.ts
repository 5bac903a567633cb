import assert from "node:assert/strict";
import { COMMAND_NAMES, commandFacts } from "../../src/cli/commands.ts";
import { completionScript } from "../../src/cli/completion.ts";
import { ConfigError } from "../../src/config/errors.ts";
import { FLAGS, OPTION_NAMES } from "../../src/config/options.ts";
import { isInstalled } from "../network/child_process.ts";

/** What bash offers after these words, the last of which may be unfinished. */
async function offered(...words: string[]): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/script`, completionScript("bash"));
    const program = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _chive; ` +
      'printf "%s\\n" "${COMPREPLY[@]}"';
    const { stdout, stderr } = await new Deno.Command("bash", {
      args: ["--norc", "-c", program, `${folder}/script`, ...words],
      cwd: folder,
    }).output();
    assert.equal(new TextDecoder().decode(stderr), "");
    return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const hasBash = await isInstalled("bash");

Deno.test({
  name: "bash completes commands, flags, options and their values",
  ignore: !hasBash,
  fn: async () => {
    assert.deepEqual(await offered("chive", "st"), ["status"]);
    assert.deepEqual(await offered("chive", "status", "--js"), ["--json"]);
    assert.deepEqual(await offered("chive", "--js"), []);
    assert.deepEqual(await offered("chive", "--no-t"), ["--no-tty"]);
    assert.deepEqual(await offered("chive", "run", "--no-t"), ["--no-tty"]);
    assert.deepEqual(await offered("chive", "fetch", "u", "--SocksT"), ["--SocksTimeout"]);
    assert.deepEqual(await offered("chive", "--SafeLogging", ""), ["0", "1", "relay"]);
    assert.deepEqual(await offered("chive", "--log-format", "j"), ["json"]);
    assert.deepEqual(await offered("chive", "-f", "scr"), ["script"]);
    assert.deepEqual(await offered("chive", "--SocksPort", ""), []);
    assert.deepEqual(await offered("chive", "completion", "z"), ["zsh"]);
    assert.deepEqual(await offered("chive", "help", "do"), ["doctor"]);
  },
});

for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`the completion for ${shell} has every command, flag and option`, () => {
    const script = completionScript(shell);
    for (const command of COMMAND_NAMES) assert.ok(script.includes(command), command);
    const flags = COMMAND_NAMES.flatMap((command) => commandFacts(command).flags)
      .map(({ name }) => name);
    for (const name of [...flags, ...FLAGS, ...OPTION_NAMES.map((option) => `--${option}`)]) {
      const written = shell === "fish" ? `-l ${name.slice(2)} ` : name;
      assert.ok(script.includes(written), name);
    }
  });

  Deno.test({
    name: `${shell} can read its completion`,
    ignore: !await isInstalled(shell),
    fn: async () => {
      const file = await Deno.makeTempFile();
      try {
        await Deno.writeTextFile(file, completionScript(shell));
        const { code, stderr } = await new Deno.Command(shell, { args: ["-n", file] }).output();
        assert.equal(new TextDecoder().decode(stderr), "");
        assert.equal(code, 0);
      } finally {
        await Deno.remove(file);
      }
    },
  });
}

Deno.test({
  name: "fish completes commands, flags, options and their values",
  ignore: !await isInstalled("fish"),
  fn: async () => {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, completionScript("fish"));
      const complete = async (line: string) => {
        const { stdout } = await new Deno.Command("fish", {
          args: ["--no-config", "-c", `source ${file}; complete -C '${line}'`],
        }).output();
        return new TextDecoder().decode(stdout).trimEnd().split("\n").map((each) =>
          each.split("\t")[0]
        );
      };
      assert.deepEqual(await complete("chive st"), ["status"]);
      assert.deepEqual(await complete("chive status --js"), ["--json"]);
      assert.deepEqual(await complete("chive --SafeLogging "), ["0", "1", "relay"]);
      assert.deepEqual(await complete("chive --DataD"), ["--DataDirectory"]);
      assert.deepEqual(await complete("chive completion b"), ["bash"]);
    } finally {
      await Deno.remove(file);
    }
  },
});

Deno.test("for another shell there is none", () => {
  assert.throws(() => completionScript("csh"), ConfigError);
});
