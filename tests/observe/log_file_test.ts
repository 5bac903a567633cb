import assert from "node:assert/strict";
import { ObserveError } from "../../src/observe/errors.ts";
import { LogFile, type RotationOptions } from "../../src/observe/log_file.ts";

/** Runs a test with the path of a log file in a folder of its own. */
async function withPath(run: (path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    run(`${folder}/log`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Writes lines as a sink does; gives what the file had to say. */
function writeLines(path: string, rotation: RotationOptions, lines: readonly string[]): string[] {
  const file = new LogFile(path, rotation);
  const said: string[] = [];
  for (const line of lines) {
    const bytes = new TextEncoder().encode(`${line}\n`);
    said.push(...[file.beginLine(bytes.length)].filter((each) => each !== undefined));
    file.writeSync(bytes);
  }
  file.close();
  return said;
}

function read(path: string): string {
  return Deno.readTextFileSync(path).trimEnd().replaceAll("\n", " ");
}

Deno.test("LogFile: a full file is put aside before the next line, and the oldest one goes", () =>
  withPath((path) => {
    const said = writeLines(path, { maxSize: 6, keep: 2 }, "aa bb cc dd ee ff gg".split(" "));
    assert.deepEqual(said, []);
    assert.deepEqual(
      [read(path), read(`${path}.1`), read(`${path}.2`)],
      ["gg", "ee ff", "cc dd"],
    );
    assert.throws(() => Deno.statSync(`${path}.3`), Deno.errors.NotFound);
  }));

Deno.test("LogFile: what was in the file before counts", () =>
  withPath((path) => {
    Deno.writeTextFileSync(path, "older\n");
    writeLines(path, { maxSize: 6, keep: 1 }, ["new"]);
    assert.deepEqual([read(path), read(`${path}.1`)], ["new", "older"]);
  }));

Deno.test("LogFile: with nothing to keep the file is begun anew", () =>
  withPath((path) => {
    writeLines(path, { maxSize: 6, keep: 0 }, ["aa", "bb", "cc"]);
    assert.equal(read(path), "cc");
    assert.deepEqual([...Deno.readDirSync(path.replace(/\/log$/, ""))].length, 1);
  }));

Deno.test("LogFile: without a largest size it grows, and a line of any length is written", () =>
  withPath((path) => {
    writeLines(path, { maxSize: 0, keep: 2 }, Array(50).fill("a line"));
    assert.equal(Deno.statSync(path).size, 350);
    writeLines(path, { maxSize: 6, keep: 2 }, ["a line that is longer than a file may be"]);
    assert.match(read(path), /^a line that is longer/);
  }));

Deno.test("LogFile: all files are for their owner alone", {
  ignore: Deno.build.os === "windows",
}, () =>
  withPath((path) => {
    writeLines(path, { maxSize: 3, keep: 1 }, ["aa", "bb"]);
    for (const each of [path, `${path}.1`]) {
      assert.equal((Deno.statSync(each).mode ?? 0) & 0o777, 0o600);
    }
  }));

Deno.test("LogFile: where files cannot be renamed it says so, seldom, and goes on", () =>
  withPath((path) => {
    // A folder that is not empty stands in the place of the file that is put aside.
    Deno.mkdirSync(`${path}.1/x`, { recursive: true });
    const lines = Array.from({ length: 10 }, (_, number) => `${number}${number}`);
    const said = writeLines(path, { maxSize: 9, keep: 1 }, lines);
    assert.equal(read(path), lines.join(" "));
    assert.equal(said.length, 3);
    assert.match(said[0], /cannot be put aside/);
  }));

Deno.test("LogFile: a file that cannot be opened is an error", () =>
  withPath((path) =>
    assert.throws(
      () => new LogFile(`${path}/no`, { maxSize: 0, keep: 0 }),
      (error) => error instanceof ObserveError && error.code === "log-file-unwritable",
    )
  ));
