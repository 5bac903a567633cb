/**
 * SHA-1 (FIPS 180-4) that works in place on cells and whose digest can be taken at any time
 * without ending it. Relay crypto takes a digest after every cell: going through a native hash
 * object for that costs more in copies and allocations than the hashing itself.
 *
 * SHA-1 is broken as a hash against collisions. Tor's relay cells are all that this is for.
 *
 * @module
 */

/** Length of a SHA-1 digest, in bytes. */
export const SHA1_LENGTH = 20;

const BLOCK_LENGTH = 64;
/** Where in the last block the message's length in bits is, 8 bytes. */
const BIT_LENGTH_AT = 56;

/** A block for padding that does not fit behind the message's last bytes; used within one call. */
const paddingBlock = new DataView(new ArrayBuffer(BLOCK_LENGTH));
/** The state that only a digest's last blocks go through; used within one call. */
const finalState = new Int32Array(5);

/** A SHA-1 of all bytes that were added so far. */
export class Sha1 {
  readonly #state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  /** The bytes added since the last whole block; what is behind them means nothing. */
  readonly #block = new Uint8Array(BLOCK_LENGTH);
  readonly #blockView = new DataView(this.#block.buffer);
  /** Bytes added in all. */
  #length = 0;

  /** Adds `bytes`. */
  update(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const held = this.#length % BLOCK_LENGTH;
    this.#length += bytes.length;
    let at = 0;
    if (held > 0) {
      at = Math.min(BLOCK_LENGTH - held, bytes.length);
      for (let index = 0; index < at; index++) this.#block[held + index] = bytes[index];
      if (held + at < BLOCK_LENGTH) return;
      compress(this.#state, this.#blockView, 0);
    }
    for (; at + BLOCK_LENGTH <= bytes.length; at += BLOCK_LENGTH) compress(this.#state, view, at);
    for (let index = 0; at < bytes.length; index++, at++) this.#block[index] = bytes[at];
  }

  /** Writes the digest, 20 bytes, at the start of `digest`. More bytes can be added afterwards. */
  digestInto(digest: DataView): void {
    const held = this.#length % BLOCK_LENGTH;
    finalState.set(this.#state);
    this.#block[held] = 0x80;
    this.#block.fill(0, held + 1);
    let last = this.#blockView;
    if (held >= BIT_LENGTH_AT) {
      compress(finalState, last, 0);
      last = paddingBlock;
    }
    last.setUint32(BIT_LENGTH_AT, Math.floor(this.#length / 2 ** 29));
    last.setUint32(BIT_LENGTH_AT + 4, this.#length << 3);
    compress(finalState, last, 0);
    for (let word = 0; word < 5; word++) digest.setInt32(4 * word, finalState[word]);
  }

  /** Becomes what `other` is now. */
  copyFrom(other: Sha1): void {
    this.#state.set(other.#state);
    this.#block.set(other.#block);
    this.#length = other.#length;
  }
}

const K0 = 0x5a827999;
const K1 = 0x6ed9eba1;
const K2 = 0x8f1bbcdc | 0;
const K3 = 0xca62c1d6 | 0;

/**
 * Takes the 64 bytes at `at` into `state`. Written out round by round, so that the state and the
 * sixteen words of the message schedule stay in registers: loops take twice as long.
 */
// deno-fmt-ignore
function compress(state: Int32Array, view: DataView, at: number): void {
  let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], x = 0;
  let w0 = view.getInt32(at + 0), w1 = view.getInt32(at + 4);
  let w2 = view.getInt32(at + 8), w3 = view.getInt32(at + 12);
  let w4 = view.getInt32(at + 16), w5 = view.getInt32(at + 20);
  let w6 = view.getInt32(at + 24), w7 = view.getInt32(at + 28);
  let w8 = view.getInt32(at + 32), w9 = view.getInt32(at + 36);
  let w10 = view.getInt32(at + 40), w11 = view.getInt32(at + 44);
  let w12 = view.getInt32(at + 48), w13 = view.getInt32(at + 52);
  let w14 = view.getInt32(at + 56), w15 = view.getInt32(at + 60);
  // Rounds 0 to 19.
  e = (a << 5 | a >>> 27) + (d ^ b & (c ^ d)) + K0 + e + w0 | 0; b = b << 30 | b >>> 2;
  d = (e << 5 | e >>> 27) + (c ^ a & (b ^ c)) + K0 + d + w1 | 0; a = a << 30 | a >>> 2;
  c = (d << 5 | d >>> 27) + (b ^ e & (a ^ b)) + K0 + c + w2 | 0; e = e << 30 | e >>> 2;
  b = (c << 5 | c >>> 27) + (a ^ d & (e ^ a)) + K0 + b + w3 | 0; d = d << 30 | d >>> 2;
  a = (b << 5 | b >>> 27) + (e ^ c & (d ^ e)) + K0 + a + w4 | 0; c = c << 30 | c >>> 2;
  e = (a << 5 | a >>> 27) + (d ^ b & (c ^ d)) + K0 + e + w5 | 0; b = b << 30 | b >>> 2;
  d = (e << 5 | e >>> 27) + (c ^ a & (b ^ c)) + K0 + d + w6 | 0; a = a << 30 | a >>> 2;
  c = (d << 5 | d >>> 27) + (b ^ e & (a ^ b)) + K0 + c + w7 | 0; e = e << 30 | e >>> 2;
  b = (c << 5 | c >>> 27) + (a ^ d & (e ^ a)) + K0 + b + w8 | 0; d = d << 30 | d >>> 2;
  a = (b << 5 | b >>> 27) + (e ^ c & (d ^ e)) + K0 + a + w9 | 0; c = c << 30 | c >>> 2;
  e = (a << 5 | a >>> 27) + (d ^ b & (c ^ d)) + K0 + e + w10 | 0; b = b << 30 | b >>> 2;
  d = (e << 5 | e >>> 27) + (c ^ a & (b ^ c)) + K0 + d + w11 | 0; a = a << 30 | a >>> 2;
  c = (d << 5 | d >>> 27) + (b ^ e & (a ^ b)) + K0 + c + w12 | 0; e = e << 30 | e >>> 2;
  b = (c << 5 | c >>> 27) + (a ^ d & (e ^ a)) + K0 + b + w13 | 0; d = d << 30 | d >>> 2;
  a = (b << 5 | b >>> 27) + (e ^ c & (d ^ e)) + K0 + a + w14 | 0; c = c << 30 | c >>> 2;
  e = (a << 5 | a >>> 27) + (d ^ b & (c ^ d)) + K0 + e + w15 | 0; b = b << 30 | b >>> 2;
  x = w13 ^ w8 ^ w2 ^ w0; w0 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (c ^ a & (b ^ c)) + K0 + d + w0 | 0; a = a << 30 | a >>> 2;
  x = w14 ^ w9 ^ w3 ^ w1; w1 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (b ^ e & (a ^ b)) + K0 + c + w1 | 0; e = e << 30 | e >>> 2;
  x = w15 ^ w10 ^ w4 ^ w2; w2 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (a ^ d & (e ^ a)) + K0 + b + w2 | 0; d = d << 30 | d >>> 2;
  x = w0 ^ w11 ^ w5 ^ w3; w3 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (e ^ c & (d ^ e)) + K0 + a + w3 | 0; c = c << 30 | c >>> 2;
  // Rounds 20 to 39.
  x = w1 ^ w12 ^ w6 ^ w4; w4 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b ^ c ^ d) + K1 + e + w4 | 0; b = b << 30 | b >>> 2;
  x = w2 ^ w13 ^ w7 ^ w5; w5 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a ^ b ^ c) + K1 + d + w5 | 0; a = a << 30 | a >>> 2;
  x = w3 ^ w14 ^ w8 ^ w6; w6 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e ^ a ^ b) + K1 + c + w6 | 0; e = e << 30 | e >>> 2;
  x = w4 ^ w15 ^ w9 ^ w7; w7 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d ^ e ^ a) + K1 + b + w7 | 0; d = d << 30 | d >>> 2;
  x = w5 ^ w0 ^ w10 ^ w8; w8 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c ^ d ^ e) + K1 + a + w8 | 0; c = c << 30 | c >>> 2;
  x = w6 ^ w1 ^ w11 ^ w9; w9 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b ^ c ^ d) + K1 + e + w9 | 0; b = b << 30 | b >>> 2;
  x = w7 ^ w2 ^ w12 ^ w10; w10 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a ^ b ^ c) + K1 + d + w10 | 0; a = a << 30 | a >>> 2;
  x = w8 ^ w3 ^ w13 ^ w11; w11 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e ^ a ^ b) + K1 + c + w11 | 0; e = e << 30 | e >>> 2;
  x = w9 ^ w4 ^ w14 ^ w12; w12 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d ^ e ^ a) + K1 + b + w12 | 0; d = d << 30 | d >>> 2;
  x = w10 ^ w5 ^ w15 ^ w13; w13 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c ^ d ^ e) + K1 + a + w13 | 0; c = c << 30 | c >>> 2;
  x = w11 ^ w6 ^ w0 ^ w14; w14 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b ^ c ^ d) + K1 + e + w14 | 0; b = b << 30 | b >>> 2;
  x = w12 ^ w7 ^ w1 ^ w15; w15 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a ^ b ^ c) + K1 + d + w15 | 0; a = a << 30 | a >>> 2;
  x = w13 ^ w8 ^ w2 ^ w0; w0 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e ^ a ^ b) + K1 + c + w0 | 0; e = e << 30 | e >>> 2;
  x = w14 ^ w9 ^ w3 ^ w1; w1 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d ^ e ^ a) + K1 + b + w1 | 0; d = d << 30 | d >>> 2;
  x = w15 ^ w10 ^ w4 ^ w2; w2 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c ^ d ^ e) + K1 + a + w2 | 0; c = c << 30 | c >>> 2;
  x = w0 ^ w11 ^ w5 ^ w3; w3 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b ^ c ^ d) + K1 + e + w3 | 0; b = b << 30 | b >>> 2;
  x = w1 ^ w12 ^ w6 ^ w4; w4 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a ^ b ^ c) + K1 + d + w4 | 0; a = a << 30 | a >>> 2;
  x = w2 ^ w13 ^ w7 ^ w5; w5 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e ^ a ^ b) + K1 + c + w5 | 0; e = e << 30 | e >>> 2;
  x = w3 ^ w14 ^ w8 ^ w6; w6 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d ^ e ^ a) + K1 + b + w6 | 0; d = d << 30 | d >>> 2;
  x = w4 ^ w15 ^ w9 ^ w7; w7 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c ^ d ^ e) + K1 + a + w7 | 0; c = c << 30 | c >>> 2;
  // Rounds 40 to 59.
  x = w5 ^ w0 ^ w10 ^ w8; w8 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b & c | d & (b | c)) + K2 + e + w8 | 0; b = b << 30 | b >>> 2;
  x = w6 ^ w1 ^ w11 ^ w9; w9 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a & b | c & (a | b)) + K2 + d + w9 | 0; a = a << 30 | a >>> 2;
  x = w7 ^ w2 ^ w12 ^ w10; w10 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e & a | b & (e | a)) + K2 + c + w10 | 0; e = e << 30 | e >>> 2;
  x = w8 ^ w3 ^ w13 ^ w11; w11 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d & e | a & (d | e)) + K2 + b + w11 | 0; d = d << 30 | d >>> 2;
  x = w9 ^ w4 ^ w14 ^ w12; w12 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c & d | e & (c | d)) + K2 + a + w12 | 0; c = c << 30 | c >>> 2;
  x = w10 ^ w5 ^ w15 ^ w13; w13 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b & c | d & (b | c)) + K2 + e + w13 | 0; b = b << 30 | b >>> 2;
  x = w11 ^ w6 ^ w0 ^ w14; w14 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a & b | c & (a | b)) + K2 + d + w14 | 0; a = a << 30 | a >>> 2;
  x = w12 ^ w7 ^ w1 ^ w15; w15 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e & a | b & (e | a)) + K2 + c + w15 | 0; e = e << 30 | e >>> 2;
  x = w13 ^ w8 ^ w2 ^ w0; w0 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d & e | a & (d | e)) + K2 + b + w0 | 0; d = d << 30 | d >>> 2;
  x = w14 ^ w9 ^ w3 ^ w1; w1 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c & d | e & (c | d)) + K2 + a + w1 | 0; c = c << 30 | c >>> 2;
  x = w15 ^ w10 ^ w4 ^ w2; w2 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b & c | d & (b | c)) + K2 + e + w2 | 0; b = b << 30 | b >>> 2;
  x = w0 ^ w11 ^ w5 ^ w3; w3 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a & b | c & (a | b)) + K2 + d + w3 | 0; a = a << 30 | a >>> 2;
  x = w1 ^ w12 ^ w6 ^ w4; w4 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e & a | b & (e | a)) + K2 + c + w4 | 0; e = e << 30 | e >>> 2;
  x = w2 ^ w13 ^ w7 ^ w5; w5 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d & e | a & (d | e)) + K2 + b + w5 | 0; d = d << 30 | d >>> 2;
  x = w3 ^ w14 ^ w8 ^ w6; w6 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c & d | e & (c | d)) + K2 + a + w6 | 0; c = c << 30 | c >>> 2;
  x = w4 ^ w15 ^ w9 ^ w7; w7 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b & c | d & (b | c)) + K2 + e + w7 | 0; b = b << 30 | b >>> 2;
  x = w5 ^ w0 ^ w10 ^ w8; w8 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a & b | c & (a | b)) + K2 + d + w8 | 0; a = a << 30 | a >>> 2;
  x = w6 ^ w1 ^ w11 ^ w9; w9 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e & a | b & (e | a)) + K2 + c + w9 | 0; e = e << 30 | e >>> 2;
  x = w7 ^ w2 ^ w12 ^ w10; w10 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d & e | a & (d | e)) + K2 + b + w10 | 0; d = d << 30 | d >>> 2;
  x = w8 ^ w3 ^ w13 ^ w11; w11 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c & d | e & (c | d)) + K2 + a + w11 | 0; c = c << 30 | c >>> 2;
  // Rounds 60 to 79.
  x = w9 ^ w4 ^ w14 ^ w12; w12 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b ^ c ^ d) + K3 + e + w12 | 0; b = b << 30 | b >>> 2;
  x = w10 ^ w5 ^ w15 ^ w13; w13 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a ^ b ^ c) + K3 + d + w13 | 0; a = a << 30 | a >>> 2;
  x = w11 ^ w6 ^ w0 ^ w14; w14 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e ^ a ^ b) + K3 + c + w14 | 0; e = e << 30 | e >>> 2;
  x = w12 ^ w7 ^ w1 ^ w15; w15 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d ^ e ^ a) + K3 + b + w15 | 0; d = d << 30 | d >>> 2;
  x = w13 ^ w8 ^ w2 ^ w0; w0 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c ^ d ^ e) + K3 + a + w0 | 0; c = c << 30 | c >>> 2;
  x = w14 ^ w9 ^ w3 ^ w1; w1 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b ^ c ^ d) + K3 + e + w1 | 0; b = b << 30 | b >>> 2;
  x = w15 ^ w10 ^ w4 ^ w2; w2 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a ^ b ^ c) + K3 + d + w2 | 0; a = a << 30 | a >>> 2;
  x = w0 ^ w11 ^ w5 ^ w3; w3 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e ^ a ^ b) + K3 + c + w3 | 0; e = e << 30 | e >>> 2;
  x = w1 ^ w12 ^ w6 ^ w4; w4 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d ^ e ^ a) + K3 + b + w4 | 0; d = d << 30 | d >>> 2;
  x = w2 ^ w13 ^ w7 ^ w5; w5 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c ^ d ^ e) + K3 + a + w5 | 0; c = c << 30 | c >>> 2;
  x = w3 ^ w14 ^ w8 ^ w6; w6 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b ^ c ^ d) + K3 + e + w6 | 0; b = b << 30 | b >>> 2;
  x = w4 ^ w15 ^ w9 ^ w7; w7 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a ^ b ^ c) + K3 + d + w7 | 0; a = a << 30 | a >>> 2;
  x = w5 ^ w0 ^ w10 ^ w8; w8 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e ^ a ^ b) + K3 + c + w8 | 0; e = e << 30 | e >>> 2;
  x = w6 ^ w1 ^ w11 ^ w9; w9 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d ^ e ^ a) + K3 + b + w9 | 0; d = d << 30 | d >>> 2;
  x = w7 ^ w2 ^ w12 ^ w10; w10 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c ^ d ^ e) + K3 + a + w10 | 0; c = c << 30 | c >>> 2;
  x = w8 ^ w3 ^ w13 ^ w11; w11 = x << 1 | x >>> 31; e = (a << 5 | a >>> 27) + (b ^ c ^ d) + K3 + e + w11 | 0; b = b << 30 | b >>> 2;
  x = w9 ^ w4 ^ w14 ^ w12; w12 = x << 1 | x >>> 31; d = (e << 5 | e >>> 27) + (a ^ b ^ c) + K3 + d + w12 | 0; a = a << 30 | a >>> 2;
  x = w10 ^ w5 ^ w15 ^ w13; w13 = x << 1 | x >>> 31; c = (d << 5 | d >>> 27) + (e ^ a ^ b) + K3 + c + w13 | 0; e = e << 30 | e >>> 2;
  x = w11 ^ w6 ^ w0 ^ w14; w14 = x << 1 | x >>> 31; b = (c << 5 | c >>> 27) + (d ^ e ^ a) + K3 + b + w14 | 0; d = d << 30 | d >>> 2;
  x = w12 ^ w7 ^ w1 ^ w15; w15 = x << 1 | x >>> 31; a = (b << 5 | b >>> 27) + (c ^ d ^ e) + K3 + a + w15 | 0; c = c << 30 | c >>> 2;
  state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e;
}
