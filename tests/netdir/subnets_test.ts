import assert from "node:assert/strict";
import { inSameSubnet, isInternalAddress } from "../../src/netdir/subnets.ts";

function same(a: [string, string?], b: [string, string?]): boolean {
  const [first, second] = [a, b].map(([hostname, ipv6]) => ({
    hostname,
    ipv6: ipv6 === undefined ? undefined : { hostname: ipv6, port: 9001 },
  }));
  const result = inSameSubnet(first, second);
  assert.equal(inSameSubnet(second, first), result);
  // Once more, because networks are remembered.
  assert.equal(inSameSubnet(first, second), result);
  return result;
}

Deno.test("an IPv4 /16 is one subnet", () => {
  assert.ok(same(["192.0.2.1"], ["192.0.255.254"]));
  assert.ok(!same(["192.0.2.1"], ["192.1.2.1"]));
  assert.ok(!same(["1.23.4.5"], ["12.3.4.5"]));
  assert.ok(!same(["1.2.34.5"], ["1.23.4.5"]));
});

Deno.test("an IPv6 /32 is one subnet", () => {
  assert.ok(same(["1.1.1.1", "2001:db8::1"], ["2.2.2.2", "2001:db8:ffff::1"]));
  assert.ok(!same(["1.1.1.1", "2001:db8::1"], ["2.2.2.2", "2001:db9::1"]));
  assert.ok(!same(["1.1.1.1", "2001:db8::1"], ["2.2.2.2"]));
  assert.ok(same(["1.1.1.1", "2001::1"], ["2.2.2.2", "2001:0:1::"]));
  assert.ok(!same(["1.1.1.1", "::2:3:4:5:6:7:8"], ["2.2.2.2", "::3:3:4:5:6:7:8"]));
});

Deno.test("internal addresses are those of C tor, up to their last one", () => {
  const internal = [
    ["0.0.0.0", "0.255.255.255"],
    ["10.0.0.0", "10.255.255.255"],
    ["100.64.0.0", "100.127.255.255"],
    ["127.0.0.0", "127.255.255.255"],
    ["169.254.0.0", "169.254.255.255"],
    ["172.16.0.0", "172.31.255.255"],
    ["192.168.0.0", "192.168.255.255"],
    ["::", "::1"],
    ["fc00::", "fdff:ffff::1"],
    ["fe80::", "febf::1"],
    ["fec0::", "feff::1"],
    ["::ffff:10.0.0.1", "::ffff:7f00:1"],
    ["[::1]", "[fe80::1]"],
  ];
  for (const address of internal.flat()) assert.ok(isInternalAddress(address), address);
});

Deno.test("the addresses next to them are not internal", () => {
  const addresses = [
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "224.0.0.1",
    "::2",
    "::1:0",
    "::5:1",
    "::1:0:1",
    "::1:0:0:0:1",
    "fbff::",
    "fe00::",
    "fe7f::",
    "ff02::1",
    "2001:db8::1",
    "::ffff:8.8.8.8",
  ];
  for (const address of addresses) assert.ok(!isInternalAddress(address), address);
});

Deno.test("what is not an address is not internal", () => {
  for (const text of ["", "localhost", "example.com", "10", "127.1", "0x7f.0.0.1", "1.2.3.4.5"]) {
    assert.ok(!isInternalAddress(text), text);
  }
});
