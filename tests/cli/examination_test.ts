import assert from "node:assert/strict";
import {
  examineClock,
  examineDataDirectory,
  examineLaunch,
  type Finding,
} from "../../src/cli/examination.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { inFolder } from "./program.ts";

const NOW = Date.UTC(2026, 11, 24, 12, 30);
const HOUR = 3_600_000;

function kinds(findings: readonly Finding[]): string[] {
  return findings.map(({ kind }) => kind);
}

Deno.test("the launch is right where the flag is, and permissions that are not needed are named", async () => {
  const findings = await examineLaunch("/nonexistent");
  assert.deepEqual(kinds(findings), ["ok", "ok", "note"]);
  assert.match(findings[2].what, /not needed: run, ffi, env/);
});

Deno.test("a data directory is there, or not yet, or in use, or no folder", () =>
  inFolder(async (folder) => {
    const path = `${folder}/data`;
    const missing = await examineDataDirectory(path);
    assert.deepEqual([kinds(missing.findings), missing.inUse], [["ok"], false]);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);

    await Deno.mkdir(path, { mode: 0o755 });
    const open = await examineDataDirectory(path);
    assert.deepEqual(kinds(open.findings), ["note", "ok"]);

    await Deno.writeTextFile(`${path}/guard_state.json.corrupt-2026`, "");
    const aside = await examineDataDirectory(path);
    assert.deepEqual(kinds(aside.findings), ["ok", "note"]);

    using _running = await DataDirectory.open(path);
    const used = await examineDataDirectory(path);
    assert.deepEqual([kinds(used.findings), used.inUse], [["ok"], true]);

    await Deno.writeTextFile(`${folder}/file`, "");
    const file = await examineDataDirectory(`${folder}/file`);
    assert.deepEqual(kinds(file.findings), ["problem"]);
    assert.ok(file.findings[0].advice !== undefined);
  }));

/** Writes the beginning of a consensus that is valid for three hours from `validAfter` on. */
async function writeConsensus(folder: string, validAfter: number): Promise<void> {
  const written = (time: number) => new Date(time).toISOString().slice(0, 19).replace("T", " ");
  await Deno.writeTextFile(
    `${folder}/cached-microdesc-consensus`,
    `network-status-version 3 microdesc\nvote-status consensus\nconsensus-method 33\n` +
      `valid-after ${written(validAfter)}\nfresh-until ${written(validAfter + HOUR)}\n` +
      `valid-until ${written(validAfter + 3 * HOUR)}\n`,
  );
}

Deno.test("the clock is compared with the release and with the consensus at hand", () =>
  inFolder(async (folder) => {
    const look = (now = NOW) => examineClock(folder, now);
    assert.deepEqual((await look()).kind, "ok");
    assert.match((await look()).what, /no consensus to compare/);
    assert.equal((await look(Date.UTC(2020, 0, 1))).kind, "problem");

    await writeConsensus(folder, NOW - HOUR);
    assert.match((await look()).what, /as the consensus does/);
    await writeConsensus(folder, NOW + 5 * HOUR);
    const behind = await look();
    assert.equal(behind.kind, "problem");
    assert.match(behind.what, /5 hours behind/);
    await writeConsensus(folder, NOW - 50 * HOUR);
    const old = await look();
    assert.equal(old.kind, "note");
    assert.match(old.what, /ended 1 day, 23 hours before/);

    await Deno.writeTextFile(`${folder}/cached-microdesc-consensus`, "valid-after nonsense");
    assert.match((await look()).what, /no consensus to compare/);
  }));
