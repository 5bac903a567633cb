/**
 * The body of a circuit-level SENDME (tor-spec, "Circuit-level flow control", proposal 289).
 *
 * @module
 */
import { ByteReader } from "./byte_reader.ts";
import { CellError } from "./errors.ts";

/** Bytes of the digest in a version 1 SENDME. */
export const SENDME_DIGEST_LENGTH = 20;

/**
 * The body of a version 1 SENDME, which proves that the cell it answers was received.
 *
 * | version | length  | digest |
 * | ------- | ------- | ------ |
 * | 1 (=1)  | 2 (=20) | 20     |
 *
 * @param digest the running digest after the cell that is answered, 20 bytes
 */
export function encodeSendme(digest: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(3 + SENDME_DIGEST_LENGTH);
  body[0] = 1;
  body[2] = SENDME_DIGEST_LENGTH;
  body.set(digest, 3);
  return body;
}

/**
 * The digest of a version 1 SENDME, a view of 20 bytes. Version 0, which proves nothing, is
 * refused: no supported relay sends it.
 *
 * @throws CellError when it is cut off or of another version
 */
export function decodeSendme(body: Uint8Array): Uint8Array {
  if (body.length === 0) throw new CellError("cell-malformed", "SENDME: version 0");
  const reader = new ByteReader(body, "SENDME");
  const version = reader.uint8();
  if (version !== 1) throw new CellError("cell-malformed", `SENDME: version ${version}`);
  const digest = reader.bytes(reader.uint16());
  if (digest.length < SENDME_DIGEST_LENGTH) {
    throw new CellError("cell-truncated", `SENDME: a digest of ${digest.length} bytes`);
  }
  return digest.subarray(0, SENDME_DIGEST_LENGTH);
}
