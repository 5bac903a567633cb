/**
 * Randomness, as the client is given it, so that a test can seed it.
 *
 * @module
 */

/** A source of uniformly random bytes. */
export interface RandomSource {
  /** Fills all of `bytes`. */
  fill(bytes: Uint8Array<ArrayBuffer>): void;
}

/** The operating system's generator, by way of `crypto.getRandomValues`. */
export class SystemRandom implements RandomSource {
  fill(bytes: Uint8Array<ArrayBuffer>): void {
    // getRandomValues refuses more than 65,536 bytes a call.
    for (let at = 0; at < bytes.length; at += 65536) {
      crypto.getRandomValues(bytes.subarray(at, at + 65536));
    }
  }
}

/** `length` fresh random bytes. */
export function randomBytes(random: RandomSource, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  random.fill(bytes);
  return bytes;
}

/** What is drawn for one number; used within one call. */
const drawn = new Uint8Array(6);
const drawnView = new DataView(drawn.buffer);

/** A uniformly random integer from 0 to `limit` - 1; `limit` is 1 to 2^48. */
export function randomBelow(random: RandomSource, limit: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 2 ** 48) {
    throw new RangeError(`randomBelow: limit ${limit} is not from 1 to 2^48`);
  }
  // The largest multiple of limit under 2^48: values past it would favour small results.
  const fair = 2 ** 48 - (2 ** 48 % limit);
  for (;;) {
    random.fill(drawn);
    const value = drawnView.getUint16(0) * 2 ** 32 + drawnView.getUint32(2);
    if (value < fair) return value % limit;
  }
}

/** A uniformly random number from 0 (inclusive) to 1 (exclusive), with 48 random bits. */
export function randomFraction(random: RandomSource): number {
  return randomBelow(random, 2 ** 48) / 2 ** 48;
}

/** One element of a non-empty array, each as likely as the others. */
export function randomElement<T>(random: RandomSource, items: readonly T[]): T {
  return items[randomBelow(random, items.length)];
}
