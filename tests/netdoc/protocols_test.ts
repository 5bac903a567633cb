import assert from "node:assert/strict";
import { ProtocolVersions } from "../../src/netdoc/protocols.ts";
import { assertNetdocError } from "./netdoc_error.ts";

Deno.test("versions are in the ranges that are listed", () => {
  const protocols = ProtocolVersions.parse("Link=1-5 LinkAuth=1,3 Cons=0,31-33,63 Padding=");
  const versions = (name: string) =>
    Array.from({ length: 70 }, (_, version) => version).filter((version) =>
      protocols.supports(name, version)
    );
  assert.deepEqual(versions("Link"), [1, 2, 3, 4, 5]);
  assert.deepEqual(versions("LinkAuth"), [1, 3]);
  assert.deepEqual(versions("Cons"), [0, 31, 32, 33, 63]);
  assert.deepEqual(versions("Padding"), []);
  assert.deepEqual(versions("Relay"), []);
  assert.equal(protocols.supports("Link", -1), false);
  assert.equal(ProtocolVersions.none.supports("Link", 1), false);
});

Deno.test("a name that occurs twice has the versions of both", () => {
  const protocols = ProtocolVersions.parse("Link=1  Link=4 ");
  assert.ok(protocols.supports("Link", 1) && protocols.supports("Link", 4));
});

Deno.test("what is required and not supported is named", () => {
  const ours = ProtocolVersions.parse("Cons=2 Link=4-5");
  const required = ProtocolVersions.parse("Cons=2 Link=5-6 Relay=2");
  assert.deepEqual(required.notSupportedBy(ours), ["Link=6", "Relay=2"]);
  assert.deepEqual(ours.notSupportedBy(ours), []);
});

Deno.test("malformed entries are refused", () => {
  const wrong = [
    "Link",
    "=1",
    "Li_nk=1",
    "Link=64",
    "Link=1-64",
    "Link=100",
    "Link=4294967296",
    "Link=5-1",
    "Link=1,",
    "Link=,1",
    "Link=1--2",
    "Link=-1",
    "Link=a",
    `${"x".repeat(101)}=1`,
  ];
  for (const text of wrong) {
    assertNetdocError("protocols-malformed", () => ProtocolVersions.parse(text));
  }
});
