// @ts-nocheck: AssemblyScript, which has types and functions of its own. `kernel/build.ts` compiles it.
/**
 * Relay crypto in WebAssembly: one call adds or removes all layers of a relay payload and takes it
 * into the running digest, in place. Key stream is made outside, where the processor's AES
 * instructions can be reached.
 *
 * One record for each hop and direction:
 *
 * | at  | bytes | field                                                          |
 * | --- | ----- | -------------------------------------------------------------- |
 * | 0   | 4     | the record that follows on the cell's way through the layers, or 0 |
 * | 4   | 4     | where the next unused byte of key stream is                    |
 * | 8   | 4     | where the key stream ends                                      |
 * | 12  | 20    | the state of the SHA-1                                         |
 * | 32  | 8     | bytes hashed so far                                            |
 * | 40  | 64    | the bytes hashed since the last whole block                    |
 * | 104 | 20    | the digest after the last payload                              |
 */

const FOLLOWING: usize = 0;
const STREAM_AT: usize = 4;
const STREAM_END: usize = 8;
const STATE: usize = 12;
const HASHED: usize = 32;
const BLOCK: usize = 40;
const DIGEST: usize = 104;

const PAYLOAD_LENGTH: usize = 509;
const RECOGNIZED_AT: usize = 1;
const PAYLOAD_DIGEST_AT: usize = 5;
const BLOCK_LENGTH: usize = 64;
/** Where in the last block of a message its length in bits is. */
const BIT_LENGTH_AT: usize = 56;

/** A digest's last one or two blocks, and the state that they go through. */
const LAST_BLOCKS = memory.data(128, 16);
const LAST_STATE = memory.data(20, 16);
/** State, count and block of a digest that may have to be taken back. */
const BEFORE = memory.data(96, 16);
const BEFORE_LENGTH: usize = DIGEST - STATE;

/** Where the memory begins that the kernel does not use. */
export function heapBase(): usize {
  return __heap_base;
}

/**
 * Removes layers from the payload until a hop recognizes it, beginning with the record `first`.
 *
 * @returns the number of the hop; -1 when it is nobody's, and all layers are removed; -2 - N when
 * the Nth record has no key stream left, and nothing was done
 */
export function open(first: usize, payload: usize): i32 {
  let recognized = load<u16>(payload, RECOGNIZED_AT);
  let hop = 0;
  for (let record = first; record !== 0; record = load<u32>(record, FOLLOWING), hop++) {
    const stream = <usize> load<u32>(record, STREAM_AT);
    if (stream + PAYLOAD_LENGTH > <usize> load<u32>(record, STREAM_END)) return -2 - hop;
    recognized ^= load<u16>(stream, RECOGNIZED_AT);
    if (recognized !== 0) continue;
    const behind = <usize> load<u32>(record, FOLLOWING);
    addLayers(first, behind, payload);
    const digest = load<u32>(payload, PAYLOAD_DIGEST_AT);
    store<u32>(payload, 0, PAYLOAD_DIGEST_AT);
    memory.copy(BEFORE, record + STATE, BEFORE_LENGTH);
    hash(record, payload);
    writeDigest(record);
    // One comparison of all 32 bits: its time does not tell how many of them agree.
    if (load<u32>(LAST_STATE) === digest) {
      memory.copy(record + DIGEST, LAST_STATE, 20);
      useUp(first, behind);
      return hop;
    }
    // Zero by chance, once in 65,536: the payload is of a hop further on, or nobody's. The layers
    // are put back, so that a record without key stream finds the payload as it was.
    memory.copy(record + STATE, BEFORE, BEFORE_LENGTH);
    store<u32>(payload, digest, PAYLOAD_DIGEST_AT);
    addLayers(first, behind, payload);
  }
  addLayers(first, 0, payload);
  useUp(first, 0);
  return -1;
}

/**
 * Writes recognized and digest of the payload for the hop whose record is `first`, and adds the
 * layers of that record and those that follow.
 *
 * @returns 0; or -2 - N when the Nth record has no key stream left, and nothing was done
 */
export function seal(first: usize, payload: usize): i32 {
  let number = 0;
  for (let record = first; record !== 0; record = load<u32>(record, FOLLOWING), number++) {
    const end = <usize> load<u32>(record, STREAM_AT) + PAYLOAD_LENGTH;
    if (end > <usize> load<u32>(record, STREAM_END)) return -2 - number;
  }
  store<u16>(payload, 0, RECOGNIZED_AT);
  store<u32>(payload, 0, PAYLOAD_DIGEST_AT);
  hash(first, payload);
  writeDigest(first);
  memory.copy(first + DIGEST, LAST_STATE, 20);
  store<u32>(payload, load<u32>(LAST_STATE), PAYLOAD_DIGEST_AT);
  addLayers(first, 0, payload);
  useUp(first, 0);
  return 0;
}

/** Sets a record up: a digest of nothing but the 20 bytes at `seed`, and no key stream. */
export function begin(record: usize, seed: usize): void {
  memory.fill(record, 0, 128);
  store<u32>(record, 0x67452301, STATE);
  store<u32>(record, 0xefcdab89, STATE + 4);
  store<u32>(record, 0x98badcfe, STATE + 8);
  store<u32>(record, 0x10325476, STATE + 12);
  store<u32>(record, 0xc3d2e1f0, STATE + 16);
  memory.copy(record + BLOCK, seed, 20);
  store<u64>(record, 20, HASHED);
}

/** XORs the key streams of `first` and those that follow, up to `end`, onto the payload. */
function addLayers(first: usize, end: usize, payload: usize): void {
  let record = first;
  while (record !== end) {
    const a = <usize> load<u32>(record, STREAM_AT);
    const second = <usize> load<u32>(record, FOLLOWING);
    const third = second === end ? end : <usize> load<u32>(second, FOLLOWING);
    if (third === end) {
      addOne(payload, a);
      record = second;
      continue;
    }
    addThree(payload, a, load<u32>(second, STREAM_AT), load<u32>(third, STREAM_AT));
    record = load<u32>(third, FOLLOWING);
  }
}

// The last vector overlaps the one before: what it covers is read before anything is written there.

function addOne(payload: usize, a: usize): void {
  const last = v128.xor(v128.load(payload, 493), v128.load(a, 493));
  for (let at: usize = 0; at < 496; at += 16) {
    v128.store(payload + at, v128.xor(v128.load(payload + at), v128.load(a + at)));
  }
  v128.store(payload, last, 493);
}

function addThree(payload: usize, a: usize, b: usize, c: usize): void {
  const last = v128.xor(
    v128.xor(v128.load(payload, 493), v128.load(a, 493)),
    v128.xor(v128.load(b, 493), v128.load(c, 493)),
  );
  for (let at: usize = 0; at < 496; at += 16) {
    v128.store(
      payload + at,
      v128.xor(
        v128.xor(v128.load(payload + at), v128.load(a + at)),
        v128.xor(v128.load(b + at), v128.load(c + at)),
      ),
    );
  }
  v128.store(payload, last, 493);
}

/** Marks the key stream that went onto a payload as used. */
function useUp(first: usize, end: usize): void {
  for (let record = first; record !== end; record = load<u32>(record, FOLLOWING)) {
    store<u32>(record, load<u32>(record, STREAM_AT) + <u32> PAYLOAD_LENGTH, STREAM_AT);
  }
}

/** Takes the payload into the record's SHA-1. */
function hash(record: usize, payload: usize): void {
  const held = <usize> (load<u64>(record, HASHED) % <u64> BLOCK_LENGTH);
  store<u64>(record, load<u64>(record, HASHED) + PAYLOAD_LENGTH, HASHED);
  let at: usize = 0;
  if (held > 0) {
    at = BLOCK_LENGTH - held;
    memory.copy(record + BLOCK + held, payload, at);
    compress(record + STATE, record + BLOCK);
  }
  for (; at + BLOCK_LENGTH <= PAYLOAD_LENGTH; at += BLOCK_LENGTH) {
    compress(record + STATE, payload + at);
  }
  memory.copy(record + BLOCK, payload + at, PAYLOAD_LENGTH - at);
}

/** Leaves the digest of all that the record's SHA-1 has taken in LAST_STATE; the record stays as it is. */
function writeDigest(record: usize): void {
  const hashed = load<u64>(record, HASHED);
  const held = <usize> (hashed % <u64> BLOCK_LENGTH);
  memory.copy(LAST_STATE, record + STATE, 20);
  memory.fill(LAST_BLOCKS, 0, 128);
  memory.copy(LAST_BLOCKS, record + BLOCK, held);
  store<u8>(LAST_BLOCKS + held, 0x80);
  let last = LAST_BLOCKS;
  if (held >= BIT_LENGTH_AT) {
    compress(LAST_STATE, last);
    last += BLOCK_LENGTH;
  }
  store<u64>(last, bswap<u64>(hashed << 3), BIT_LENGTH_AT);
  compress(LAST_STATE, last);
  for (let word: usize = 0; word < 20; word += 4) {
    store<u32>(LAST_STATE + word, bswap<u32>(load<u32>(LAST_STATE + word)));
  }
}

/**
 * Takes the 64 bytes at `block` into the state of a SHA-1 (FIPS 180-4, 6.1.2). Written out round by
 * round, so that all stays in registers: loops take a third longer.
 */
// deno-fmt-ignore
function compress(state: usize, block: usize): void {
  let a = load<u32>(state), b = load<u32>(state, 4), c = load<u32>(state, 8);
  let d = load<u32>(state, 12), e = load<u32>(state, 16);
  let w0 = bswap<u32>(load<u32>(block, 0)), w1 = bswap<u32>(load<u32>(block, 4));
  let w2 = bswap<u32>(load<u32>(block, 8)), w3 = bswap<u32>(load<u32>(block, 12));
  let w4 = bswap<u32>(load<u32>(block, 16)), w5 = bswap<u32>(load<u32>(block, 20));
  let w6 = bswap<u32>(load<u32>(block, 24)), w7 = bswap<u32>(load<u32>(block, 28));
  let w8 = bswap<u32>(load<u32>(block, 32)), w9 = bswap<u32>(load<u32>(block, 36));
  let w10 = bswap<u32>(load<u32>(block, 40)), w11 = bswap<u32>(load<u32>(block, 44));
  let w12 = bswap<u32>(load<u32>(block, 48)), w13 = bswap<u32>(load<u32>(block, 52));
  let w14 = bswap<u32>(load<u32>(block, 56)), w15 = bswap<u32>(load<u32>(block, 60));
  // Rounds 0 to 19.
  e += rotl<u32>(a, 5) + choose(b, c, d) + (w0 + K0); b = rotl<u32>(b, 30);
  d += rotl<u32>(e, 5) + choose(a, b, c) + (w1 + K0); a = rotl<u32>(a, 30);
  c += rotl<u32>(d, 5) + choose(e, a, b) + (w2 + K0); e = rotl<u32>(e, 30);
  b += rotl<u32>(c, 5) + choose(d, e, a) + (w3 + K0); d = rotl<u32>(d, 30);
  a += rotl<u32>(b, 5) + choose(c, d, e) + (w4 + K0); c = rotl<u32>(c, 30);
  e += rotl<u32>(a, 5) + choose(b, c, d) + (w5 + K0); b = rotl<u32>(b, 30);
  d += rotl<u32>(e, 5) + choose(a, b, c) + (w6 + K0); a = rotl<u32>(a, 30);
  c += rotl<u32>(d, 5) + choose(e, a, b) + (w7 + K0); e = rotl<u32>(e, 30);
  b += rotl<u32>(c, 5) + choose(d, e, a) + (w8 + K0); d = rotl<u32>(d, 30);
  a += rotl<u32>(b, 5) + choose(c, d, e) + (w9 + K0); c = rotl<u32>(c, 30);
  e += rotl<u32>(a, 5) + choose(b, c, d) + (w10 + K0); b = rotl<u32>(b, 30);
  d += rotl<u32>(e, 5) + choose(a, b, c) + (w11 + K0); a = rotl<u32>(a, 30);
  c += rotl<u32>(d, 5) + choose(e, a, b) + (w12 + K0); e = rotl<u32>(e, 30);
  b += rotl<u32>(c, 5) + choose(d, e, a) + (w13 + K0); d = rotl<u32>(d, 30);
  a += rotl<u32>(b, 5) + choose(c, d, e) + (w14 + K0); c = rotl<u32>(c, 30);
  e += rotl<u32>(a, 5) + choose(b, c, d) + (w15 + K0); b = rotl<u32>(b, 30);
  w0 = mix(w13, w8, w2, w0); d += rotl<u32>(e, 5) + choose(a, b, c) + (w0 + K0); a = rotl<u32>(a, 30);
  w1 = mix(w14, w9, w3, w1); c += rotl<u32>(d, 5) + choose(e, a, b) + (w1 + K0); e = rotl<u32>(e, 30);
  w2 = mix(w15, w10, w4, w2); b += rotl<u32>(c, 5) + choose(d, e, a) + (w2 + K0); d = rotl<u32>(d, 30);
  w3 = mix(w0, w11, w5, w3); a += rotl<u32>(b, 5) + choose(c, d, e) + (w3 + K0); c = rotl<u32>(c, 30);
  // Rounds 20 to 39.
  w4 = mix(w1, w12, w6, w4); e += rotl<u32>(a, 5) + parity(b, c, d) + (w4 + K1); b = rotl<u32>(b, 30);
  w5 = mix(w2, w13, w7, w5); d += rotl<u32>(e, 5) + parity(a, b, c) + (w5 + K1); a = rotl<u32>(a, 30);
  w6 = mix(w3, w14, w8, w6); c += rotl<u32>(d, 5) + parity(e, a, b) + (w6 + K1); e = rotl<u32>(e, 30);
  w7 = mix(w4, w15, w9, w7); b += rotl<u32>(c, 5) + parity(d, e, a) + (w7 + K1); d = rotl<u32>(d, 30);
  w8 = mix(w5, w0, w10, w8); a += rotl<u32>(b, 5) + parity(c, d, e) + (w8 + K1); c = rotl<u32>(c, 30);
  w9 = mix(w6, w1, w11, w9); e += rotl<u32>(a, 5) + parity(b, c, d) + (w9 + K1); b = rotl<u32>(b, 30);
  w10 = mix(w7, w2, w12, w10); d += rotl<u32>(e, 5) + parity(a, b, c) + (w10 + K1); a = rotl<u32>(a, 30);
  w11 = mix(w8, w3, w13, w11); c += rotl<u32>(d, 5) + parity(e, a, b) + (w11 + K1); e = rotl<u32>(e, 30);
  w12 = mix(w9, w4, w14, w12); b += rotl<u32>(c, 5) + parity(d, e, a) + (w12 + K1); d = rotl<u32>(d, 30);
  w13 = mix(w10, w5, w15, w13); a += rotl<u32>(b, 5) + parity(c, d, e) + (w13 + K1); c = rotl<u32>(c, 30);
  w14 = mix(w11, w6, w0, w14); e += rotl<u32>(a, 5) + parity(b, c, d) + (w14 + K1); b = rotl<u32>(b, 30);
  w15 = mix(w12, w7, w1, w15); d += rotl<u32>(e, 5) + parity(a, b, c) + (w15 + K1); a = rotl<u32>(a, 30);
  w0 = mix(w13, w8, w2, w0); c += rotl<u32>(d, 5) + parity(e, a, b) + (w0 + K1); e = rotl<u32>(e, 30);
  w1 = mix(w14, w9, w3, w1); b += rotl<u32>(c, 5) + parity(d, e, a) + (w1 + K1); d = rotl<u32>(d, 30);
  w2 = mix(w15, w10, w4, w2); a += rotl<u32>(b, 5) + parity(c, d, e) + (w2 + K1); c = rotl<u32>(c, 30);
  w3 = mix(w0, w11, w5, w3); e += rotl<u32>(a, 5) + parity(b, c, d) + (w3 + K1); b = rotl<u32>(b, 30);
  w4 = mix(w1, w12, w6, w4); d += rotl<u32>(e, 5) + parity(a, b, c) + (w4 + K1); a = rotl<u32>(a, 30);
  w5 = mix(w2, w13, w7, w5); c += rotl<u32>(d, 5) + parity(e, a, b) + (w5 + K1); e = rotl<u32>(e, 30);
  w6 = mix(w3, w14, w8, w6); b += rotl<u32>(c, 5) + parity(d, e, a) + (w6 + K1); d = rotl<u32>(d, 30);
  w7 = mix(w4, w15, w9, w7); a += rotl<u32>(b, 5) + parity(c, d, e) + (w7 + K1); c = rotl<u32>(c, 30);
  // Rounds 40 to 59.
  w8 = mix(w5, w0, w10, w8); e += rotl<u32>(a, 5) + majority(b, c, d) + (w8 + K2); b = rotl<u32>(b, 30);
  w9 = mix(w6, w1, w11, w9); d += rotl<u32>(e, 5) + majority(a, b, c) + (w9 + K2); a = rotl<u32>(a, 30);
  w10 = mix(w7, w2, w12, w10); c += rotl<u32>(d, 5) + majority(e, a, b) + (w10 + K2); e = rotl<u32>(e, 30);
  w11 = mix(w8, w3, w13, w11); b += rotl<u32>(c, 5) + majority(d, e, a) + (w11 + K2); d = rotl<u32>(d, 30);
  w12 = mix(w9, w4, w14, w12); a += rotl<u32>(b, 5) + majority(c, d, e) + (w12 + K2); c = rotl<u32>(c, 30);
  w13 = mix(w10, w5, w15, w13); e += rotl<u32>(a, 5) + majority(b, c, d) + (w13 + K2); b = rotl<u32>(b, 30);
  w14 = mix(w11, w6, w0, w14); d += rotl<u32>(e, 5) + majority(a, b, c) + (w14 + K2); a = rotl<u32>(a, 30);
  w15 = mix(w12, w7, w1, w15); c += rotl<u32>(d, 5) + majority(e, a, b) + (w15 + K2); e = rotl<u32>(e, 30);
  w0 = mix(w13, w8, w2, w0); b += rotl<u32>(c, 5) + majority(d, e, a) + (w0 + K2); d = rotl<u32>(d, 30);
  w1 = mix(w14, w9, w3, w1); a += rotl<u32>(b, 5) + majority(c, d, e) + (w1 + K2); c = rotl<u32>(c, 30);
  w2 = mix(w15, w10, w4, w2); e += rotl<u32>(a, 5) + majority(b, c, d) + (w2 + K2); b = rotl<u32>(b, 30);
  w3 = mix(w0, w11, w5, w3); d += rotl<u32>(e, 5) + majority(a, b, c) + (w3 + K2); a = rotl<u32>(a, 30);
  w4 = mix(w1, w12, w6, w4); c += rotl<u32>(d, 5) + majority(e, a, b) + (w4 + K2); e = rotl<u32>(e, 30);
  w5 = mix(w2, w13, w7, w5); b += rotl<u32>(c, 5) + majority(d, e, a) + (w5 + K2); d = rotl<u32>(d, 30);
  w6 = mix(w3, w14, w8, w6); a += rotl<u32>(b, 5) + majority(c, d, e) + (w6 + K2); c = rotl<u32>(c, 30);
  w7 = mix(w4, w15, w9, w7); e += rotl<u32>(a, 5) + majority(b, c, d) + (w7 + K2); b = rotl<u32>(b, 30);
  w8 = mix(w5, w0, w10, w8); d += rotl<u32>(e, 5) + majority(a, b, c) + (w8 + K2); a = rotl<u32>(a, 30);
  w9 = mix(w6, w1, w11, w9); c += rotl<u32>(d, 5) + majority(e, a, b) + (w9 + K2); e = rotl<u32>(e, 30);
  w10 = mix(w7, w2, w12, w10); b += rotl<u32>(c, 5) + majority(d, e, a) + (w10 + K2); d = rotl<u32>(d, 30);
  w11 = mix(w8, w3, w13, w11); a += rotl<u32>(b, 5) + majority(c, d, e) + (w11 + K2); c = rotl<u32>(c, 30);
  // Rounds 60 to 79.
  w12 = mix(w9, w4, w14, w12); e += rotl<u32>(a, 5) + parity(b, c, d) + (w12 + K3); b = rotl<u32>(b, 30);
  w13 = mix(w10, w5, w15, w13); d += rotl<u32>(e, 5) + parity(a, b, c) + (w13 + K3); a = rotl<u32>(a, 30);
  w14 = mix(w11, w6, w0, w14); c += rotl<u32>(d, 5) + parity(e, a, b) + (w14 + K3); e = rotl<u32>(e, 30);
  w15 = mix(w12, w7, w1, w15); b += rotl<u32>(c, 5) + parity(d, e, a) + (w15 + K3); d = rotl<u32>(d, 30);
  w0 = mix(w13, w8, w2, w0); a += rotl<u32>(b, 5) + parity(c, d, e) + (w0 + K3); c = rotl<u32>(c, 30);
  w1 = mix(w14, w9, w3, w1); e += rotl<u32>(a, 5) + parity(b, c, d) + (w1 + K3); b = rotl<u32>(b, 30);
  w2 = mix(w15, w10, w4, w2); d += rotl<u32>(e, 5) + parity(a, b, c) + (w2 + K3); a = rotl<u32>(a, 30);
  w3 = mix(w0, w11, w5, w3); c += rotl<u32>(d, 5) + parity(e, a, b) + (w3 + K3); e = rotl<u32>(e, 30);
  w4 = mix(w1, w12, w6, w4); b += rotl<u32>(c, 5) + parity(d, e, a) + (w4 + K3); d = rotl<u32>(d, 30);
  w5 = mix(w2, w13, w7, w5); a += rotl<u32>(b, 5) + parity(c, d, e) + (w5 + K3); c = rotl<u32>(c, 30);
  w6 = mix(w3, w14, w8, w6); e += rotl<u32>(a, 5) + parity(b, c, d) + (w6 + K3); b = rotl<u32>(b, 30);
  w7 = mix(w4, w15, w9, w7); d += rotl<u32>(e, 5) + parity(a, b, c) + (w7 + K3); a = rotl<u32>(a, 30);
  w8 = mix(w5, w0, w10, w8); c += rotl<u32>(d, 5) + parity(e, a, b) + (w8 + K3); e = rotl<u32>(e, 30);
  w9 = mix(w6, w1, w11, w9); b += rotl<u32>(c, 5) + parity(d, e, a) + (w9 + K3); d = rotl<u32>(d, 30);
  w10 = mix(w7, w2, w12, w10); a += rotl<u32>(b, 5) + parity(c, d, e) + (w10 + K3); c = rotl<u32>(c, 30);
  w11 = mix(w8, w3, w13, w11); e += rotl<u32>(a, 5) + parity(b, c, d) + (w11 + K3); b = rotl<u32>(b, 30);
  w12 = mix(w9, w4, w14, w12); d += rotl<u32>(e, 5) + parity(a, b, c) + (w12 + K3); a = rotl<u32>(a, 30);
  w13 = mix(w10, w5, w15, w13); c += rotl<u32>(d, 5) + parity(e, a, b) + (w13 + K3); e = rotl<u32>(e, 30);
  w14 = mix(w11, w6, w0, w14); b += rotl<u32>(c, 5) + parity(d, e, a) + (w14 + K3); d = rotl<u32>(d, 30);
  w15 = mix(w12, w7, w1, w15); a += rotl<u32>(b, 5) + parity(c, d, e) + (w15 + K3); c = rotl<u32>(c, 30);
  store<u32>(state, a + load<u32>(state));
  store<u32>(state, b + load<u32>(state, 4), 4);
  store<u32>(state, c + load<u32>(state, 8), 8);
  store<u32>(state, d + load<u32>(state, 12), 12);
  store<u32>(state, e + load<u32>(state, 16), 16);
}

const K0: u32 = 0x5a827999;
const K1: u32 = 0x6ed9eba1;
const K2: u32 = 0x8f1bbcdc;
const K3: u32 = 0xca62c1d6;

function choose(x: u32, y: u32, z: u32): u32 {
  return z ^ (x & (y ^ z));
}

function parity(x: u32, y: u32, z: u32): u32 {
  return x ^ y ^ z;
}

/** The two parts have no bit in common, so their sum is what the standard's OR gives. */
function majority(x: u32, y: u32, z: u32): u32 {
  return (x & y) + (z & (x ^ y));
}

/** The next word of the message schedule. */
function mix(w3: u32, w8: u32, w14: u32, w16: u32): u32 {
  return rotl<u32>(w3 ^ w8 ^ w14 ^ w16, 1);
}
