import assert from "node:assert/strict";
import {
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
