import assert from "node:assert/strict";
import { CellParser } from "../../src/cell/cell_parser.ts";
import { CellCommand } from "../../src/cell/command.ts";
import { checkAuthChallenge, decodeCerts, decodeNetinfo } from "../../src/cell/link.ts";
import {
  encodeAuthChallengeCell,
  encodeCertsCell,
  encodeFixedCell,
  encodeRelayNetinfoCell,
  encodeVariableCell,
} from "../../testnet/link_cells.ts";

/** What a client's parser makes of one whole cell. */
function parsed(cell: Uint8Array): { circuitId: number; command: number; body: Uint8Array } {
  const parser = new CellParser();
  parser.useLongCircuitIds();
  parser.space().set(cell);
  parser.filled(cell.length);
  assert.ok(parser.next());
  assert.equal(parser.hasPartialCell, false);
  const { circuitId, command } = parser;
  return { circuitId, command, body: parser.body().slice() };
}

Deno.test("a client reads the cells of a responder's link handshake", () => {
  const entries = [{ type: 2, body: Uint8Array.of(1, 2) }, { type: 7, body: new Uint8Array(700) }];
  const certs = parsed(encodeCertsCell(entries));
  assert.equal(certs.command, CellCommand.CERTS);
  assert.deepEqual(decodeCerts(certs.body), entries);

  const challenge = parsed(encodeAuthChallengeCell(new Uint8Array(32)));
  assert.equal(challenge.command, CellCommand.AUTH_CHALLENGE);
  checkAuthChallenge(challenge.body);

  const [other, mine] = [Uint8Array.of(127, 0, 0, 1), Uint8Array.of(127, 20, 0, 1)];
  const netinfo = parsed(encodeRelayNetinfoCell(1_700_000_000, other, mine));
  assert.equal(netinfo.command, CellCommand.NETINFO);
  assert.deepEqual(decodeNetinfo(netinfo.body), {
    timestamp: 1_700_000_000,
    otherAddress: other,
    myAddresses: [mine],
  });
});

Deno.test("cells carry their circuit's id and their body, fixed ones with zeros after it", () => {
  const fixed = parsed(encodeFixedCell(0x80000001, CellCommand.DESTROY, Uint8Array.of(3)));
  assert.deepEqual([fixed.circuitId, fixed.command], [0x80000001, CellCommand.DESTROY]);
  assert.deepEqual(fixed.body, Uint8Array.from({ length: 509 }, (_, at) => at === 0 ? 3 : 0));
  const variable = parsed(encodeVariableCell(5, CellCommand.VPADDING, new Uint8Array(300).fill(1)));
  assert.deepEqual([variable.circuitId, variable.body.length], [5, 300]);
});
