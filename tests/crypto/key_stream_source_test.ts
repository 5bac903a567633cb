import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { KeyStreamSource, PIECE_LENGTHS } from "../../src/crypto/key_stream_source.ts";

const KEY = Uint8Array.fromHex("000102030405060708090a0b0c0d0e0f");

/** `length` bytes of AES-128-CTR from block `block` on. */
function ctr(block: number, length: number): Uint8Array {
  const iv = new Uint8Array(16);
  new DataView(iv.buffer).setBigUint64(8, BigInt(block));
  const cipher = createCipheriv("aes-128-ctr", KEY, iv);
  const stream = new Uint8Array(cipher.update(new Uint8Array(length)));
  cipher.final();
  return stream;
}

Deno.test("pieces follow each other at the block of the next unused byte", () => {
  const source = new KeyStreamSource(KEY);
  assert.deepEqual(new Uint8Array(source.next(0, 0)), ctr(0, 1024));
  assert.deepEqual(new Uint8Array(source.next(1018, 1)), ctr(63, 4096));
  assert.deepEqual(new Uint8Array(source.next(4096, 2)), ctr(63 + 256, 32768));
  assert.deepEqual(new Uint8Array(source.next(15, 0)), ctr(63 + 256, 1024));
});

Deno.test("pieces grow with use and begin short again", () => {
  const source = new KeyStreamSource(KEY);
  const lengths = (count: number) =>
    Array.from({ length: count }, () => source.next(0, source.rank).length);
  const [short, middle, long] = PIECE_LENGTHS;
  const grown = [short, short, short, short, middle, middle, middle, middle, long, long];
  assert.deepEqual(lengths(10), grown);
  source.shrink();
  assert.deepEqual(lengths(10), grown);
  source.wipe();
});

Deno.test("a stream that has to do with less grows no further", () => {
  const source = new KeyStreamSource(KEY);
  for (let count = 0; count < 20; count++) {
    assert.equal(source.next(0, Math.min(source.rank, 1)).length, count < 4 ? 1024 : 4096);
  }
  assert.equal(source.rank, 2);
});

Deno.test("the counter carries beyond 32 bits, for every stream alike", () => {
  const carries = new KeyStreamSource(KEY);
  const beyond = new KeyStreamSource(KEY);
  const low = new KeyStreamSource(KEY);
  const before = 2 ** 32 - 10;
  assert.deepEqual(new Uint8Array(carries.next(16 * before, 0)), ctr(before, 1024));
  assert.deepEqual(new Uint8Array(low.next(0, 2)), ctr(0, 32768));
  assert.deepEqual(new Uint8Array(beyond.next(16 * (2 ** 33 + 5), 1)), ctr(2 ** 33 + 5, 4096));
  assert.deepEqual(new Uint8Array(carries.next(1024, 2)), ctr(before + 64, 32768));
  assert.deepEqual(new Uint8Array(low.next(0, 0)), ctr(0, 1024));
  for (const source of [carries, beyond, low]) source.wipe();
});

Deno.test("a key of another length is refused, and a wiped one is gone", () => {
  assert.throws(() => new KeyStreamSource(KEY.subarray(1)), RangeError);
  const source = new KeyStreamSource(KEY);
  source.wipe();
  assert.notDeepEqual(new Uint8Array(source.next(0, 0)), ctr(0, 1024));
});
