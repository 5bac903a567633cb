/** Cells and relay headers, without crypto: `deno bench bench/cell_bench.ts`. */
import { CellCommand, RelayCommand } from "../src/cell/command.ts";
import { CellParser } from "../src/cell/cell_parser.ts";
import {
  CELL_HEADER_LENGTH,
  CELL_LENGTH,
  RELAY_DATA_LENGTH,
  relayLength,
  relayStreamId,
  writeCellHeader,
  writeRelayHeader,
} from "../src/cell/layout.ts";

/** Cells in each measured call: 1 MB of data. */
const CELLS = 2008;
/** What one read gives, in bytes: about what one TLS record of a relay holds. */
const READ_LENGTH = 4096;

const cells = new Uint8Array(CELLS * CELL_LENGTH);

function writeCells(): void {
  for (let at = 0; at < cells.length; at += CELL_LENGTH) {
    writeCellHeader(cells, at, 0x8000_0001, CellCommand.RELAY);
    writeRelayHeader(cells, at + CELL_HEADER_LENGTH, RelayCommand.DATA, 7, RELAY_DATA_LENGTH);
  }
}

Deno.bench("write 2,008 cell and relay headers", writeCells);

writeCells();
Deno.bench("parse 2,008 cells and their relay headers, 4 KiB a read", () => {
  const parser = new CellParser();
  parser.useLongCircuitIds();
  let found = 0;
  for (let at = 0; at < cells.length; at += READ_LENGTH) {
    const read = cells.subarray(at, at + READ_LENGTH);
    parser.space().set(read);
    parser.filled(read.length);
    while (parser.next()) {
      const { buffer, bodyOffset } = parser;
      if (relayStreamId(buffer, bodyOffset) === 7) found += relayLength(buffer, bodyOffset);
    }
  }
  if (found !== CELLS * RELAY_DATA_LENGTH) throw new Error(`${found} bytes of data were found`);
});
