import assert from "node:assert/strict";
import type { Build } from "../../src/runtime/build.ts";
import {
  dataDirectoryAdvice,
  grantAdvice,
  missingPermission,
  readFlag,
  writeFlag,
} from "../../src/runtime/permission_flags.ts";

const SOURCE: Build = { form: "source", dataDirectory: "./chive-data" };
const EXECUTABLE: Build = { ...SOURCE, form: "executable" };
const PORTABLE: Build = { ...SOURCE, form: "portable" };

Deno.test("flags are written as a shell takes them", () => {
  assert.equal(readFlag("/var/lib/chive"), "--allow-read=/var/lib/chive");
  assert.equal(writeFlag("a b"), "'--allow-write=a b'");
  assert.equal(readFlag("it's"), "'--allow-read=it'\\''s'");
  assert.equal(readFlag("$HOME;x"), "'--allow-read=$HOME;x'");
});

Deno.test("from source a flag is added; any other copy has to be built anew", () => {
  const flags = [readFlag("/x"), writeFlag("/x")];
  assert.equal(
    grantAdvice(flags, SOURCE),
    "add --allow-read=/x --allow-write=/x to the flags of Deno",
  );
  assert.match(
    grantAdvice(flags, EXECUTABLE),
    / 'deno task compile --allow-read=\/x --allow-write=\/x'$/,
  );
  assert.match(grantAdvice(flags, PORTABLE), / 'deno task compile --portable --allow-read=\/x /);
});

Deno.test("another data directory is two flags, or one argument of the build", () => {
  assert.match(dataDirectoryAdvice("/x", SOURCE), / --allow-read=\/x --allow-write=\/x /);
  assert.match(
    dataDirectoryAdvice("/a b", EXECUTABLE),
    / \.\/chive-data alone: .* 'deno task compile --data-dir '\/a b''$/,
  );
});

const DENIED: readonly (readonly [attempt: () => unknown, flag: string])[] = [
  [() => Deno.readTextFileSync("/etc/some file"), "'--allow-read=/etc/some file'"],
  [() => Deno.writeTextFileSync("/nowhere/x", ""), "--allow-write=/nowhere/x"],
  [() => Deno.env.get("HOME"), "--allow-env=HOME"],
  [() => Deno.hostname(), "--allow-sys"],
  [() => Deno.listen({ port: 0 }), "--allow-net"],
  [() => new Deno.Command("true").outputSync(), "--allow-run=true"],
];

for (const [attempt, flag] of DENIED) {
  Deno.test({
    name: `what Deno refuses becomes the flag ${flag}`,
    permissions: "none",
    fn: () => {
      try {
        attempt();
      } catch (error) {
        const wrapped = new Error("outer", { cause: error });
        assert.equal(
          missingPermission(wrapped, SOURCE),
          `chive was started without permission for it: add ${flag} to the flags of Deno.`,
        );
        return;
      }
      assert.fail("it was not refused");
    },
  });
}

Deno.test("other errors are no matter of permissions", () => {
  assert.equal(missingPermission(new Deno.errors.PermissionDenied("not yours")), undefined);
  assert.equal(missingPermission(undefined), undefined);
});
