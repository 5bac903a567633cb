/** What a disk may do to a file. */
import { randomBelow, type RandomSource } from "../../src/runtime/random.ts";

/** A file that went wrong, and how, for the message of a failed test. */
export interface Fault {
  readonly what: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** `count` times the file cut off somewhere, and `count` times with one bit turned. */
export function* faultsOf(
  file: Uint8Array,
  count: number,
  random: RandomSource,
): Generator<Fault> {
  for (let round = 0; round < count; round++) {
    const length = randomBelow(random, file.length);
    yield { what: `cut off at ${length}`, bytes: Uint8Array.from(file.subarray(0, length)) };
    const at = randomBelow(random, file.length);
    const bit = randomBelow(random, 8);
    const bytes = Uint8Array.from(file);
    bytes[at] ^= 1 << bit;
    yield { what: `bit ${bit} of byte ${at} turned`, bytes };
  }
}
