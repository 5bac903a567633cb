import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addressBytes,
  destinationFromBytes,
  parseDestination,
} from "../../src/proxy/destination.ts";

Deno.test("parseDestination: host names, in lower case, with C tor's leniency", () => {
  for (
    const [text, host] of [
      ["example.com", "example.com"],
      ["EXAMPLE.Com.", "example.com."],
      ["a_b-c.example", "a_b-c.example"],
      ["localhost", "localhost"],
      ["127.1", "127.1"],
      ["1.2.3.256", "1.2.3.256"],
      ["01.2.3.4", "01.2.3.4"],
      ["onion.example", "onion.example"],
      ["notonion", "notonion"],
      ["a".repeat(255), "a".repeat(255)],
    ]
  ) assert.deepEqual(parseDestination(text), { kind: "name", host }, text);
});

Deno.test("parseDestination: addresses in text", () => {
  for (
    const [text, kind, host] of [
      ["192.0.2.1", "ip4", "192.0.2.1"],
      ["0.0.0.0", "ip4", "0.0.0.0"],
      ["2001:DB8:0:0:0:0:0:1", "ip6", "2001:db8::1"],
      ["[2001:db8::1]", "ip6", "2001:db8::1"],
      ["::", "ip6", "::"],
      ["1:2:3:4:5:6:7:8", "ip6", "1:2:3:4:5:6:7:8"],
      ["::ffff:192.0.2.1", "ip6", "::ffff:c000:201"],
    ]
  ) assert.deepEqual(parseDestination(text), { kind, host }, text);
});

Deno.test("parseDestination: refuses what is neither", () => {
  for (
    const text of [
      "",
      ".",
      "..",
      ".example",
      "a..b",
      "-a.example",
      "_sip.example",
      "a\0b",
      "a b",
      "a/b",
      "ex\u00e4mple.com",
      "[192.0.2.1]",
      "[example.com]",
      "[]",
      "[",
      "]",
      "fe80::1%eth0",
      "1:2:3:4:5:6:7:8:9",
      "1::2::3",
      ":1",
      "example.com:80",
      "a".repeat(256),
    ]
  ) {
    assert.deepEqual(
      parseDestination(text),
      { kind: "refused", code: "hostname-malformed" },
      JSON.stringify(text),
    );
  }
});

Deno.test("parseDestination: exits cannot be chosen by names, however they are written", () => {
  for (const text of ["example.com.relay.exit", "x.EXIT.", "Exit"]) {
    assert.deepEqual(parseDestination(text), { kind: "refused", code: "exit-name-refused" }, text);
  }
  assert.deepEqual(parseDestination("Abc.ONION"), { kind: "name", host: "abc.onion" });
});

Deno.test("parseDestination: any text gives one of the kinds, and an address survives twice", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.domain()), (text) => {
      const result = parseDestination(text);
      if (result.kind !== "refused") assert.deepEqual(parseDestination(result.host), result);
    }),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("destinationFromBytes and addressBytes are each other's inverse", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
      ),
      (bytes) => {
        const { kind, host } = destinationFromBytes(bytes);
        assert.equal(kind, bytes.length === 4 ? "ip4" : "ip6");
        assert.deepEqual(addressBytes(host), bytes);
      },
    ),
    { seed: 1 },
  );
  assert.equal(addressBytes("example.com"), undefined);
  assert.equal(addressBytes("127.1"), undefined);
});
