import assert from "node:assert/strict";
import { checkLines } from "../../src/cli/checked_lines.ts";
import { buildConfig } from "../../src/config/build.ts";
import { findOption } from "../../src/config/options.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { DEPLOY, readText, readTorrc } from "./deploy_files.ts";

const FILES = ["docker/torrc", "kubernetes/base/torrc", "systemd/torrc"];

Deno.test("every torrc in deploy/ is tested", () => {
  const found: string[] = [];
  const look = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(DEPLOY + folder)) {
      if (isDirectory) look(`${folder}${name}/`);
      else if (/torrc/.test(name)) found.push(folder + name);
    }
  };
  look("");
  assert.deepEqual(found.toSorted(), FILES);
});

for (const file of FILES) {
  Deno.test(`${file}: every option is known, and also those that are commented out`, () => {
    // An option that is commented out has no space after the mark.
    const text = readText(file).replaceAll(/^#(?=[A-Z])/gm, "");
    const { lines, faults } = checkLines({ path: file, text }, []);
    assert.deepEqual(faults, []);
    assert.deepEqual(lines.flatMap(({ fault }) => fault ?? []), []);
    assert.ok(lines.length >= 3);
  });
}

Deno.test("the service listens on this machine alone, and is warned of nothing", () => {
  const { remarks } = checkLines({ path: "torrc", text: readText("systemd/torrc") }, []);
  assert.deepEqual(remarks, []);
  const { socksPorts, metrics } = readTorrc("systemd/torrc");
  assert.deepEqual(socksPorts.map(({ place }) => place), [
    { kind: "tcp", hostname: "127.0.0.1", port: 9050 },
  ]);
  assert.deepEqual(metrics.ports, []);
});

Deno.test("notes: every option that they name is one, and every file is there", () => {
  for (const folder of ["", "windows/"]) {
    const text = readText(`${folder}README.md`);
    for (const [, name] of text.matchAll(/ --([A-Z][A-Za-z]+) /g)) {
      assert.ok(findOption(name) !== undefined, name);
    }
    for (const [, name] of text.matchAll(/`(\w+(?:Port|Policy|Hosts))`/g)) {
      assert.ok(findOption(name) !== undefined, name);
    }
    for (const [, path] of text.matchAll(/\]\(([^):]+)\)/g)) Deno.statSync(DEPLOY + folder + path);
  }
});

Deno.test("the log file of the notes is in the data directory, which alone can be written to", () => {
  const [, value = ""] = /`--Log "([^"]+)"`/.exec(readText("windows/README.md")) ?? [];
  const { logs } = buildConfig([parseTorrc(`Log ${value}`, "notes")]).config;
  assert.match(JSON.stringify(logs), /"chive-data\\\\chive\.log"/);
});
