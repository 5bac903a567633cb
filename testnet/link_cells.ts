/**
 * The cells that the responder of a link handshake sends
 * (tor-spec, "Negotiating and initializing connections").
 *
 * @module
 */
import { CellCommand } from "../src/cell/command.ts";
import { CELL_LENGTH, VARIABLE_CELL_HEADER_LENGTH, writeCellHeader } from "../src/cell/layout.ts";
import type { CertsEntry } from "../src/cell/link.ts";

/** A whole variable-length cell with a 4-byte circuit id. */
export function encodeVariableCell(
  circuitId: number,
  command: number,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const cell = new Uint8Array(VARIABLE_CELL_HEADER_LENGTH + body.length);
  writeCellHeader(cell, 0, circuitId, command);
  new DataView(cell.buffer).setUint16(5, body.length);
  cell.set(body, VARIABLE_CELL_HEADER_LENGTH);
  return cell;
}

/** A whole fixed-length cell with zeros after `body`. */
export function encodeFixedCell(
  circuitId: number,
  command: number,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const cell = new Uint8Array(CELL_LENGTH);
  writeCellHeader(cell, 0, circuitId, command);
  cell.set(body, 5);
  return cell;
}

/** A whole CERTS cell; see decodeCerts for its form. */
export function encodeCertsCell(entries: readonly CertsEntry[]): Uint8Array<ArrayBuffer> {
  const bytes = [entries.length];
  for (const { type, body } of entries) {
    bytes.push(type, body.length >>> 8, body.length & 0xff, ...body);
  }
  return encodeVariableCell(0, CellCommand.CERTS, Uint8Array.from(bytes));
}

/**
 * A whole AUTH_CHALLENGE cell that offers Ed25519 authentication (method 3).
 *
 * @param challenge 32 bytes
 */
export function encodeAuthChallengeCell(challenge: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeVariableCell(
    0,
    CellCommand.AUTH_CHALLENGE,
    Uint8Array.from([...challenge, 0, 1, 0, 3]),
  );
}

/**
 * A relay's whole NETINFO cell.
 *
 * @param timestamp seconds since 1970 UTC
 * @param otherAddress the address of the peer, 4 bytes
 * @param myAddress the relay's own, 4 bytes
 */
export function encodeRelayNetinfoCell(
  timestamp: number,
  otherAddress: Uint8Array,
  myAddress: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(17);
  new DataView(body.buffer).setUint32(0, timestamp);
  body.set([4, 4, ...otherAddress, 1, 4, 4, ...myAddress], 4);
  return encodeFixedCell(0, CellCommand.NETINFO, body);
}
