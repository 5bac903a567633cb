import assert from "node:assert/strict";
import { launchArguments } from "../../scripts/compile_command.ts";
import { launcher } from "../../scripts/launchers.ts";

const GRANTS = { dataDirectory: "/srv/it's 100% mine", sys: true };

Deno.test({
  name: "the launcher of Unix gives Deno the permissions and the arguments, whatever they contain",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withLauncher(async (folder, file) => {
      await Deno.mkdir(`${folder}/elsewhere`);
      await Deno.symlink("../archive/chive", `${folder}/elsewhere/link`);
      for (const start of [file, `${folder}/elsewhere/link`]) {
        const args = ["--Log", "notice stdout", "", "it's", "$HOME", "a\nb"];
        const { said } = await launch(start, args);
        assert.deepEqual(said.slice(0, said.indexOf("END")), [
          "NO_UPDATE_CHECK=1",
          "V8_FLAGS=",
          ...launchArguments(GRANTS),
          `${await Deno.realPath(folder)}/archive/lib/program/start.js`,
          ...args.map((arg) => arg.replace("\n", "|")),
        ]);
      }
    }),
});

Deno.test({
  name: "the launcher of Unix ends with the program's exit code",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withLauncher(async (_folder, file) => {
      assert.equal((await launch(file, [])).code, 7);
    }),
});

Deno.test("the launcher of Windows names the same flags, and quotes what cmd.exe would change", () => {
  const { name, text } = launcher("windows", { dataDirectory: "C:\\My data\\100%" });
  assert.equal(name, "chive.cmd");
  assert.ok(text.split("\n").every((line) => line === "" || line.endsWith("\r")));
  const [start] = text.split("\r\n").filter((line) => line.includes("deno.exe"));
  assert.match(start, /^"%~dp0lib\\deno\.exe" run /);
  assert.ok(start.includes(' "--allow-read=C:\\My data\\100%%,./torrc" '), start);
  assert.ok(start.endsWith(' "%~dp0lib\\program\\start.js" %*'), start);
  for (const flag of launchArguments({}).filter((each) => !/chive-data/.test(each))) {
    assert.ok(start.includes(` ${flag} `), flag);
  }
  assert.match(text, /set "DENO_NO_UPDATE_CHECK=1"/);
  assert.throws(() => launcher("windows", { dataDirectory: 'a" & b' }), TypeError);
});

/** Gives `action` a folder, and the launcher in it, whose Deno only tells how it was started. */
async function withLauncher(
  action: (folder: string, file: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "chive launcher's " });
  try {
    const { name, text } = launcher("linux", GRANTS);
    await Deno.mkdir(`${folder}/archive/lib`, { recursive: true });
    await Deno.writeTextFile(`${folder}/archive/${name}`, text, { mode: 0o755 });
    const deno = '#!/bin/sh\necho "NO_UPDATE_CHECK=$DENO_NO_UPDATE_CHECK"\n' +
      'echo "V8_FLAGS=${DENO_V8_FLAGS-}"\nfor word in "$@"; do\n' +
      "  printf '%s' \"$word\" | tr '\\n' '|'\n  echo\ndone\necho END\nexit 7\n";
    await Deno.writeTextFile(`${folder}/archive/lib/deno`, deno, { mode: 0o755 });
    await action(folder, `${folder}/archive/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function launch(file: string, args: readonly string[]) {
  const options = { args: [...args], cwd: "/", env: { DENO_V8_FLAGS: "--evil" } };
  const { code, stdout, stderr } = await new Deno.Command(file, options).output();
  assert.equal(new TextDecoder().decode(stderr), "");
  return { code, said: new TextDecoder().decode(stdout).split("\n") };
}
