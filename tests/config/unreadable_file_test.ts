import assert from "node:assert/strict";
import { readFailure, unreadableFile } from "../../src/config/unreadable_file.ts";

const DENIED = new Deno.errors.NotCapable("no");

const FLAGS: readonly (readonly [path: string, flag: string])[] = [
  ["/usr/share/tor/geoip", "--allow-read=/usr/share/tor/geoip"],
  ["geoip", "--allow-read=geoip"],
  ["a b", "'--allow-read=a b'"],
  ["it's", "'--allow-read=it'\\''s'"],
  ["$HOME;x", "'--allow-read=$HOME;x'"],
];

for (const [path, flag] of FLAGS) {
  Deno.test(`without permission for ${path} the flag is ${flag}`, () => {
    assert.ok(readFailure(path, DENIED).includes(` ${flag} `), readFailure(path, DENIED));
  });
}

Deno.test("a path with a comma cannot be permitted, which is said", () => {
  assert.match(readFailure("a,b", DENIED), /comma: move the file/);
});

Deno.test("a file that is not there is not a matter of flags", () => {
  const cause = new Deno.errors.NotFound("No such file");
  assert.equal(readFailure("x", cause), "No such file");
});

Deno.test("the error has the code, the place, the path and the cause", () => {
  const error = unreadableFile(
    "config-country-file-unreadable",
    "the country file",
    "a/geoip",
    DENIED,
    { file: "torrc", line: 3 },
  );
  assert.equal(error.code, "config-country-file-unreadable");
  assert.match(
    error.message,
    /^torrc, line 3: Cannot read the country file 'a\/geoip': .*=a\/geoip /,
  );
  assert.equal(error.cause, DENIED);
  assert.equal(error.exitCode, 2);
});
