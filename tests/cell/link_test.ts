import assert from "node:assert/strict";
import {
  checkAuthChallenge,
  decodeCerts,
  decodeNetinfo,
  decodeVersions,
  encodeClientNetinfoCell,
  encodeVersionsCell,
} from "../../src/cell/link.ts";
import { assertCellError, decodesOrRefuses } from "./cell_error.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));

Deno.test("encodeVersionsCell: a 2-byte circuit id, and each version in 2 bytes", () => {
  assert.equal(encodeVersionsCell([3, 4, 5]).toHex(), "0000070006000300040005");
  assert.equal(encodeVersionsCell([]).toHex(), "0000070000");
});

Deno.test("decodeVersions", () => {
  assert.deepEqual(decodeVersions(hex("0003 0004 0005 0100")), [3, 4, 5, 256]);
  assert.deepEqual(decodeVersions(hex("")), []);
  assertCellError(() => decodeVersions(hex("0003 00")), "cell-malformed");
});

Deno.test("decodeCerts: types and bodies, bytes after the last ignored", () => {
  assert.deepEqual(decodeCerts(hex("02 04 0003 aabbcc 07 0000 ffff")), [
    { type: 4, body: hex("aabbcc") },
    { type: 7, body: hex("") },
  ]);
  assert.deepEqual(decodeCerts(hex("00")), []);
  for (const body of ["", "01", "01 04", "01 04 00", "01 04 0002 aa", "02 04 0001 aa"]) {
    assertCellError(() => decodeCerts(hex(body)), "cell-truncated");
  }
});

Deno.test("checkAuthChallenge: 32 bytes, and as many methods as it says", () => {
  const challenge = "00".repeat(32);
  checkAuthChallenge(hex(`${challenge} 0002 0001 0003`));
  checkAuthChallenge(hex(`${challenge} 0000 ff`));
  assertCellError(() => checkAuthChallenge(hex(`${challenge} 0002 0001`)), "cell-truncated");
  assertCellError(() => checkAuthChallenge(hex("00".repeat(31))), "cell-truncated");
});

Deno.test("decodeNetinfo: time, our address, theirs; addresses of other kinds left out", () => {
  assert.deepEqual(
    decodeNetinfo(hex(`65a0b0c0 04 04 7f000001 03
      04 04 01020304
      00 03 616263
      06 10 20010db8000000000000000000000001 ffff`.replaceAll(/\s/g, ""))),
    {
      timestamp: 0x65a0b0c0,
      otherAddress: hex("7f000001"),
      myAddresses: [hex("01020304"), hex("20010db8000000000000000000000001")],
    },
  );
  // The right type with a wrong length is no address.
  assert.deepEqual(decodeNetinfo(hex("ffffffff 06 04 01020304 01 04 02 0102")), {
    timestamp: 0xffffffff,
    otherAddress: undefined,
    myAddresses: [],
  });
  for (const body of ["00000000", "00000000 04 04 010203", "00000000 04 04 01020304 01 04"]) {
    assertCellError(() => decodeNetinfo(hex(body)), "cell-truncated");
  }
});

Deno.test("encodeClientNetinfoCell: time 0, the relay's address, none of our own", () => {
  const ip4 = encodeClientNetinfoCell(Uint8Array.of(1, 2, 3, 4));
  assert.equal(ip4.toHex(), `0000000008${"00000000"}040401020304${"00".repeat(514 - 15)}`);
  const ip6 = encodeClientNetinfoCell(new Uint8Array(16).fill(0xfe));
  assert.equal(
    ip6.toHex(),
    `0000000008${"00000000"}0610${"fe".repeat(16)}${"00".repeat(514 - 27)}`,
  );
});

Deno.test("link: hostile bytes are decoded or refused with a CellError", () => {
  for (const decode of [decodeVersions, decodeCerts, checkAuthChallenge, decodeNetinfo]) {
    decodesOrRefuses(decode);
  }
});
