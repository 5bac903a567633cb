/**
 * Long work on documents as a row of steps of a few ms. What they are for is known above: a program
 * that does other things too lets them have their turn between two steps.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** Bytes that are hashed in one step: 2 ms for the slower of the two. */
const HASHED_PER_STEP = 512 * 1024;
/** Bytes that are searched in one step: less than 1 ms. */
const SEARCHED_PER_STEP = 256 * 1024;

/** Does all steps at once, and gives what the last one gives. */
export function lastOf<Result>(steps: Iterator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The digest of bytes that must not change between the steps: 32 bytes. */
export function* hashSteps(
  algorithm: "sha256" | "sha3-256",
  bytes: Uint8Array,
): Generator<void, Uint8Array> {
  const hash = createHash(algorithm);
  for (let start = 0; start < bytes.length; start += HASHED_PER_STEP) {
    hash.update(bytes.subarray(start, start + HASHED_PER_STEP));
    yield;
  }
  return hash.digest();
}

/** The offset of the first line that begins with `prefix`, which is ASCII; -1 when there is none. */
export function* lineSearchSteps(bytes: Uint8Array, prefix: string): Generator<void, number> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.toString("latin1", 0, prefix.length) === prefix) return 0;
  const searched = `\n${prefix}`;
  // The engine finds a text in a text many times faster than bytes in bytes.
  for (let start = 0; start < bytes.length; start += SEARCHED_PER_STEP) {
    const end = start + SEARCHED_PER_STEP + searched.length - 1;
    const at = buffer.toString("latin1", start, end).indexOf(searched);
    if (at >= 0) return start + at + 1;
    yield;
  }
  return -1;
}
