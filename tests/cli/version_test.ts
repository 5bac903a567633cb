import assert from "node:assert/strict";
import { VERSION, versionLine } from "../../src/cli/version.ts";

Deno.test("from source the version is all that is known", () => {
  assert.equal(versionLine(), `chive ${VERSION}`);
  assert.match(VERSION, /^\d+\.\d+\.\d+$/);
});

Deno.test("what was built says its commit and the date of it", () => {
  const build = { form: "executable", dataDirectory: "./chive-data", commit: "0a1b" } as const;
  assert.equal(versionLine(build), `chive ${VERSION} (commit 0a1b)`);
  const dated = { ...build, date: "2026-11-24T04:00:00Z" };
  assert.equal(versionLine(dated), `chive ${VERSION} (commit 0a1b, 2026-11-24T04:00:00Z)`);
});
