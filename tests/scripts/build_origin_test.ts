import assert from "node:assert/strict";
import { buildModule, describeOrigin } from "../../scripts/build_origin.ts";

const SOURCES = { commit: "c0ffee", commitTime: "1700000000", changed: false, epoch: undefined };

Deno.test("the origin is the commit and its date", () => {
  assert.deepEqual(describeOrigin(SOURCES), { commit: "c0ffee", date: "2023-11-14T22:13:20Z" });
});

Deno.test("SOURCE_DATE_EPOCH counts more, and a tree with changes says so", () => {
  const origin = describeOrigin({ ...SOURCES, epoch: "0", changed: true });
  assert.deepEqual(origin, { commit: "c0ffee-changed", date: "1970-01-01T00:00:00Z" });
});

Deno.test("what is not known is left away, and no time of the build takes its place", () => {
  const origin = describeOrigin({ ...SOURCES, commit: undefined, commitTime: undefined });
  assert.deepEqual(origin, {});
});

Deno.test("a SOURCE_DATE_EPOCH that is no time is refused", () => {
  for (const epoch of ["", "yesterday", "-1", "1e9"]) {
    assert.throws(() => describeOrigin({ ...SOURCES, epoch }), RangeError);
  }
});

Deno.test("the module of a build has the facts in the place of those of the source", async () => {
  const build = { form: "portable", commit: "c0ffee", dataDirectory: 'a"b' } as const;
  const code = buildModule(build);
  const { BUILD } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  assert.deepEqual(BUILD, build);
});
