import assert from "node:assert/strict";
import {
  addressReach,
  isIpv4,
  parseIpAddress,
  parseSocketAddress,
} from "../../src/config/address.ts";
import {
  parseAutoBoolean,
  parseBoolean,
  parseCount,
  parseDecimal,
  parseFirstInterval,
  parseFraction,
  parseInteger,
  parseInterval,
  parsePorts,
  parsePreciseInterval,
} from "../../src/config/values.ts";

function table<T>(
  name: string,
  read: (text: string) => T,
  rows: readonly (readonly [string, T])[],
): void {
  for (const [text, value] of rows) {
    Deno.test(`${name}('${text}')`, () => assert.deepEqual(read(text), value));
  }
}

table("parseBoolean", parseBoolean, [
  ["0", false],
  ["1", true],
  ["2", undefined],
  ["yes", undefined],
  ["", undefined],
  ["01", undefined],
]);

table("parseCount", (text) => parseCount(text), [
  ["0", 0],
  ["007", 7],
  ["2147483647", 2147483647],
  ["2147483648", undefined],
  ["-1", undefined],
  ["1.0", undefined],
  ["0x10", undefined],
  ["1e3", undefined],
  ["", undefined],
]);

table("parseFraction", parseFraction, [
  ["0.6", 0.6],
  [".5", 0.5],
  ["1.", 1],
  ["12", 12],
  [".", undefined],
  ["-1", undefined],
  ["Infinity", undefined],
  ["1e2", undefined],
  ["0.6 ", undefined],
]);

table("parseInterval", parseInterval, [
  ["0", 0],
  ["10", 10_000],
  ["10 seconds", 10_000],
  ["1 second", 1000],
  ["10 MINUTES", 600_000],
  ["2 hours", 7_200_000],
  ["2hours", 7_200_000],
  ["1.5 hours", 5_400_000],
  ["0.4 seconds", 0],
  ["1 day", 86_400_000],
  ["2 weeks", 1_209_600_000],
  ["1 month", 2_629_728_000],
  ["2147483647", 2_147_483_647_000],
  ["2147483648", undefined],
  ["1 s", undefined],
  ["1 secondss", undefined],
  ["1 fortnight", undefined],
  ["minutes", undefined],
  ["-1 minutes", undefined],
  ["1.2.3 hours", undefined],
  ["1 2", undefined],
  ["", undefined],
]);

table("parseFirstInterval", parseFirstInterval, [
  ["6, 11, 3600", 6000],
  ["1 minute,x", 60_000],
  ["7", 7000],
  [",7", undefined],
]);

table("isIpv4", isIpv4, [
  ["1.2.3.4", true],
  ["255.255.255.255", true],
  ["0.0.0.0", true],
  ["256.0.0.1", false],
  ["1.2.3", false],
  ["1.2.3.4.5", false],
  ["1.2.3.4.", false],
  [".1.2.3", false],
  ["01.2.3.4", false],
  ["1.2.3.a", false],
  ["::1", false],
  ["16909060", false],
]);

table("parseIpAddress", parseIpAddress, [
  ["127.0.0.1", "127.0.0.1"],
  ["::1", "::1"],
  ["[::1]", "::1"],
  ["2001:DB8:0:0::1", "2001:db8::1"],
  ["[::1", undefined],
  ["fe80::1%eth0", undefined],
  ["localhost", undefined],
  ["0x7f.1", undefined],
  ["127.1", undefined],
  ["1", undefined],
  ["", undefined],
]);

table("parseSocketAddress", parseSocketAddress, [
  ["1.2.3.4:80", { hostname: "1.2.3.4", port: 80 }],
  ["[2001:db8::1]:443", { hostname: "2001:db8::1", port: 443 }],
  ["2001:db8::1:443", undefined],
  ["1.2.3.4", undefined],
  ["1.2.3.4:0", undefined],
  ["1.2.3.4:65536", undefined],
  ["1.2.3.4:", undefined],
  [":80", undefined],
  ["example.com:80", undefined],
]);

table("addressReach", addressReach, [
  ["127.0.0.1", "loopback"],
  ["127.9.8.7", "loopback"],
  ["::1", "loopback"],
  ["10.0.0.1", "internal"],
  ["192.168.1.1", "internal"],
  ["fd00::1", "internal"],
  ["fe80::1", "internal"],
  ["0.0.0.0", "public"],
  ["::", "public"],
  ["8.8.8.8", "public"],
  ["::ffff:127.0.0.1", "loopback"],
]);

table("parseInteger", parseInteger, [
  ["-1", -1],
  ["0", 0],
  ["2147483647", 2147483647],
  ["2147483648", undefined],
  ["--1", undefined],
  ["-", undefined],
  ["1.5", undefined],
]);

table("parseDecimal", parseDecimal, [
  ["-1", -1],
  ["-.5", -0.5],
  ["0.7", 0.7],
  ["-", undefined],
  ["+1", undefined],
]);

table("parseAutoBoolean", parseAutoBoolean, [
  ["0", false],
  ["1", true],
  ["Auto", "auto"],
  ["yes", undefined],
]);

table("parsePorts", parsePorts, [
  ["22", [22]],
  [" 22 ,80,, 22", [22, 80]],
  [",", []],
  ["0", undefined],
  ["22 80", undefined],
  ["65536", undefined],
]);

table("parsePreciseInterval", parsePreciseInterval, [
  ["1", 1000],
  ["0.25", 250],
  ["1.5 seconds", 1500],
  ["250 msec", 250],
  ["250MSEC", 250],
  ["1 millisecond", 1],
  ["0.5 msec", 0],
  ["2 minutes", 120_000],
  ["1 usec", undefined],
  ["msec", undefined],
]);
