import assert from "node:assert/strict";
import { reverseLookupName } from "../../src/stream/reverse_lookup_name.ts";

Deno.test("reverseLookupName: IPv4 by numbers and IPv6 by digits, last first", () => {
  assert.equal(reverseLookupName("192.0.2.45"), "45.2.0.192.in-addr.arpa");
  // The example of RFC 3596 2.5.
  assert.equal(
    reverseLookupName("4321:0:1:2:3:4:567:89ab"),
    "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa",
  );
  assert.equal(reverseLookupName("::1"), `1.${"0.".repeat(31)}ip6.arpa`);
});

Deno.test("reverseLookupName: refuses what is no address", () => {
  for (const text of ["", "example.com", "1.2.3.4.5", "1:2"]) {
    assert.throws(() => reverseLookupName(text), RangeError);
  }
});
