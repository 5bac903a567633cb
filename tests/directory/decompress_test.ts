import assert from "node:assert/strict";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { decompress } from "../../src/directory/decompress.ts";
import { nextTurn } from "../../src/runtime/event_loop.ts";
import { DirectoryError, type DirectoryErrorCode } from "../../src/directory/errors.ts";

const MEGABYTE = 1024 * 1024;
const compressors = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync };
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

async function refuses(body: Uint8Array, code: DirectoryErrorCode, maxLength = MEGABYTE) {
  await assert.rejects(
    () => decompress(body, maxLength),
    (error) => error instanceof DirectoryError && error.code === code,
  );
}

Deno.test("plain text is left as it is, within its limit", async () => {
  const text = encode("network-status-version 3 microdesc\n");
  assert.equal(await decompress(text, 100), text);
  assert.equal((await decompress(new Uint8Array(0), 100)).length, 0);
  await refuses(text, "directory-http-too-large", 10);
});

for (const [name, compress] of Object.entries(compressors)) {
  Deno.test(`${name}: any bytes come back`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
        assert.deepEqual(new Uint8Array(await decompress(compress(bytes), MEGABYTE)), bytes);
      }),
      { seed: 1 },
    );
  });

  Deno.test(`${name}: several documents in a row come back as one`, async () => {
    const body = join(compress(encode("one ")), compress(encode("")), compress(encode("two")));
    assert.equal(decode(await decompress(body, MEGABYTE)), "one two");
    assert.equal(decode(await decompress(body, 7)), "one two");
  });

  Deno.test(`${name}: a body that is cut off anywhere is refused`, async () => {
    const body = compress(encode("onion-key\n".repeat(40) + Math.PI));
    for (let length = 5; length < body.length; length++) {
      await refuses(body.subarray(0, length), "directory-encoding-invalid");
    }
    await refuses(join(body, body.subarray(0, body.length - 1)), "directory-encoding-invalid");
  });

  Deno.test(`${name}: junk behind a document is refused`, async () => {
    await refuses(join(compress(encode("one")), encode("junk")), "directory-encoding-invalid");
  });

  Deno.test(`${name}: a bomb is refused at the document's limit`, async () => {
    await refuses(compress(new Uint8Array(2 * MEGABYTE)), "directory-compression-bomb");
    assert.equal((await decompress(compress(new Uint8Array(MEGABYTE)), MEGABYTE)).length, MEGABYTE);
  });

  Deno.test(`${name}: a bomb within the document's limit is refused by its ratio`, async () => {
    await refuses(
      compress(new Uint8Array(6 * MEGABYTE)),
      "directory-compression-bomb",
      100 * MEGABYTE,
    );
  });

  Deno.test(`${name}: many small bombs in a row are one bomb`, async () => {
    const small = compress(new Uint8Array(MEGABYTE));
    await refuses(
      join(...Array.from({ length: 7 }, () => small)),
      "directory-compression-bomb",
      100 * MEGABYTE,
    );
    await refuses(join(small, small), "directory-compression-bomb", 2 * MEGABYTE - 1);
  });
}

Deno.test("a well compressible document of honest size passes", async () => {
  const text = encode("r name AAAAAAAAAAAAAAAAAAAAAAAAAAA 2038-01-01 00:00:00 192.0.2.1 9001 0\n");
  const document = new Uint8Array(4 * MEGABYTE);
  for (let at = 0; at + text.length < document.length; at += text.length) document.set(text, at);
  const { length } = await decompress(zstdCompressSync(document), 32 * MEGABYTE);
  assert.equal(length, document.length);
});

Deno.test("a row of very many empty streams is refused", async () => {
  const empty = deflateSync(new Uint8Array(0));
  const row = new Uint8Array(empty.length * 2000);
  for (let at = 0; at < row.length; at += empty.length) row.set(empty, at);
  await refuses(row, "directory-compression-bomb");
});

Deno.test("LZMA, which is not offered, is refused", async () => {
  await refuses(new Uint8Array([0x5d, 0, 0, 0x80, 0, 1, 2]), "directory-encoding-unsupported");
});

Deno.test("a zstd window larger than decoders must have is refused", async () => {
  // Descriptor 0: a window byte follows; exponent 14 means 16 MiB; then one empty last block.
  await refuses(
    new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0, 14 << 3, 1, 0, 0]),
    "directory-compression-bomb",
  );
  // A single segment needs as much as its content size says: here 2^40 bytes.
  await refuses(
    new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0]),
    "directory-compression-bomb",
  );
});

Deno.test("random bytes behind each magic number never crash", async () => {
  const magics = [[0x1f, 0x8b], [0x78, 0x9c], [0x28, 0xb5, 0x2f, 0xfd]];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...magics),
      fc.uint8Array({ maxLength: 300 }),
      async (magic, bytes) => {
        try {
          await decompress(new Uint8Array([...magic, ...bytes]), MEGABYTE);
        } catch (error) {
          assert.ok(error instanceof DirectoryError, String(error));
        }
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("others get their turn while a large document is decompressed", async () => {
  const document = new Uint8Array(4 * MEGABYTE);
  for (const compress of Object.values(compressors)) {
    let turns = 0;
    let isOver = false;
    const others = (async () => {
      for (; !isOver; turns++) await nextTurn();
    })();
    await decompress(compress(document), document.length);
    isOver = true;
    await others;
    assert.ok(turns >= 16, `${turns} turns for 4 MiB`);
  }
});

Deno.test("a bomb is not decompressed further than to the limit", async () => {
  // 64 MiB of zeros in 2 KB: all of it would be 256 turns' work.
  const body = zstdCompressSync(new Uint8Array(64 * MEGABYTE));
  let turns = 0;
  let isOver = false;
  const others = (async () => {
    for (; !isOver; turns++) await nextTurn();
  })();
  await refuses(body, "directory-compression-bomb", MEGABYTE);
  isOver = true;
  await others;
  assert.ok(turns <= 16, `${turns} turns for 1 MiB`);
});
