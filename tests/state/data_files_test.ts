import assert from "node:assert/strict";
import { BUILD_TIME_DOCUMENT } from "../../src/circuit/build_time_document.ts";
import { DORMANT_DOCUMENT } from "../../src/client/dormant_document.ts";
import { GUARD_DOCUMENT } from "../../src/guard/guard_document.ts";
import { DATA_FILES, DIRECTORY_FORMAT, refuseNewerFiles } from "../../src/state/data_files.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { StateError } from "../../src/state/errors.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const isNewer = (error: unknown) =>
  error instanceof StateError && error.code === "state-file-newer";

Deno.test("documents have the names and versions of the table", () => {
  const documents = [GUARD_DOCUMENT, BUILD_TIME_DOCUMENT, DORMANT_DOCUMENT];
  const { guardState, circuitBuildTimes, dormantState } = DATA_FILES;
  assert.deepEqual(
    documents.map(({ name, version }) => ({ name, version })),
    [guardState, circuitBuildTimes, dormantState],
  );
  for (const { initial, version } of documents) assert.equal(initial().version, version);
});

Deno.test("the lock file says the directory's format, and keeps saying it", () =>
  inFolder(async (folder) => {
    const lock = `${folder}/lock`;
    for (
      const before of [undefined, "", '{"ver', `${DIRECTORY_FORMAT}and more`, "x".repeat(5000)]
    ) {
      if (before !== undefined) await Deno.writeTextFile(lock, before);
      (await DataDirectory.open(folder))[Symbol.dispose]();
      assert.equal(await Deno.readTextFile(lock), DIRECTORY_FORMAT, before);
    }
    assert.deepEqual(JSON.parse(DIRECTORY_FORMAT).version, DATA_FILES.directory.version);
    const { mtime } = await Deno.stat(lock);
    (await DataDirectory.open(folder))[Symbol.dispose]();
    assert.deepEqual((await Deno.stat(lock)).mtime, mtime, "it is not written again");
  }));

for (const { name, version } of Object.values(DATA_FILES)) {
  const written = name.startsWith("cached-")
    ? (number: number | string) =>
      `${name === "cached-certs" ? "dir-key-certificate" : "network-status"}-version ${number}\n`
    : (number: number | string) => `{\n  "version": ${number},\n  "more": [2, 3]\n}\n`;

  Deno.test(`${name}: what is newer is refused, and nothing else`, () =>
    inFolder(async (folder) => {
      const check = async (text: string) => {
        await Deno.writeTextFile(`${folder}/${name}`, text);
        await refuseNewerFiles(folder);
      };
      for (const number of [version + 1, 10 * version, 999_999_999]) {
        await assert.rejects(check(written(number)), isNewer);
      }
      const fine = [version, 1, 0, -5, "1e9", '"9"', "9".repeat(10), "x", ""].map(written);
      for (const text of [...fine, "", "\0\xff", " version 9", '{"a": {"version": 9}}']) {
        await check(text);
      }
    }));
}

Deno.test("what is not there or cannot be read is for others to tell", () =>
  inFolder(async (folder) => {
    await refuseNewerFiles(`${folder}/absent`);
    for (const { name } of Object.values(DATA_FILES)) await Deno.mkdir(`${folder}/${name}`);
    await refuseNewerFiles(folder);
    await Deno.writeTextFile(`${folder}/file`, "");
    await refuseNewerFiles(`${folder}/file`);
  }));
