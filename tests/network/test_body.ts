/**
 * Bodies for downloads and uploads: the same bytes for the same length and seed, with a SHA-256
 * that both sides can know.
 *
 * @module
 */
import { createCipheriv, createHash } from "node:crypto";

/**
 * The bytes that bodies repeat. A prime length, so that no buffer, cell or record fits into it a
 * whole number of times: a piece lost, doubled or out of place changes the hash.
 */
const BLOCK_LENGTH = 1_048_573;

/** The largest piece that {@link bodyPieces} gives, in bytes. */
const PIECE_LENGTH = 131_072;

let block: Uint8Array | undefined;

/** A block of pseudo-random bytes: AES-128 in counter mode under a zero key. */
function randomBlock(): Uint8Array {
  if (block) return block;
  const cipher = createCipheriv("aes-128-ctr", new Uint8Array(16), new Uint8Array(16));
  block = cipher.update(new Uint8Array(BLOCK_LENGTH));
  // Without it the cipher stays open, which the tests' sanitizers see.
  cipher.final();
  return block;
}

/** A body as views of at most 128 KiB into shared memory, to be read only. */
export function* bodyPieces(length: number, seed: number): Generator<Uint8Array> {
  const bytes = randomBlock();
  let at = (seed * 7919) % BLOCK_LENGTH;
  for (let left = length; left > 0;) {
    const piece = bytes.subarray(at, Math.min(at + left, at + PIECE_LENGTH));
    yield piece;
    left -= piece.length;
    at = (at + piece.length) % BLOCK_LENGTH;
  }
}

/** SHA-256 of a body, in hexadecimal. */
export function bodySha256(length: number, seed: number): string {
  const hash = createHash("sha256");
  for (const piece of bodyPieces(length, seed)) hash.update(piece);
  return hash.digest("hex");
}
