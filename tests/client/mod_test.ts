import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { START_FLAGS } from "../network/start_flags.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs Deno in the project's folder. */
async function deno(...args: string[]): Promise<{ success: boolean; text: string }> {
  const options = { args, cwd: PROJECT, env: { NO_COLOR: "1" } };
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), options).output();
  const decoder = new TextDecoder();
  return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("the examples of the guide run, on a network of their own", async () => {
  const flag = START_FLAGS.find((each) => each.startsWith("--unsafely-ignore"));
  assert.ok(flag !== undefined);
  const { success, text } = await deno(
    ...["test", "--allow-all", "--no-prompt", flag],
    ...["--doc", "--preload=tests/client/example_network.ts", "docs/LIBRARY.md"],
  );
  assert.ok(success, text);
  assert.match(text, /ok \| [1-9][0-9]* passed \| 0 failed/);
});

Deno.test("everything that the library exports is described, with types that it exports too", async () => {
  const { success, text } = await deno("doc", "--lint", "mod.ts");
  assert.ok(success, text);
});
