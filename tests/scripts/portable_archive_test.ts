import assert from "node:assert/strict";
import { unzipSync } from "fflate";
import { unpackTar } from "modern-tar";
import { gunzipSync } from "node:zlib";
import { type ArchiveFile, tarArchive, zipArchive } from "../../scripts/portable_archive.ts";

const TIME = new Date("2026-11-24T04:00:00Z");
const FILES: readonly ArchiveFile[] = [
  file("chive/lib/program/main.js", "the program", false),
  file("chive/chive", "the launcher", true),
  file(`chive/${"long".repeat(40)}`, "", false),
];

function file(path: string, text: string, executable: boolean): ArchiveFile {
  return { path, bytes: new TextEncoder().encode(text), executable };
}

Deno.test("a .tar.gz has the files with their modes, belonging to root", async () => {
  const entries = await unpackTar(gunzipSync(await tarArchive(FILES, TIME)));
  const found = entries.map(({ header: { name, mode, uid, mtime }, data }) => ({
    name,
    mode,
    uid,
    time: mtime?.getTime(),
    text: new TextDecoder().decode(data),
  }));
  const common = { uid: 0, time: TIME.getTime() };
  assert.deepEqual(found, [
    { name: "chive/chive", mode: 0o755, text: "the launcher", ...common },
    { name: "chive/lib/program/main.js", mode: 0o644, text: "the program", ...common },
    { name: `chive/${"long".repeat(40)}`, mode: 0o644, text: "", ...common },
  ]);
});

Deno.test("a .zip has the files", () => {
  const entries = unzipSync(zipArchive(FILES, TIME));
  const texts = Object.entries(entries).map(([name, data]) => [
    name,
    new TextDecoder().decode(data),
  ]);
  assert.deepEqual(Object.fromEntries(texts), {
    "chive/chive": "the launcher",
    "chive/lib/program/main.js": "the program",
    [`chive/${"long".repeat(40)}`]: "",
  });
});

Deno.test("the order in which files are given makes no difference, nor does the time of the build", async () => {
  const other = FILES.toReversed();
  assert.deepEqual(await tarArchive(FILES, TIME), await tarArchive(other, TIME));
  assert.deepEqual(zipArchive(FILES, TIME), zipArchive(other, TIME));
});

Deno.test("a time before there were zip files becomes the first that they can tell", () => {
  assert.deepEqual(Object.keys(unzipSync(zipArchive(FILES, new Date(0)))).length, 3);
});
