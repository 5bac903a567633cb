import assert from "node:assert/strict";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import {
  isCanonicalIpv6,
  isIpv4Address,
  isNickname,
  parseInteger,
  parseIpv4Address,
  parseIpv6SocketAddress,
  parseTime,
} from "../../src/netdoc/field.ts";

Deno.test("times are UTC", () => {
  assert.equal(parseTime("2024-05-17 17:00:00"), 1715965200_000);
  assert.equal(parseTime("1970-01-01 00:00:00"), 0);
  const wrong = [
    "",
    "2024-05-17",
    "2024-05-17T17:00:00",
    "2024-05-17 17:00:00 ",
    "2024-13-01 00:00:00",
    "2023-02-29 00:00:00",
    "2024-04-31 00:00:00",
    "2024-05-17 24:00:00",
    "2024-05-17 17:60:00",
    "1969-12-31 23:59:59",
  ];
  for (const text of wrong) assert.equal(parseTime(text), undefined, text);
});

Deno.test("integers are decimal and within bounds", () => {
  assert.equal(parseInteger("0", 0, 10), 0);
  assert.equal(parseInteger("-5", -5, 10), -5);
  assert.equal(parseInteger("4294967295", 0, 2 ** 32 - 1), 4294967295);
  for (const text of ["", "-", "+1", "1.0", "1e1", "0x1", " 1", "11", "-1", "00000000001"]) {
    assert.equal(parseInteger(text, 0, 10), undefined, text);
  }
});

Deno.test("IPv6 socket addresses are made canonical", () => {
  assert.deepEqual(parseIpv6SocketAddress("[2001:DB8:0:0:0:0:0:1]:9001"), {
    hostname: "2001:db8::1",
    port: 9001,
  });
  const wrong = [
    "[10.0.0.1]:80",
    "2001:db8::1:80",
    "[::1]:0",
    "[::1]:65536",
    "[::g]:1",
    "[::1%1]:1",
  ];
  for (const text of wrong) assert.equal(parseIpv6SocketAddress(text), undefined, text);
});

Deno.test("an IPv6 address is canonical when the library writes it so", () => {
  const group = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    fc.integer({ min: 0, max: 0xffff }),
  );
  const address = fc.array(group, { minLength: 8, maxLength: 8 });
  let canonical = 0;
  fc.assert(
    fc.property(address, fc.boolean(), (groups, isShort) => {
      const long = groups.map((each) => each.toString(16)).join(":");
      const text = isShort ? ipaddr.IPv6.parse(long).toString() : long;
      assert.equal(isCanonicalIpv6(text), ipaddr.IPv6.parse(text).toString() === text, text);
      if (isCanonicalIpv6(text)) canonical++;
    }),
    { seed: 1, numRuns: 2000 },
  );
  assert.ok(canonical > 500 && canonical < 2000, `${canonical}`);
  // Texts that are nearly addresses.
  const piece = fc.constantFrom("0", "00", "1", "a", "A", "abcd", "fffff", ":", "::", ".", "g", "");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 17 }), (pieces) => {
      const text = pieces.join("");
      const expected = ipaddr.IPv6.isValid(text) && !text.includes(".") &&
        ipaddr.IPv6.parse(text).toString() === text;
      assert.equal(isCanonicalIpv6(text), expected, text);
    }),
    { seed: 1, numRuns: 20_000 },
  );
  // All that have zeros and ones alone, with "::" in all places.
  for (let bits = 0; bits < 256; bits++) {
    const digits = [...bits.toString(2).padStart(8, "0")];
    for (let from = 0; from <= 8; from++) {
      for (let to = from; to <= 8; to++) {
        const text = to === from
          ? digits.join(":")
          : `${digits.slice(0, from).join(":")}::${digits.slice(to).join(":")}`;
        const expected = ipaddr.IPv6.isValid(text) && ipaddr.IPv6.parse(text).toString() === text;
        assert.equal(isCanonicalIpv6(text), expected, text);
      }
    }
  }
});

Deno.test("IPv4 addresses are four decimal numbers", () => {
  assert.ok(isIpv4Address("192.0.2.255"));
  assert.equal(parseIpv4Address("192.0.2.255"), 0xc00002ff);
  assert.equal(parseIpv4Address("0.0.0.0"), 0);
  assert.equal(parseIpv4Address("255.255.255.255"), 2 ** 32 - 1);
  const wrong = ["", "1.2.3", "1.2.3.256", "01.2.3.4", "0x1.2.3.4", "1.2.3.4.5", "::1"]
    .concat(
      "1.2.3.",
      ".1.2.3",
      "1..2.3",
      "1.2.3.00",
      "1.2.3.-1",
      " 1.2.3.4",
      "1.2.3.4 ",
      "1.2.3.4.",
    );
  for (const text of wrong) assert.equal(isIpv4Address(text), false, text);
});

Deno.test("nicknames are 1 to 19 letters and digits", () => {
  assert.ok(isNickname("Unnamed"));
  for (const text of ["", "a-b", "x".repeat(20), "ä"]) assert.equal(isNickname(text), false, text);
});
