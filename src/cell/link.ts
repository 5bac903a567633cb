/**
 * The cells of the link handshake: VERSIONS, CERTS, AUTH_CHALLENGE and NETINFO
 * (tor-spec, "Negotiating and initializing connections").
 *
 * @module
 */
import { ByteReader } from "./byte_reader.ts";
import { CellCommand } from "./command.ts";
import { CellError } from "./errors.ts";
import { CELL_LENGTH, writeCellHeader } from "./layout.ts";

/**
 * A whole VERSIONS cell, which has a 2-byte circuit id whatever is negotiated:
 *
 * | circuit id | command | length | versions    |
 * | ---------- | ------- | ------ | ----------- |
 * | 2, zero    | 1       | 2      | 2 bytes each |
 */
export function encodeVersionsCell(versions: readonly number[]): Uint8Array<ArrayBuffer> {
  const cell = new Uint8Array(5 + versions.length * 2);
  const view = new DataView(cell.buffer);
  cell[2] = CellCommand.VERSIONS;
  view.setUint16(3, versions.length * 2);
  versions.forEach((version, index) => view.setUint16(5 + index * 2, version));
  return cell;
}

/**
 * The versions of a VERSIONS cell's body.
 *
 * @throws CellError when the length is odd
 */
export function decodeVersions(body: Uint8Array): number[] {
  if (body.length % 2 !== 0) {
    throw new CellError("cell-malformed", `VERSIONS: odd length ${body.length}`);
  }
  const reader = new ByteReader(body, "VERSIONS");
  const versions: number[] = [];
  while (reader.remaining > 0) versions.push(reader.uint16());
  return versions;
}

/** One certificate of a CERTS cell: its type (cert-spec, "Certificate types") and its bytes. */
export interface CertsEntry {
  readonly type: number;
  readonly body: Uint8Array;
}

/**
 * The certificates of a CERTS cell's body. Bytes after the last one are ignored, as the
 * specification asks.
 *
 * | count | then for each: type | length | certificate |
 * | ----- | ------------------- | ------ | ----------- |
 * | 1     | 1                   | 2      | length      |
 *
 * @throws CellError when it is cut off
 */
export function decodeCerts(body: Uint8Array): CertsEntry[] {
  const reader = new ByteReader(body, "CERTS");
  const count = reader.uint8();
  const entries: CertsEntry[] = [];
  for (let index = 0; index < count; index++) {
    const type = reader.uint8();
    entries.push({ type, body: reader.bytes(reader.uint16()) });
  }
  return entries;
}

/**
 * Checks an AUTH_CHALLENGE cell's body. A client does not authenticate, so nothing of it is kept.
 *
 * | challenge | count | methods      |
 * | --------- | ----- | ------------ |
 * | 32        | 2     | 2 bytes each |
 *
 * @throws CellError when it is cut off
 */
export function checkAuthChallenge(body: Uint8Array): void {
  const reader = new ByteReader(body, "AUTH_CHALLENGE");
  reader.bytes(32);
  reader.bytes(reader.uint16() * 2);
}

/** What a NETINFO cell says. */
export interface Netinfo {
  /** The sender's clock, seconds since 1970 UTC; 0 when it does not say. */
  readonly timestamp: number;
  /** Our address as the sender sees it: 4 or 16 bytes, or none when it is of another type. */
  readonly otherAddress: Uint8Array | undefined;
  /** The sender's own addresses, 4 or 16 bytes each. */
  readonly myAddresses: readonly Uint8Array[];
}

const ADDRESS_LENGTHS: Readonly<Record<number, number>> = { 4: 4, 6: 16 };

/**
 * The body of a NETINFO cell.
 *
 * | timestamp | other address: type, length, value | count | own addresses: type, length, value |
 * | --------- | ---------------------------------- | ----- | ---------------------------------- |
 * | 4         | 1, 1, length                       | 1     | 1, 1, length each                  |
 *
 * @throws CellError when it is cut off
 */
export function decodeNetinfo(body: Uint8Array): Netinfo {
  const reader = new ByteReader(body, "NETINFO");
  const readAddress = () => {
    const type = reader.uint8();
    const value = reader.bytes(reader.uint8());
    return ADDRESS_LENGTHS[type] === value.length ? value.slice() : undefined;
  };
  const timestamp = reader.uint32();
  const otherAddress = readAddress();
  const count = reader.uint8();
  const myAddresses: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const address = readAddress();
    if (address !== undefined) myAddresses.push(address);
  }
  return { timestamp, otherAddress, myAddresses };
}

/**
 * A client's whole NETINFO cell: timestamp 0 and no own addresses, so that it tells nothing about
 * the client, and the relay's address as it was dialled.
 *
 * @param relayAddress 4 or 16 bytes
 */
export function encodeClientNetinfoCell(relayAddress: Uint8Array): Uint8Array<ArrayBuffer> {
  const cell = new Uint8Array(CELL_LENGTH);
  writeCellHeader(cell, 0, 0, CellCommand.NETINFO);
  cell[9] = relayAddress.length === 4 ? 4 : 6;
  cell[10] = relayAddress.length;
  cell.set(relayAddress, 11);
  return cell;
}
