/** `import-state` as people start it, with a state file as C tor writes it. */
import assert from "node:assert/strict";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { chive, inFolder } from "./program.ts";

const CONFIRMED = "A".repeat(40);
const SAMPLED = "B".repeat(40);
const OTHER = "C".repeat(40);

/** A time as C tor writes it, some days ago. */
function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 19);
}

function guard(rsaIdentity: string, confirmed: string): string {
  return `Guard in=default rsa_id=${rsaIdentity} nickname=relay sampled_on=${daysAgo(9)} ` +
    `sampled_idx=0 sampled_by=0.4.9.11 listed=1 ${confirmed}`;
}

function confirmation(): string {
  return `confirmed_on=${daysAgo(5)} confirmed_idx=0`;
}

/** C tor's state with one confirmed guard, one sampled guard, and lines about other things. */
function torState(): string {
  return [
    "# Tor state file last generated on 2026-11-20 12:00:00 local time",
    "# You *do not* need to edit this file.",
    "",
    "TotalBuildTimes 2",
    "CircuitBuildTimeBin 325 2",
    guard(CONFIRMED, confirmation()),
    guard(SAMPLED, ""),
    "Guard in=bridges rsa_id=" + OTHER + ` bridge_addr=192.0.2.1:443 sampled_on=${daysAgo(9)}`,
    "Guard in=default nickname=nobody",
    "TorVersion Tor 0.4.9.11",
    "",
  ].join("\n");
}

/** Runs `import-state` with permission for `folder` alone; its exit code and what it printed. */
async function importState(folder: string, ...args: string[]): Promise<[number, string]> {
  await using child = chive(folder, [], ["import-state", ...args]);
  const { code } = await child.ended;
  return [code, child.log.trimEnd()];
}

async function stateOf(folder: string): Promise<string> {
  return await Deno.readTextFile(`${folder}/guard_state.json`);
}

Deno.test("import-state takes over the guards and says how many", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/state`, torState());
    const data = `${folder}/data`;
    assert.deepEqual(await importState(folder, `${folder}/state`, "--data-dir", data), [
      0,
      "Imported 2 guards, 1 of them confirmed.\n" +
      "Skipped 1 bridge: chive has none.\n" +
      "Skipped 1 line about a guard that makes no sense.",
    ]);
    const written = await stateOf(data);
    assert.ok(written.includes(CONFIRMED) && written.includes(SAMPLED) && !written.includes(OTHER));
    if (Deno.build.os !== "windows") {
      assert.equal(((await Deno.stat(`${data}/guard_state.json`)).mode ?? 0) & 0o777, 0o600);
    }
  }));

Deno.test("import-state takes the folder of the state, and the data directory of a torrc", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tor`);
    await Deno.writeTextFile(`${folder}/tor/state`, torState());
    await Deno.writeTextFile(`${folder}/torrc`, `DataDirectory ${folder}/from torrc\n`);
    const [code, said] = await importState(folder, `${folder}/tor`, "-f", `${folder}/torrc`);
    assert.equal(code, 0, said);
    assert.ok((await stateOf(`${folder}/from torrc`)).includes(CONFIRMED));
  }));

Deno.test("import-state replaces guards that were used only when told to", () =>
  inFolder(async (folder) => {
    const file = `${folder}/state`;
    const args = [file, "--data-dir", `${folder}/data`];
    await Deno.writeTextFile(file, torState());
    assert.equal((await importState(folder, ...args))[0], 0);
    await Deno.writeTextFile(file, guard(OTHER, confirmation()));
    const [refused, said] = await importState(folder, ...args);
    assert.equal(refused, 1);
    assert.match(said, /^chive: .*\nchive: .*--replace\.$/);
    assert.ok((await stateOf(`${folder}/data`)).includes(CONFIRMED));
    const replaced = await importState(folder, ...args, "--replace");
    assert.deepEqual(replaced, [0, "Imported 1 guard, 1 of them confirmed."]);
    const written = await stateOf(`${folder}/data`);
    assert.ok(written.includes(OTHER) && !written.includes(CONFIRMED));
  }));

Deno.test("import-state without permission to read names the flag", () =>
  inFolder(async (folder) => {
    const elsewhere = `${folder} elsewhere`;
    const [code, said] = await importState(folder, elsewhere, "--data-dir", `${folder}/data`);
    assert.equal(code, 1);
    assert.equal(said.split("\n").length, 1, said);
    assert.ok(said.includes(` '--allow-read=${folder} elsewhere' `), said);
  }));

Deno.test("import-state of a file that is missing, too large or without guards ends with 1", () =>
  inFolder(async (folder) => {
    const data = ["--data-dir", `${folder}/data`];
    await Deno.writeTextFile(`${folder}/none`, "TorVersion Tor 0.4.9.11\n");
    await Deno.writeTextFile(`${folder}/large`, "#".repeat(5 * 1024 * 1024));
    const cases = [["missing", /missing/], ["none", /state/], ["large", /too large/]] as const;
    for (const [name, says] of cases) {
      const [code, said] = await importState(folder, `${folder}/${name}`, ...data);
      assert.equal(code, 1, name);
      assert.match(said, /^chive: [^\n]*$/);
      assert.match(said, says);
    }
    await assert.rejects(stateOf(`${folder}/data`), Deno.errors.NotFound);
  }));

Deno.test("import-state waits for no client that runs: it ends with 1", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/state`, torState());
    using _running = await DataDirectory.open(`${folder}/data`);
    const [code, said] = await importState(
      folder,
      `${folder}/state`,
      "--data-dir",
      `${folder}/data`,
    );
    assert.equal(code, 1);
    assert.match(said, /^chive: .*data directory.*$/);
  }));

Deno.test("import-state without a path is a wrong option", () =>
  inFolder(async (folder) => {
    const [code, said] = await importState(folder, "--data-dir", `${folder}/data`);
    assert.equal(code, 2);
    assert.match(said, /^chive: .*import-state.*$/);
  }));
