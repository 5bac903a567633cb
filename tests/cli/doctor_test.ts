import assert from "node:assert/strict";
import { findingText } from "../../src/cli/doctor.ts";
import { CERTIFICATE_FLAG, inFolder, outcome } from "./program.ts";

Deno.test("a finding is a line, and another one says what to do", () => {
  assert.equal(findingText({ kind: "ok", what: "It works." }), "ok       It works.\n");
  assert.equal(
    findingText({ kind: "problem", what: "It is taken..", advice: "Choose another." }),
    "problem  It is taken.\n         Choose another.\n",
  );
});

Deno.test("doctor ends with 0 where nothing is wrong, and leaves nothing behind", () =>
  inFolder(async (folder) => {
    const args = ["doctor", "--offline", "--data-dir", `${folder}/data`, "--SocksPort", "auto"];
    const [code, text] = await outcome(args, [CERTIFICATE_FLAG], folder);
    assert.equal(code, 0, text);
    assert.match(text, /\nNo problem was found\.$/);
    assert.doesNotMatch(text, /^problem/m);
    await assert.rejects(Deno.stat(`${folder}/data`), Deno.errors.NotFound);
  }));

Deno.test("doctor finds all that is wrong at once, and ends with 1", () =>
  inFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const port = `${taken.addr.port}`;
    const args = ["doctor", "--offline", "--data-dir", `${folder}-other`, "--SocksPort", port];
    const [code, text] = await outcome(args, [], folder);
    assert.equal(code, 1, text);
    const problems = text.split("\n").filter((line) => line.startsWith("problem"));
    assert.equal(problems.length, 4, text);
    assert.match(problems[0], /TLS of relays/);
    assert.match(text, /--unsafely-ignore-certificate-errors=192\.0\.2\.1/);
    assert.match(problems[1], /permissions/);
    assert.match(text, /--allow-read=\S+-other --allow-write=\S+-other/);
    assert.match(problems[2], /data directory/);
    assert.match(problems[3], /SocksPort .* in use/);
    assert.match(text, /\nProblems: 4$/);
  }));

Deno.test("doctor with wrong options ends with 2", async () => {
  const [code, text] = await outcome(["doctor", "--SocksPort", "nonsense"], []);
  assert.equal(code, 2);
  assert.match(text, /^chive: [^\n]*SocksPort[^\n]*$/);
});
