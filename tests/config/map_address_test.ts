import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { fromTorrc } from "./source.ts";

const READ: readonly (readonly [string, object])[] = [
  ["www.Example.com EXAMPLE.org", { from: "www.example.com", to: "example.org" }],
  ["*.example.com  example.com", {
    from: "example.com",
    fromSubdomains: true,
    to: "example.com",
  }],
  ["*.a.example *.b.example", {
    from: "a.example",
    fromSubdomains: true,
    to: "b.example",
    toSubdomains: true,
  }],
  ["10.0.0.1 web.example", { from: "10.0.0.1", to: "web.example" }],
  ["web.example [2001:DB8:0::1]", { from: "web.example", to: "2001:db8::1" }],
  ["127.192.0.10 abcdef.onion", { from: "127.192.0.10", to: "abcdef.onion" }],
];

for (const [text, expected] of READ) {
  Deno.test(`MapAddress ${text}`, () => {
    const { config, warnings } = fromTorrc(`MapAddress ${text}`);
    assert.deepEqual(warnings, []);
    assert.deepEqual(config.doors.mapAddresses, [
      { fromSubdomains: false, toSubdomains: false, ...expected },
    ]);
  });
}

Deno.test("MapAddress: words too many are warned about", () => {
  assert.match(fromTorrc("MapAddress a b c").warnings[0], /MapAddress 'a b c'/);
});

const REFUSED: readonly (readonly [text: string, code: string, says: RegExp])[] = [
  ["one", "config-bad-value", /two addresses/],
  ["* a.example", "config-bad-value", /'\*' is neither/],
  ["a.example *", "config-bad-value", /'\*' is neither/],
  ["a.example *.b.example", "config-bad-value", /old one too/],
  [".a.example b.example", "config-bad-value", /'\.a\.example' is neither/],
  ["a.example .b.example", "config-bad-value", /'\.b\.example' is neither/],
  ["a.example b!", "config-bad-value", /'b!' is neither/],
  ["*.10.0.0.1 [::1]:80", "config-bad-value", /neither/],
  ["a.example a.example.relay.exit", "config-unsupported", /\.exit/],
  ["*.a.example *.relay.EXIT", "config-unsupported", /\.exit/],
  ["a.exit b.example", "config-unsupported", /\.exit/],
];

for (const [text, code, says] of REFUSED) {
  Deno.test(`MapAddress refused: ${text}`, () => {
    assert.throws(() => fromTorrc(`MapAddress ${text}`), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.match(error.message, /^test\.torrc, line 1: /);
      return true;
    });
  });
}
