import assert from "node:assert/strict";
import type { ByteStream } from "../../src/runtime/byte_stream.ts";
import { discard, download, Upload, writeAll } from "../../src/proxy/transfer.ts";
import { EarlyData } from "../../src/stream/early_data.ts";
import { FakeStream } from "./fake_opener.ts";

/** A connection that gives `pieces` and then ends; each read gives at most one piece. */
function source(pieces: Uint8Array[]) {
  const lengths: number[] = [];
  return {
    /** How much each read asked for. */
    lengths,
    read(buffer: Uint8Array): Promise<number | null> {
      lengths.push(buffer.length);
      const piece = pieces.shift();
      if (piece === undefined) return Promise.resolve(null);
      const taken = piece.subarray(0, buffer.length);
      if (taken.length < piece.length) pieces.unshift(piece.subarray(taken.length));
      buffer.set(taken);
      return Promise.resolve(taken.length);
    },
  };
}

/** Bytes that tell their place. */
function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
}

const never = new Promise<ByteStream>(() => {});

Deno.test("writeAll: goes on after partial writes", async () => {
  const written: number[] = [];
  await writeAll({
    write(bytes: Uint8Array) {
      const taken = bytes.subarray(0, 3);
      written.push(...taken);
      return Promise.resolve(taken.length);
    },
  }, pattern(10));
  assert.deepEqual(Uint8Array.from(written), pattern(10));
});

Deno.test("download: reads no more of the stream while the application has not taken it", async () => {
  const stream = new FakeStream();
  for (let i = 0; i < 10; i++) stream.deliver(Uint8Array.of(i, i));
  stream.deliver(null);
  const writes: { bytes: Uint8Array; finish: () => void }[] = [];
  let announce = () => {};
  const sink = {
    write(bytes: Uint8Array): Promise<number> {
      const { promise, resolve } = Promise.withResolvers<number>();
      writes.push({ bytes, finish: () => resolve(bytes.length) });
      announce();
      return promise;
    },
  };
  const done = download(stream, sink);
  for (let i = 0; i < 10; i++) {
    if (writes.length === i) await new Promise<void>((resolve) => announce = resolve);
    // Everything else that could run has run.
    await new Promise((resolve) => setTimeout(resolve));
    assert.deepEqual([writes.length, stream.reads], [i + 1, i + 1]);
    assert.deepEqual(writes[i].bytes, Uint8Array.of(i, i));
    writes[i].finish();
  }
  await done;
});

Deno.test("download: rejects with the stream's error", async () => {
  const stream = new FakeStream();
  stream.deliver(new Error("the circuit is gone"));
  await assert.rejects(
    download(stream, { write: (bytes) => Promise.resolve(bytes.length) }),
    /the circuit is gone/,
  );
});

Deno.test("Upload: early data first, at most 64 KiB, then the stream, nothing lost or doubled", async () => {
  const all = pattern(300_000);
  const conn = source([all.slice()]);
  const early = new EarlyData();
  const stream = new FakeStream();
  const opening = Promise.withResolvers<ByteStream>();
  early.onAppend = () => {
    if (early.room > 0) return;
    // As an opener does: all early data written, then closed in the turn in which it resolves.
    queueMicrotask(async () => {
      await stream.write(early.bytes);
      early.close();
      opening.resolve(stream);
    });
  };
  assert.equal(await new Upload(conn, early, opening.promise).run(), true);
  assert.deepEqual(stream.written, all);
  assert.equal(Math.max(...conn.lengths), 64 * 498, "a busy upload reads 64 cells at a time");
});

Deno.test("Upload: reads much from an application in full flow alone, and waits with a small buffer", async () => {
  const pieces = [3_000, 3_984, 31_872, 20_000, 15_000, 3_984, 2_000, 100].map(pattern);
  const conn = source(pieces);
  const early = new EarlyData();
  early.close();
  const stream = new FakeStream();
  assert.equal(await new Upload(conn, early, Promise.resolve(stream)).run(), true);
  const [small, large] = [8 * 498, 64 * 498];
  assert.deepEqual(conn.lengths, [
    ...[small, small, large, large, large],
    ...[small, large, small, small],
  ]);
  assert.equal(stream.written.length, 79_940);
});

Deno.test("Upload: closed while a read is under way, the read's bytes go to the stream", async () => {
  const early = new EarlyData();
  const stream = new FakeStream();
  const opening = Promise.withResolvers<ByteStream>();
  const pieces = [pattern(5), pattern(7)];
  const conn = {
    read(buffer: Uint8Array): Promise<number | null> {
      const piece = pieces.shift();
      if (piece === undefined) return Promise.resolve(null);
      buffer.set(piece);
      if (pieces.length === 0) {
        early.close();
        opening.resolve(stream);
      }
      return Promise.resolve(piece.length);
    },
  };
  const appended: number[] = [];
  early.onAppend = (bytes) => appended.push(...bytes);
  assert.equal(await new Upload(conn, early, opening.promise).run(), true);
  assert.deepEqual(Uint8Array.from(appended), pattern(5));
  assert.deepEqual(stream.written, pattern(7));
});

Deno.test("Upload: does not read on while the stream has not taken what was read", async () => {
  const conn = source([pattern(10), pattern(10)]);
  const early = new EarlyData();
  early.close();
  const stream = new FakeStream();
  const firstWrite = Promise.withResolvers<void>();
  const window = Promise.withResolvers<void>();
  stream.onWrite = () => {
    firstWrite.resolve();
    return window.promise;
  };
  const running = new Upload(conn, early, Promise.resolve(stream)).run();
  await firstWrite.promise;
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(conn.lengths.length, 1);
  window.resolve();
  assert.equal(await running, true);
  assert.equal(stream.written.length, 20);
});

Deno.test("Upload: ends without a word when the stream cannot be opened, or takes no more", async () => {
  const full = new EarlyData();
  full.append(new Uint8Array(EarlyData.LIMIT));
  const failed = Promise.reject(new Error("no circuit"));
  assert.equal(await new Upload(source([pattern(1)]), full, failed).run(), false);
  const closed = new FakeStream();
  closed.close();
  const early = new EarlyData();
  early.close();
  const upload = new Upload(source([pattern(1)]), early, Promise.resolve(closed));
  assert.equal(await upload.run(), false);
});

Deno.test("Upload: stop drops what the last read gives; a failed read is an end", async () => {
  const early = new EarlyData();
  const upload = new Upload(source([pattern(1)]), early, never);
  upload.stop();
  assert.equal(await upload.run(), false);
  assert.equal(early.bytes.length, 0);
  const reset = { read: () => Promise.reject(new Deno.errors.ConnectionReset("reset")) };
  assert.equal(await new Upload(reset, early, never).run(), true);
});

Deno.test("discard: to the end, or until it is too much", async () => {
  assert.equal(await discard(source([pattern(100_000)])), true);
  const endless = source([new Uint8Array(10_000_000)]);
  assert.equal(await discard(endless), false);
  assert(endless.lengths.reduce((sum, length) => sum + length) < 1_100_000);
});
