import assert from "node:assert/strict";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { StateError, type StateErrorCode } from "../../src/state/errors.ts";

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const bytesOf = (value: string) => new TextEncoder().encode(value);

function withCode(code: StateErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StateError, String(error));
    assert.equal(error.code, code);
    return true;
  };
}

async function inTemporaryFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const mayAskForUser = await Deno.permissions.query({ name: "sys", kind: "uid" });
/** Only root can give a folder to another user. */
const isRoot = mayAskForUser.state === "granted" && Deno.uid() === 0;

Deno.test("a missing data directory is created with its parents, for the owner alone", () =>
  inTemporaryFolder(async (folder) => {
    using directory = await DataDirectory.open(`${folder}/a/b`);
    assert.equal(directory.path, `${folder}/a/b`);
    assert.equal(((await Deno.stat(directory.path)).mode ?? 0) & 0o777, 0o700);
  }));

Deno.test("the mode of an existing data directory is tightened", () =>
  inTemporaryFolder(async (folder) => {
    await Deno.chmod(folder, 0o755);
    using _directory = await DataDirectory.open(folder);
    assert.equal(((await Deno.stat(folder)).mode ?? 0) & 0o777, 0o700);
  }));

Deno.test({
  name: "a data directory of another user is refused",
  ignore: !isRoot,
  fn: () =>
    inTemporaryFolder(async (folder) => {
      await Deno.chown(folder, 65534, 65534);
      await assert.rejects(DataDirectory.open(folder), withCode("data-directory-not-private"));
    }),
});

Deno.test("a file or a link in the place of the data directory is refused", () =>
  inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    await Deno.symlink(folder, `${folder}/link`);
    for (const name of ["file", "link", "file/below"]) {
      await assert.rejects(
        DataDirectory.open(`${folder}/${name}`),
        withCode("data-directory-unusable"),
      );
    }
  }));

Deno.test("a data directory has one holder at a time", () =>
  inTemporaryFolder(async (folder) => {
    const first = await DataDirectory.open(folder);
    await assert.rejects(DataDirectory.open(folder), (error) => {
      assert.ok(error instanceof StateError);
      assert.equal(error.code, "data-directory-locked");
      assert.match(error.advice ?? "", /--data-dir/);
      return true;
    });
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    using _second = await DataDirectory.open(folder);
  }));

Deno.test("another process is refused while the lock is held, and permissions for the folder suffice", () =>
  inTemporaryFolder(async (outside) => {
    const folder = `${outside}/data`;
    const module = new URL("../../src/state/data_directory.ts", import.meta.url).href;
    const script = `${outside}/open.ts`;
    await Deno.writeTextFile(
      script,
      `import { DataDirectory } from ${JSON.stringify(module)};
       try {
         using directory = await DataDirectory.open(${JSON.stringify(folder)});
         await directory.write("file", new TextEncoder().encode("written"));
         await directory.append("file", new TextEncoder().encode(" and appended"));
         const bytes = await directory.read("file", 100);
         await directory.remove("absent");
         await directory.write("odd", new Uint8Array(1));
         await directory.setAside("odd", 0);
         console.log(new TextDecoder().decode(bytes));
       } catch (error) {
         console.log(error.code);
       }`,
    );
    const run = async () => {
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "--no-prompt",
          `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
          "--no-check",
          `--allow-read=${folder}`,
          `--allow-write=${folder}`,
          script,
        ],
      }).output();
      return new TextDecoder().decode(stdout).trim() + new TextDecoder().decode(stderr);
    };
    {
      using directory = await DataDirectory.open(folder);
      assert.equal(await run(), "data-directory-locked");
      assert.equal(await directory.read("file", 100), undefined);
    }
    assert.equal(await run(), "written and appended");
  }));

Deno.test("a file is read back as it was written, with mode 0600, and replaced whole", () =>
  inTemporaryFolder(async (folder) => {
    using directory = await DataDirectory.open(folder);
    assert.equal(await directory.read("state.json", 10), undefined);
    await directory.write("state.json", bytesOf("a longer text"));
    await directory.write("state.json", bytesOf("short"));
    assert.equal(text(await directory.read("state.json", 5)), "short");
    assert.equal(((await Deno.stat(`${folder}/state.json`)).mode ?? 0) & 0o777, 0o600);
    await assert.rejects(directory.read("state.json", 4), withCode("state-file-too-large"));
    await directory.remove("state.json");
    await directory.remove("state.json");
    assert.equal(await directory.read("state.json", 10), undefined);
  }));

Deno.test("writes of one name take turns and the last one wins", () =>
  inTemporaryFolder(async (folder) => {
    using directory = await DataDirectory.open(folder);
    const sizes = Array.from({ length: 20 }, (_, index) => 200_000 - index * 10_000);
    await Promise.all(
      sizes.map((size, index) => directory.write("big", new Uint8Array(size).fill(index))),
    );
    const bytes = await directory.read("big", 1_000_000);
    assert.deepEqual(bytes, new Uint8Array(sizes[19]).fill(19));
    const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
    assert.deepEqual(names, ["big", "lock"]);
  }));

Deno.test("a failed write leaves the old file, no rest, and the next write works", () =>
  inTemporaryFolder(async (folder) => {
    using directory = await DataDirectory.open(folder);
    // A folder in the way of the temporary file makes creating it fail.
    await Deno.mkdir(`${folder}/name.tmp`);
    await Deno.writeTextFile(`${folder}/name.tmp/inside`, "");
    await Deno.writeTextFile(`${folder}/name`, "old");
    await assert.rejects(
      directory.write("name", bytesOf("new")),
      withCode("state-file-unwritable"),
    );
    assert.equal(text(await directory.read("name", 10)), "old");
    await Deno.remove(`${folder}/name.tmp`, { recursive: true });
    await directory.write("name", bytesOf("new"));
    assert.equal(text(await directory.read("name", 10)), "new");
  }));

Deno.test("what is appended comes after what was there", () =>
  inTemporaryFolder(async (folder) => {
    using directory = await DataDirectory.open(folder);
    await Promise.all([1, 2, 3].map((part) => directory.append("journal", bytesOf(`${part};`))));
    assert.equal(text(await directory.read("journal", 10)), "1;2;3;");
    assert.equal(((await Deno.stat(`${folder}/journal`)).mode ?? 0) & 0o777, 0o600);
  }));

Deno.test("what a crash left half written is removed at the next open", () =>
  inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/state.json`, "whole");
    await Deno.writeTextFile(`${folder}/state.json.tmp`, "ha");
    using directory = await DataDirectory.open(folder);
    assert.equal(text(await directory.read("state.json", 10)), "whole");
    const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
    assert.deepEqual(names, ["lock", "state.json"]);
  }));

Deno.test("setting aside renames with the time, and never over an earlier one", () =>
  inTemporaryFolder(async (folder) => {
    using directory = await DataDirectory.open(folder);
    const now = Date.UTC(2026, 10, 23, 19, 15, 4, 567);
    await directory.write("state.json", bytesOf("first"));
    const first = await directory.setAside("state.json", now);
    await directory.write("state.json", bytesOf("second"));
    const second = await directory.setAside("state.json", now);
    assert.equal(first, "state.json.corrupt-2026-11-23T191504Z");
    assert.equal(second, "state.json.corrupt-2026-11-23T191504Z-2");
    assert.equal(text(await directory.read(first, 10)), "first");
    assert.equal(text(await directory.read(second, 10)), "second");
    await assert.rejects(
      directory.setAside("state.json", now),
      withCode("state-file-unwritable"),
    );
  }));

Deno.test("names that are not plain file names are refused", () =>
  inTemporaryFolder(async (folder) => {
    using directory = await DataDirectory.open(folder);
    const names = ["", ".", "..", "a/b", "a\\b", "/etc/passwd", "a\0b", "lock", "x.tmp", "-x", "é"];
    for (const name of [...names, "x".repeat(101)]) {
      await assert.rejects(directory.read(name, 10), withCode("state-file-name-invalid"));
      await assert.rejects(
        directory.write(name, new Uint8Array(1)),
        withCode("state-file-name-invalid"),
      );
    }
  }));

Deno.test("a closed data directory refuses everything", () =>
  inTemporaryFolder(async (folder) => {
    const directory = await DataDirectory.open(folder);
    directory[Symbol.dispose]();
    await assert.rejects(directory.read("a", 1), withCode("data-directory-closed"));
    await assert.rejects(
      directory.write("a", new Uint8Array(1)),
      withCode("data-directory-closed"),
    );
  }));
