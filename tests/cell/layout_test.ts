import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteReader } from "../../src/cell/byte_reader.ts";
import { cellCommandName, hasVariableLength, relayCommandName } from "../../src/cell/command.ts";
import { destroyReasonName } from "../../src/cell/destroy.ts";
import {
  CELL_LENGTH,
  readUint32,
  RELAY_DATA_LENGTH,
  relayLength,
  relayStreamId,
  writeCellHeader,
  writeRelayHeader,
  writeUint32,
} from "../../src/cell/layout.ts";
import { decodeSendme, encodeSendme } from "../../src/cell/sendme.ts";
import { assertCellError, decodesOrRefuses } from "./cell_error.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));

Deno.test("layout: a cell has 514 bytes, a relay message at most 498", () => {
  assert.deepEqual([CELL_LENGTH, RELAY_DATA_LENGTH], [514, 498]);
});

Deno.test("writeCellHeader and writeRelayHeader: only their own bytes", () => {
  const buffer = new Uint8Array(20).fill(0xee);
  writeCellHeader(buffer, 1, 0x80000102, 9);
  writeRelayHeader(buffer, 6, 2, 0x2122, 0x103);
  assert.equal(
    buffer.toHex(),
    "ee 80000102 09 02 0000 2122 00000000 0103 eeeeee".replaceAll(" ", ""),
  );
  assert.deepEqual([relayStreamId(buffer, 6), relayLength(buffer, 6)], [0x2122, 0x103]);
});

Deno.test("readUint32 and writeUint32: all 32 bits", () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffffffff }), (value) => {
      const buffer = new Uint8Array(6);
      writeUint32(buffer, 1, value);
      assert.equal(readUint32(buffer, 1), value);
      assert.equal(new DataView(buffer.buffer).getUint32(1), value);
    }),
    { seed: 1 },
  );
});

Deno.test("commands: which say their length, and their names", () => {
  const variable = Array.from({ length: 256 }, (_, command) => command).filter(hasVariableLength);
  assert.deepEqual(variable, [7, ...Array.from({ length: 128 }, (_, index) => 128 + index)]);
  assert.deepEqual([cellCommandName(4), cellCommandName(99)], ["DESTROY", "command 99"]);
  assert.deepEqual([relayCommandName(15), relayCommandName(99)], [
    "EXTENDED2",
    "relay command 99",
  ]);
  assert.deepEqual([destroyReasonName(0), destroyReasonName(12), destroyReasonName(13)], [
    "none",
    "no-such-service",
    "unknown reason 13",
  ]);
});

Deno.test("SENDME: version 1 with 20 bytes of digest, and nothing else", () => {
  const digest = Uint8Array.from({ length: 20 }, (_, index) => index + 1);
  const body = encodeSendme(digest);
  assert.equal(body.toHex(), `010014${digest.toHex()}`);
  assert.deepEqual(decodeSendme(body), digest);
  assert.deepEqual(decodeSendme(hex(`010015${digest.toHex()}ff`)), digest);
  assertCellError(() => decodeSendme(hex("")), "cell-malformed");
  assertCellError(() => decodeSendme(hex("00")), "cell-malformed");
  assertCellError(() => decodeSendme(hex(`020014${digest.toHex()}`)), "cell-malformed");
  assertCellError(() => decodeSendme(body.subarray(0, 22)), "cell-truncated");
  assertCellError(() => decodeSendme(hex(`010013${"00".repeat(20)}`)), "cell-truncated");
});

Deno.test("ByteReader: big-endian fields, views, and never past the end", () => {
  const bytes = hex("01 0203 fffefdfc 05 06");
  const reader = new ByteReader(bytes, "TEST");
  assert.deepEqual([reader.uint8(), reader.uint16(), reader.uint32()], [1, 0x203, 0xfffefdfc]);
  assert.equal(reader.remaining, 2);
  assertCellError(() => reader.uint32(), "cell-truncated");
  const rest = reader.rest();
  assert.deepEqual([rest.byteOffset, rest.length, reader.remaining], [7, 2, 0]);
  assertCellError(() => reader.uint8(), "cell-truncated");
});

Deno.test("decodeSendme: hostile bytes are decoded or refused with a CellError", () => {
  decodesOrRefuses(decodeSendme);
});
