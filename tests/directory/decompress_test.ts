import assert from "node:assert/strict";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { decompress } from "../../src/directory/decompress.ts";
import { DirectoryError, type DirectoryErrorCode } from "../../src/directory/errors.ts";

const MEGABYTE = 1024 * 1024;
const compressors = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync };
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function refuses(body: Uint8Array, code: DirectoryErrorCode, maxLength = MEGABYTE) {
  assert.throws(
    () => decompress(body, maxLength),
    (error) => error instanceof DirectoryError && error.code === code,
  );
}

Deno.test("plain text is left as it is, within its limit", () => {
  const text = encode("network-status-version 3 microdesc\n");
  assert.equal(decompress(text, 100), text);
  assert.equal(decompress(new Uint8Array(0), 100).length, 0);
  refuses(text, "directory-http-too-large", 10);
});

for (const [name, compress] of Object.entries(compressors)) {
  Deno.test(`${name}: any bytes come back`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
        assert.deepEqual(new Uint8Array(decompress(compress(bytes), MEGABYTE)), bytes);
      }),
      { seed: 1 },
    );
  });

  Deno.test(`${name}: several documents in a row come back as one`, () => {
    const body = join(compress(encode("one ")), compress(encode("")), compress(encode("two")));
    assert.equal(decode(decompress(body, MEGABYTE)), "one two");
    assert.equal(decode(decompress(body, 7)), "one two");
  });

  Deno.test(`${name}: a body that is cut off anywhere is refused`, () => {
    const body = compress(encode("onion-key\n".repeat(40) + Math.PI));
    for (let length = 5; length < body.length; length++) {
      refuses(body.subarray(0, length), "directory-encoding-invalid");
    }
    refuses(join(body, body.subarray(0, body.length - 1)), "directory-encoding-invalid");
  });

  Deno.test(`${name}: junk behind a document is refused`, () => {
    refuses(join(compress(encode("one")), encode("junk")), "directory-encoding-invalid");
  });

  Deno.test(`${name}: a bomb is refused at the document's limit`, () => {
    refuses(compress(new Uint8Array(2 * MEGABYTE)), "directory-compression-bomb");
    assert.equal(decompress(compress(new Uint8Array(MEGABYTE)), MEGABYTE).length, MEGABYTE);
  });

  Deno.test(`${name}: a bomb within the document's limit is refused by its ratio`, () => {
    refuses(compress(new Uint8Array(6 * MEGABYTE)), "directory-compression-bomb", 100 * MEGABYTE);
  });

  Deno.test(`${name}: many small bombs in a row are one bomb`, () => {
    const small = compress(new Uint8Array(MEGABYTE));
    refuses(
      join(...Array.from({ length: 7 }, () => small)),
      "directory-compression-bomb",
      100 * MEGABYTE,
    );
    refuses(join(small, small), "directory-compression-bomb", 2 * MEGABYTE - 1);
  });
}

Deno.test("a well compressible document of honest size passes", () => {
  const text = encode("r name AAAAAAAAAAAAAAAAAAAAAAAAAAA 2038-01-01 00:00:00 192.0.2.1 9001 0\n");
  const document = new Uint8Array(4 * MEGABYTE);
  for (let at = 0; at + text.length < document.length; at += text.length) document.set(text, at);
  assert.equal(decompress(zstdCompressSync(document), 32 * MEGABYTE).length, document.length);
});

Deno.test("a row of very many empty streams is refused", () => {
  const empty = deflateSync(new Uint8Array(0));
  const row = new Uint8Array(empty.length * 2000);
  for (let at = 0; at < row.length; at += empty.length) row.set(empty, at);
  refuses(row, "directory-compression-bomb");
});

Deno.test("LZMA, which is not offered, is refused", () => {
  refuses(new Uint8Array([0x5d, 0, 0, 0x80, 0, 1, 2]), "directory-encoding-unsupported");
});

Deno.test("a zstd window larger than decoders must have is refused", () => {
  // Descriptor 0: a window byte follows; exponent 14 means 16 MiB; then one empty last block.
  refuses(
    new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0, 14 << 3, 1, 0, 0]),
    "directory-compression-bomb",
  );
  // A single segment needs as much as its content size says: here 2^40 bytes.
  refuses(
    new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0]),
    "directory-compression-bomb",
  );
});

Deno.test("random bytes behind each magic number never crash", () => {
  const magics = [[0x1f, 0x8b], [0x78, 0x9c], [0x28, 0xb5, 0x2f, 0xfd]];
  fc.assert(
    fc.property(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 300 }), (magic, bytes) => {
      try {
        decompress(new Uint8Array([...magic, ...bytes]), MEGABYTE);
      } catch (error) {
        assert.ok(error instanceof DirectoryError, String(error));
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});
