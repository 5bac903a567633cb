import assert from "node:assert/strict";
import fc from "fast-check";
import { CellParser } from "../../src/cell/cell_parser.ts";
import { CellCommand, hasVariableLength } from "../../src/cell/command.ts";

interface Cell {
  readonly circuitId: number;
  readonly command: number;
  readonly body: Uint8Array;
}

/** A cell as it is on the channel, written here a second time from the specification. */
function encode({ circuitId, command, body }: Cell, circuitIdLength: 2 | 4): Uint8Array {
  const id = circuitIdLength === 4
    ? [circuitId >>> 24, circuitId >>> 16 & 0xff, circuitId >>> 8 & 0xff, circuitId & 0xff]
    : [circuitId >>> 8 & 0xff, circuitId & 0xff];
  const length = hasVariableLength(command) ? [body.length >>> 8, body.length & 0xff] : [];
  return Uint8Array.from([...id, command, ...length, ...body]);
}

/** Feeds `bytes` in pieces that end at `cuts`, never more than fit, and gives all cells. */
function parse(parser: CellParser, bytes: Uint8Array, cuts: readonly number[]): Cell[] {
  const cells: Cell[] = [];
  const ends = [
    ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b),
    bytes.length,
  ];
  let at = 0;
  for (const end of ends) {
    while (at < end) {
      const space = parser.space();
      assert.ok(space.length > 0);
      const length = Math.min(space.length, end - at);
      space.set(bytes.subarray(at, at + length));
      parser.filled(length);
      at += length;
      while (parser.next()) {
        const { circuitId, command } = parser;
        assert.equal(parser.body().length, parser.bodyLength);
        cells.push({ circuitId, command, body: parser.body().slice() });
      }
    }
  }
  return cells;
}

const fixedCell = fc.record({
  circuitId: fc.nat({ max: 0xffffffff }),
  command: fc.nat(127).filter((command) => command !== CellCommand.VERSIONS),
  body: fc.uint8Array({ minLength: 509, maxLength: 509 }),
}, { noNullPrototype: true });
const variableCell = fc.record({
  circuitId: fc.nat({ max: 0xffffffff }),
  command: fc.oneof(fc.integer({ min: 128, max: 255 }), fc.constant(CellCommand.VERSIONS)),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.constantFrom(65535, 65534, 30000).map((length) => new Uint8Array(length).fill(length)),
  ),
}, { noNullPrototype: true });

Deno.test("CellParser: the same cells however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fixedCell, variableCell), { maxLength: 8 }),
      fc.array(fc.nat(70_000), { maxLength: 20 }),
      (cells, cuts) => {
        const parser = new CellParser();
        parser.useLongCircuitIds();
        const bytes = Uint8Array.from(cells.flatMap((cell) => [...encode(cell, 4)]));
        assert.deepEqual(parse(parser, bytes, cuts), cells);
        assert.equal(parser.hasPartialCell, false);
      },
    ),
    { seed: 1, numRuns: 60 },
  );
});

Deno.test("CellParser: byte by byte, VERSIONS with 2-byte circuit ids and then long ones", () => {
  const versions = { circuitId: 0, command: CellCommand.VERSIONS, body: Uint8Array.of(0, 4, 0, 5) };
  const certs = { circuitId: 0, command: CellCommand.CERTS, body: Uint8Array.of(0) };
  const netinfo = { circuitId: 0, command: CellCommand.NETINFO, body: new Uint8Array(509).fill(8) };
  const parser = new CellParser();
  const bytes = Uint8Array.from([
    ...encode(versions, 2),
    ...encode(certs, 4),
    ...encode(netinfo, 4),
  ]);
  const cells: Cell[] = [];
  for (const byte of bytes) {
    parser.space()[0] = byte;
    parser.filled(1);
    while (parser.next()) {
      cells.push({
        circuitId: parser.circuitId,
        command: parser.command,
        body: parser.body().slice(),
      });
      parser.useLongCircuitIds();
    }
  }
  assert.deepEqual(cells, [versions, certs, netinfo]);
});

Deno.test("CellParser: goes over to long circuit ids between two cells of one read", () => {
  const versions = { circuitId: 3, command: CellCommand.VERSIONS, body: new Uint8Array(0) };
  const padding = { circuitId: 0x80000001, command: 0, body: new Uint8Array(509) };
  const parser = new CellParser();
  const bytes = Uint8Array.from([...encode(versions, 2), ...encode(padding, 4)]);
  parser.space().set(bytes);
  parser.filled(bytes.length);
  assert.equal(parser.next(), true);
  assert.deepEqual([parser.circuitId, parser.bodyLength], [3, 0]);
  parser.useLongCircuitIds();
  assert.equal(parser.hasPartialCell, true);
  assert.equal(parser.next(), true);
  assert.equal(parser.circuitId, 0x80000001);
});

Deno.test("CellParser: a fixed-length cell with a short circuit id has 509 bytes of body too", () => {
  const parser = new CellParser();
  const cell = {
    circuitId: 0x1234,
    command: CellCommand.NETINFO,
    body: new Uint8Array(509).fill(1),
  };
  assert.deepEqual(parse(parser, encode(cell, 2), [511]), [cell]);
});

Deno.test("CellParser: any bytes are cells or a part of one, and its memory does not grow", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000, size: "max" }), fc.boolean(), (bytes, long) => {
      const parser = new CellParser();
      if (long) parser.useLongCircuitIds();
      const { buffer } = parser;
      const header = long ? 5 : 3;
      let total = 0;
      for (const { command, body } of parse(parser, bytes, [])) {
        total += header + (hasVariableLength(command) ? 2 : 0) + body.length;
      }
      assert.ok(total <= bytes.length);
      assert.equal(parser.hasPartialCell, total < bytes.length);
      assert.equal(parser.buffer, buffer);
    }),
    { seed: 1, numRuns: 200 },
  );
});
