import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { tryBuild } from "../../scripts/try_build.ts";
import { startFlags } from "../network/start_flags.ts";
import { inFolder, ROOT } from "./project_task.ts";

const NAME = "chive-build";

Deno.test({
  name: "a build that works passes, also from where modes of files were lost",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const refuse = 'case "$*" in *--data-dir*) echo deno task compile; exit 1;; esac\n';
      await stageProgram(folder, `${refuse}${runSource()}`);
      await tryBuild(folder, NAME);
    }),
});

Deno.test({
  name: "a build that was changed, or does not do what it must, does not pass",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      await stageProgram(folder, "echo chive 9.9.9\n");
      await assert.rejects(tryBuild(folder, NAME), /--version: chive 9\.9\.9/);
      await stageProgram(folder, "exit 3\n");
      await assert.rejects(tryBuild(folder, NAME), assert.AssertionError);
      await Deno.writeTextFile(`${folder}/${NAME}`, "#!/bin/sh\nexit 0\n");
      await assert.rejects(tryBuild(folder, NAME), /is not what was built/);
    }),
});

/** Puts a shell script into the place of a build, with the checksum of it. */
async function stageProgram(folder: string, script: string): Promise<void> {
  const text = `#!/bin/sh\n${script}`;
  await Deno.writeTextFile(`${folder}/${NAME}`, text, { mode: 0o644 });
  const digest = createHash("sha256").update(text).digest("hex");
  await Deno.writeTextFile(`${folder}/SHA256SUMS`, `${digest}  ${NAME}\n`);
}

/** A script that runs the source as executables run. */
function runSource(): string {
  const words = [Deno.execPath(), "run", ...startFlags(), `${ROOT}/main.ts`];
  return `exec ${words.map((word) => `'${word}'`).join(" ")} "$@"\n`;
}
