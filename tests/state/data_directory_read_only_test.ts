import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { StateError } from "../../src/state/errors.ts";
import { mayMount, runWithMount } from "./mounts.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

for (const wasUsed of [false, true]) {
  const what = wasUsed
    ? "a data directory that became read-only"
    : "a new data directory, read-only";
  Deno.test({
    name: `${what}, is refused at the start in clear words (needs root)`,
    ignore: !mayMount,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        if (wasUsed) (await DataDirectory.open(folder))[Symbol.dispose]();
        const { code, output, errors } = await runWithMount(
          folder,
          'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"',
          [
            `--config=${ROOT}deno.json`,
            "--allow-net",
            `--allow-read=${folder}`,
            `--allow-write=${folder}`,
            "--unsafely-ignore-certificate-errors=192.0.2.1",
            `${ROOT}main.ts`,
            "--data-dir",
            folder,
            "--socks-port",
            "0",
          ],
        );
        assert.notEqual(code, 0);
        assert.match(output + errors, /the file system is read-only/);
        assert.match(output + errors, /--data-dir/);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Makes a folder that not even root can change; whether that worked. */
async function setImmutable(folder: string, isImmutable: boolean): Promise<boolean> {
  try {
    const args = [isImmutable ? "+i" : "-i", folder];
    const options = { args, stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command("chattr", options).output()).success;
  } catch {
    return false;
  }
}

const mayForbid = await (async () => {
  const folder = await Deno.makeTempDir();
  const worked = await setImmutable(folder, true);
  await setImmutable(folder, false);
  await Deno.remove(folder);
  return worked;
})();

Deno.test({
  name: "a data directory that this user may not write to is refused (needs root and chattr)",
  ignore: !mayForbid,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      (await DataDirectory.open(folder))[Symbol.dispose]();
      await setImmutable(folder, true);
      await assert.rejects(DataDirectory.open(folder), (error) => {
        assert.ok(error instanceof StateError);
        assert.equal(error.code, "data-directory-read-only");
        assert.match(error.message, /this user may not write there/);
        assert.match(error.advice ?? "", /--data-dir/);
        return true;
      });
    } finally {
      await setImmutable(folder, false);
      await Deno.remove(folder, { recursive: true });
    }
  },
});
