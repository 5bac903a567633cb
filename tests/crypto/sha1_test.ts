import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { Sha1, SHA1_LENGTH } from "../../src/crypto/sha1.ts";

/** FIPS 180-4's examples, and the digest of nothing. */
const VECTORS: readonly [message: string, digest: string][] = [
  ["", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
  ["abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
  ],
  ["a".repeat(1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"],
];

for (const [message, expected] of VECTORS) {
  Deno.test(`the SHA-1 of ${message.length} bytes is the standard's`, () => {
    const sha1 = new Sha1();
    sha1.update(new TextEncoder().encode(message));
    assert.equal(digestOf(sha1), expected);
  });
}

Deno.test("messages of every length around two blocks have node's digest", () => {
  const bytes = new Uint8Array(130).map((_, index) => index * 37);
  for (let length = 0; length <= bytes.length; length++) {
    const sha1 = new Sha1();
    sha1.update(bytes.subarray(0, length));
    assert.equal(digestOf(sha1), nodeDigest([bytes.subarray(0, length)]), `${length} bytes`);
  }
});

Deno.test("pieces at any offset of a buffer, with digests between them, have node's digests", () => {
  const piece = fc.record({
    before: fc.nat({ max: 9 }),
    bytes: fc.uint8Array({ maxLength: 600 }),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const sha1 = new Sha1();
      const added: Uint8Array[] = [];
      for (const { before, bytes } of pieces) {
        const buffer = new Uint8Array(before + bytes.length + 3).fill(0xa5);
        buffer.set(bytes, before);
        sha1.update(buffer.subarray(before, before + bytes.length));
        added.push(bytes);
        assert.equal(digestOf(sha1), nodeDigest(added));
      }
    }),
    { seed: 1 },
  );
});

Deno.test("a copy is what the other was, and both go on by themselves", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }),
      (first, second, third) => {
        const original = new Sha1();
        original.update(first);
        const copy = new Sha1();
        copy.update(third);
        copy.copyFrom(original);
        original.update(second);
        copy.update(third);
        assert.equal(digestOf(original), nodeDigest([first, second]));
        assert.equal(digestOf(copy), nodeDigest([first, third]));
      },
    ),
    { seed: 1 },
  );
});

Deno.test("a message's length is counted past 2^32 bits", () => {
  const megabytes = new Uint8Array(8 * 1024 * 1024).fill(0x5c);
  const sha1 = new Sha1();
  const node = createHash("sha1");
  for (let piece = 0; piece < 65; piece++) {
    sha1.update(megabytes);
    node.update(megabytes);
  }
  assert.equal(digestOf(sha1), node.digest("hex"));
});

function digestOf(sha1: Sha1): string {
  const digest = new Uint8Array(SHA1_LENGTH);
  sha1.digestInto(new DataView(digest.buffer));
  return digest.toHex();
}

function nodeDigest(pieces: readonly Uint8Array[]): string {
  const hash = createHash("sha1");
  for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}
