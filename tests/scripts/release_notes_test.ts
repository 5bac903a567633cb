import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { NotReady, releaseNotes } from "../../scripts/release_notes.ts";
import { runTask } from "./project_task.ts";

const CHANGES = `# Changes

## [Unreleased]

- Later.

## [0.2.0] - 2026-12-01

### Added

- Something.

## [0.1.0] - 2026-11-23

[0.2.0]: https://example.com/0.2.0
`;

Deno.test("the notes are the section of the version", () => {
  assert.equal(releaseNotes("v0.2.0", "0.2.0", CHANGES), "### Added\n\n- Something.\n");
});

Deno.test("a release is not ready without its tag, its section, or anything in that", () => {
  assert.throws(() => releaseNotes("v0.2.1", "0.2.0", CHANGES), NotReady);
  assert.throws(() => releaseNotes("0.2.0", "0.2.0", CHANGES), /tag 0\.2\.0/);
  assert.throws(() => releaseNotes("v0.3.0", "0.3.0", CHANGES), /no section/);
  assert.throws(() => releaseNotes("v0.1.0", "0.1.0", CHANGES), /is empty/);
});

Deno.test("this version has notes", async () => {
  const { code, stdout } = await runTask("release-notes", [`v${project.version}`]);
  assert.equal(code, 0);
  assert.match(stdout, /^### /m);
  assert.equal((await runTask("release-notes", ["v0.0.0"])).code, 1);
});
