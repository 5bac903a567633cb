import assert from "node:assert/strict";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { ipv6Groups } from "../../src/netdir/ipv6_groups.ts";

for (
  const [address, groups] of [
    ["2001:db8::1", [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]],
    ["::", [0, 0, 0, 0, 0, 0, 0, 0]],
    ["::1", [0, 0, 0, 0, 0, 0, 0, 1]],
    ["1::", [1, 0, 0, 0, 0, 0, 0, 0]],
    ["1:2:3:4:5:6:7:8", [1, 2, 3, 4, 5, 6, 7, 8]],
    ["ABCD:ef01::", [0xabcd, 0xef01, 0, 0, 0, 0, 0, 0]],
    ["::ffff:1.2.3.4", [0, 0, 0, 0, 0, 0xffff, 0x102, 0x304]],
    ["fe80::1%eth0", [0xfe80, 0, 0, 0, 0, 0, 0, 1]],
  ] satisfies [string, number[]][]
) {
  Deno.test(`the groups of ${address}`, () => assert.deepEqual(ipv6Groups(address), groups));
}

for (
  const text of [
    "",
    ":",
    ":::",
    "1",
    "1:2",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "1:2:3:4:5:6:7:",
    ":1:2:3:4:5:6:7",
    "12345::",
    "g::",
    "1::2:",
    "192.0.2.1",
    "[::1]",
    "example.com",
  ]
) {
  Deno.test(`'${text}' is no IPv6 address`, () => assert.equal(ipv6Groups(text), undefined));
}

Deno.test("addresses are read as the library reads them", () => {
  const spelling = fc.oneof(
    fc.ipV6(),
    // Much of this is almost an address.
    fc.array(fc.constantFrom("0", "1", "9", "a", "F", "g", ":", "::", ".", "1.2.3.4"), {
      maxLength: 12,
    }).map((pieces) => pieces.join("")),
  );
  let addresses = 0;
  fc.assert(
    fc.property(spelling, (text) => {
      const isValid = ipaddr.IPv6.isValid(text);
      if (isValid) addresses++;
      assert.deepEqual(ipv6Groups(text), isValid ? ipaddr.IPv6.parse(text).parts : undefined);
    }),
    { seed: 1, numRuns: 4000 },
  );
  assert.ok(addresses > 1000, `only ${addresses} were addresses`);
});
