/**
 * Sizes and offsets of cells with 4-byte circuit ids, as link protocols 4 and 5 have them, and the
 * writing of their fixed parts in place (tor-spec, "Cell Packet format", "Relay cells").
 *
 * | cell           | circuit id | command | length | body           |
 * | -------------- | ---------- | ------- | ------ | -------------- |
 * | fixed length   | 4          | 1       | none   | 509            |
 * | variable       | 4          | 1       | 2      | 0 to 65,535    |
 *
 * | relay body     | command | recognized | stream id | digest | length | data and padding |
 * | -------------- | ------- | ---------- | --------- | ------ | ------ | ---------------- |
 * | 509 bytes      | 1       | 2          | 2         | 4      | 2      | 498              |
 *
 * @module
 */

/** Bytes before the body of a fixed-length cell. */
export const CELL_HEADER_LENGTH = 5;
/** Bytes of a fixed-length cell's body. */
export const CELL_BODY_LENGTH = 509;
/** Bytes of a whole fixed-length cell. */
export const CELL_LENGTH = CELL_HEADER_LENGTH + CELL_BODY_LENGTH;
/** Bytes before the body of a variable-length cell. */
export const VARIABLE_CELL_HEADER_LENGTH = 7;
/** Bytes of the relay header at the start of a relay cell's body. */
export const RELAY_HEADER_LENGTH = 11;
/** The most data that one relay message carries, in bytes. */
export const RELAY_DATA_LENGTH = CELL_BODY_LENGTH - RELAY_HEADER_LENGTH;

/** Writes the header of a fixed-length cell at `offset`. */
export function writeCellHeader(
  buffer: Uint8Array,
  offset: number,
  circuitId: number,
  command: number,
): void {
  writeUint32(buffer, offset, circuitId);
  buffer[offset + 4] = command;
}

/** Writes a relay header at `offset`; recognized and digest are left zero for the relay crypto. */
export function writeRelayHeader(
  buffer: Uint8Array,
  offset: number,
  command: number,
  streamId: number,
  length: number,
): void {
  buffer[offset] = command;
  buffer[offset + 1] = 0;
  buffer[offset + 2] = 0;
  buffer[offset + 3] = streamId >>> 8;
  buffer[offset + 4] = streamId;
  buffer[offset + 5] = 0;
  buffer[offset + 6] = 0;
  buffer[offset + 7] = 0;
  buffer[offset + 8] = 0;
  buffer[offset + 9] = length >>> 8;
  buffer[offset + 10] = length;
}

/** The stream id of an opened relay cell whose body is at `offset`. */
export function relayStreamId(buffer: Uint8Array, offset: number): number {
  return buffer[offset + 3] << 8 | buffer[offset + 4];
}

/** The length field of an opened relay cell whose body is at `offset`; not yet checked. */
export function relayLength(buffer: Uint8Array, offset: number): number {
  return buffer[offset + 9] << 8 | buffer[offset + 10];
}

/** Reads 4 bytes, big-endian. */
export function readUint32(buffer: Uint8Array, offset: number): number {
  return (buffer[offset] << 24 | buffer[offset + 1] << 16 | buffer[offset + 2] << 8 |
    buffer[offset + 3]) >>> 0;
}

/** Writes 4 bytes, big-endian. */
export function writeUint32(buffer: Uint8Array, offset: number, value: number): void {
  buffer[offset] = value >>> 24;
  buffer[offset + 1] = value >>> 16;
  buffer[offset + 2] = value >>> 8;
  buffer[offset + 3] = value;
}
