import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BeginFlag,
  decodeConnected,
  decodeEnd,
  decodeResolved,
  encodeBegin,
  encodeResolve,
  END_BODY_MISC,
  formatIpv4,
  formatIpv6,
} from "../../src/cell/stream_messages.ts";
import { assertCellError, decodesOrRefuses } from "./cell_error.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const ascii = (value: string) => new TextEncoder().encode(value).toHex();

Deno.test("encodeBegin: host and port, a zero, and flags unless they are zero", () => {
  assert.equal(text(encodeBegin("example.com", 443, 0)), "example.com:443\0");
  assert.equal(text(encodeBegin("192.0.2.1", 1, 0)), "192.0.2.1:1\0");
  const { IPV6_OKAY, IPV6_PREFERRED } = BeginFlag;
  assert.equal(
    encodeBegin("2001:db8::1", 65535, IPV6_OKAY | IPV6_PREFERRED).toHex(),
    `${ascii("[2001:db8::1]:65535")}0000000005`,
  );
});

Deno.test("encodeBegin and encodeResolve: what does not fit or is not printable ASCII", () => {
  assert.equal(encodeBegin("a".repeat(493 - 3), 80, 7).length, 498);
  assertCellError(() => encodeBegin("a".repeat(491), 80, 7), "cell-too-long");
  assert.equal(text(encodeResolve("example.com")), "example.com\0");
  assertCellError(() => encodeResolve("a".repeat(494)), "cell-too-long");
  for (const name of ["a b", "a\0b", "a\nb", "ä.example", "\x7f"]) {
    assertCellError(() => encodeBegin(name, 80, 0), "cell-malformed");
    assertCellError(() => encodeResolve(name), "cell-malformed");
  }
  assertCellError(() => encodeResolve(""), "cell-malformed");
});

// The bodies are those of C tor's test_cell_formats.c.
Deno.test("decodeConnected: nothing, IPv4, IPv6", () => {
  assert.deepEqual(decodeConnected(hex("")), { address: undefined, ttl: 0 });
  const cases: [string, string, number][] = [
    ["20304050", "32.48.64.80", 0],
    ["1112131415", "17.18.19.20", 0],
    ["02030405 00000e10", "2.3.4.5", 3600],
    ["1e28323c 00000400", "30.40.50.60", 1024],
    ["00000000 06 2607f8b0400c0c020000000000000068 00000258", "2607:f8b0:400c:c02::68", 600],
    [
      "00000000 06 2620000006b0000b1a1a000026e5480e 00000e10",
      "2620:0:6b0:b:1a1a:0:26e5:480e",
      3600,
    ],
  ];
  for (const [body, value, ttl] of cases) {
    const kind = value.includes(":") ? "ip6" : "ip4";
    assert.deepEqual(decodeConnected(hex(body)), { address: { kind, value }, ttl });
  }
});

Deno.test("decodeConnected: too short, or another type than 6", () => {
  assertCellError(() => decodeConnected(hex("000102")), "cell-truncated");
  assertCellError(() => decodeConnected(hex("00000000")), "cell-truncated");
  assertCellError(
    () => decodeConnected(hex("00000000 07 2607f8b0400c0c020000000000000068 90000258")),
    "cell-malformed",
  );
  assertCellError(
    () => decodeConnected(hex("00000000 06 2607f8b0400c0c020000000000000068 000002")),
    "cell-truncated",
  );
});

Deno.test("decodeEnd: reasons, and the address of an exit policy", () => {
  const reason = (body: string) => decodeEnd(hex(body)).reason;
  assert.deepEqual([reason(""), reason("01"), reason("06"), reason("0e"), reason("0f")], [
    "misc",
    "misc",
    "done",
    "not-directory",
    "misc",
  ]);
  assert.deepEqual(END_BODY_MISC, Uint8Array.of(1));
  const address = (body: string) => decodeEnd(hex(body)).address;
  const ip4 = { kind: "ip4", value: "1.2.3.4" };
  const ip6 = { kind: "ip6", value: "2001:db8::1" };
  assert.deepEqual(address("04 01020304"), ip4);
  assert.deepEqual(address("04 01020304 0000003c"), ip4);
  assert.deepEqual(address("04 20010db8000000000000000000000001"), ip6);
  assert.deepEqual(address("04 20010db8000000000000000000000001 0000003c"), ip6);
  assert.equal(address("04"), undefined);
  assert.equal(address("04 010203"), undefined);
  assert.equal(address("03 01020304"), undefined);
});

const IP4 = "04 04 7f00020a 00000100";
const IP6 = "06 10 2002909000000000 00000000f0f0abcd 02000001";
const NAME = `00 11 ${ascii("motherbrain.zebes")} 00000000`;
const TRANSIENT = `f0 2b ${ascii("I'm sorry, Dave. I'm afraid I can't do that")} 00112233`;
const ERROR = "f1 00 00000000";
const UNKNOWN = `ee 16 ${ascii("fault in the AE35 unit")} 09090101`;

Deno.test("decodeResolved: one of each, those of unknown type left out", () => {
  assert.deepEqual(decodeResolved(hex(UNKNOWN + TRANSIENT + IP6 + IP4 + NAME + ERROR)), [
    { kind: "transient-error", ttl: 0x112233 },
    { kind: "ip6", value: "2002:9090::f0f0:abcd", ttl: 0x2000001 },
    { kind: "ip4", value: "127.0.2.10", ttl: 256 },
    { kind: "name", value: "motherbrain.zebes", ttl: 0 },
    { kind: "error", ttl: 0 },
  ]);
  assert.deepEqual(decodeResolved(hex("")), []);
  const long = "a".repeat(255);
  assert.deepEqual(decodeResolved(hex(`00 ff ${ascii(long)} 00010000`)), [
    { kind: "name", value: long, ttl: 65536 },
  ]);
});

Deno.test("decodeResolved: wrong lengths, cut off, and names that are none", () => {
  for (
    const body of [
      "04 03 7a7a7a 31323334",
      "06 03 7a7a7a 31323334",
      `${IP4} 04 05 7a7a7a7a7a 31323334`,
    ]
  ) {
    assertCellError(() => decodeResolved(hex(body)), "cell-malformed");
  }
  for (const body of ["04", "ee", `${IP4} 06 10 78787878`, "04 04 01020304 000000", "ee 10 00"]) {
    assertCellError(() => decodeResolved(hex(body)), "cell-truncated");
  }
  for (
    const body of [
      "00 00 78787878",
      "00 02 6100 00000000",
      "00 02 61c3 00000000",
      "00 01 20 00000000",
    ]
  ) {
    assertCellError(() => decodeResolved(hex(body)), "cell-malformed");
  }
});

Deno.test("formatIpv6: as RFC 5952 has it", () => {
  const cases = [
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000000000001", "::1"],
    ["20010db8000000000000000000000001", "2001:db8::1"],
    // The longest run of zeros, the first of two, never one alone, lower case.
    ["20010000000000010000000000000001", "2001:0:0:1::1"],
    ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["ABCDEF01000000000000000000000000", "abcd:ef01::"],
    ["00010002000300040005000600070008", "1:2:3:4:5:6:7:8"],
  ];
  for (const [bytes, formatted] of cases) assert.equal(formatIpv6(hex(bytes)), formatted);
  assert.equal(formatIpv4(Uint8Array.of(0, 10, 200, 255)), "0.10.200.255");
});

Deno.test("formatIpv6: the same text as URL's for any address, IPv4 in it or not", () => {
  const word = fc.oneof(fc.constant(0), fc.nat(0xffff));
  fc.assert(
    fc.property(fc.array(word, { minLength: 8, maxLength: 8 }), (words) => {
      const bytes = Uint8Array.from(words.flatMap((value) => [value >> 8, value & 0xff]));
      const literal = words.map((value) => value.toString(16)).join(":");
      assert.equal(`[${formatIpv6(bytes)}]`, new URL(`http://[${literal}]/`).hostname);
    }),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("stream messages: hostile bytes are decoded or refused with a CellError", () => {
  for (const decode of [decodeConnected, decodeEnd, decodeResolved]) decodesOrRefuses(decode);
});
