import assert from "node:assert/strict";
import { RELEASED } from "../../src/netdoc/client_protocols.ts";
import { VERSION } from "./make_golden.ts";

const TEXT = await Deno.readTextFile(new URL("../../CHANGELOG.md", import.meta.url));
const HEADINGS = [...TEXT.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);

Deno.test("the changelog begins with what is not released, and then has this version", () => {
  const date = new Date(RELEASED).toISOString().slice(0, 10);
  assert.deepEqual(HEADINGS.slice(0, 2), ["[Unreleased]", `[${VERSION}] - ${date}`]);
});

Deno.test("each release has a date and something to say, the newest first", () => {
  const releases = HEADINGS.slice(1).map((heading) => {
    const [, version, date] = /^\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$/.exec(heading) ?? [];
    assert.ok(version && date, heading);
    const [, section] = TEXT.split(`## ${heading}\n`);
    assert.match(
      section.split("\n## ")[0],
      /^### (Added|Changed|Deprecated|Removed|Fixed|Security)$/m,
    );
    return { version, date };
  });
  const dates = releases.map(({ date }) => date);
  assert.deepEqual(dates, dates.toSorted().toReversed());
  assert.equal(new Set(releases.map(({ version }) => version)).size, releases.length);
});
