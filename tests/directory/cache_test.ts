import assert from "node:assert/strict";
import { DirectoryCache } from "../../src/directory/cache.ts";
import {
  type MicrodescriptorDigest,
  parseMicrodescriptors,
  SharedParts,
} from "../../src/netdoc/microdescriptor.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { writeMicrodescriptor } from "../../testnet/document_writer.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { LogLines } from "./log_lines.ts";
import { encode } from "./test_directory.ts";

const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** The `index`th of many microdescriptors, a kilobyte long. */
function text(index: number): string {
  return writeMicrodescriptor({
    onionKey: new Uint8Array(32).fill(index),
    family: `$${"A".repeat(40)}`.padEnd(1000, " $BBBBBBBBBB"),
  });
}

function texts(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, offset) => text(from + offset));
}

function digests(of: readonly string[]): Set<MicrodescriptorDigest> {
  const { microdescriptors } = parseMicrodescriptors(encode(of.join("")));
  return new Set(microdescriptors.map(({ digest }) => digest));
}

class TestCache {
  readonly data: DataDirectory;
  readonly cache: DirectoryCache;

  private constructor(data: DataDirectory) {
    this.data = data;
    this.cache = new DirectoryCache(data, new FakeClock());
  }

  static async open(): Promise<TestCache> {
    const path = await Deno.makeTempDir({ prefix: "chive-cache-" });
    return new TestCache(await DataDirectory.open(path));
  }

  /** What a new start would find. */
  async read(wanted: ReadonlySet<MicrodescriptorDigest>): Promise<Set<MicrodescriptorDigest>> {
    const cache = new DirectoryCache(this.data, new FakeClock());
    const found = await cache.readMicrodescriptors(wanted, new SharedParts());
    return new Set(found.map(({ digest }) => digest));
  }

  async size(name: string): Promise<number | undefined> {
    return (await this.data.read(name, 10_000_000))?.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.data[Symbol.dispose]();
    await Deno.remove(this.data.path, { recursive: true });
  }
}

Deno.test("an empty cache has nothing", async () => {
  await using test = await TestCache.open();
  assert.equal(await test.cache.readConsensus(), undefined);
  assert.equal(await test.cache.readCertificates(), undefined);
  assert.deepEqual(await test.cache.readMicrodescriptors(new Set(), new SharedParts()), []);
  await test.cache.compact(new Set());
  assert.equal(await test.size("cached-microdescs"), undefined);
});

Deno.test("consensus and certificates come back as they were written", async () => {
  await using test = await TestCache.open();
  await test.cache.writeConsensus(encode("consensus"));
  await test.cache.writeCertificates(encode("certificates"));
  assert.equal(decode(await test.cache.readConsensus()), "consensus");
  assert.equal(decode(await test.cache.readCertificates()), "certificates");
});

Deno.test("microdescriptors come back from file and journal, the wanted ones alone", async () => {
  await using test = await TestCache.open();
  await test.data.write("cached-microdescs", encode(texts(0, 3).join("")));
  await test.cache.appendMicrodescriptors(texts(3, 5).map(encode));
  await test.cache.appendMicrodescriptors(texts(5, 6).map(encode));
  await test.cache.appendMicrodescriptors([]);
  const all = digests(texts(0, 6));
  assert.deepEqual(await test.read(all), all);
  const some = digests(texts(2, 4));
  assert.deepEqual(await test.read(some), some);
});

Deno.test("a journal that was cut off anywhere loses its last entry alone, for good", async () => {
  const journal = encode(texts(0, 2).join(""));
  const second = text(0).length;
  for (const cut of [second + 1, second + 12, journal.length - 30, journal.length - 1]) {
    await using test = await TestCache.open();
    await test.data.write("cached-microdescs.new", journal.subarray(0, cut));
    const all = digests(texts(0, 3));
    const found = await test.cache.readMicrodescriptors(all, new SharedParts());
    assert.deepEqual(new Set(found.map(({ digest }) => digest)), digests([text(0)]));
    await test.cache.appendMicrodescriptors([encode(text(2))]);
    assert.deepEqual(await test.read(all), digests([text(0), text(2)]), `cut at ${cut}`);
  }
});

Deno.test("C tor's annotations are passed over", async () => {
  await using test = await TestCache.open();
  const annotated = texts(0, 3).map((each) => `@last-listed 2024-05-17 17:00:00\n${each}`).join("");
  await test.data.write("cached-microdescs", encode(annotated));
  const all = digests(texts(0, 3));
  assert.deepEqual(await test.read(all), all);
});

Deno.test("a long journal is written into the file, a short one left", async () => {
  await using test = await TestCache.open();
  await test.cache.appendMicrodescriptors(texts(0, 10).map(encode));
  const all = digests(texts(0, 40));
  await test.cache.compact(all);
  assert.equal(await test.size("cached-microdescs"), undefined);
  await test.cache.appendMicrodescriptors(texts(10, 40).map(encode));
  await test.cache.compact(all);
  assert.equal(await test.size("cached-microdescs"), encode(texts(0, 40).join("")).length);
  assert.equal(await test.size("cached-microdescs.new"), undefined);
  assert.deepEqual(await test.read(all), all);
  // What comes later goes to a journal again.
  await test.cache.appendMicrodescriptors([encode(text(50))]);
  assert.deepEqual(await test.read(digests([text(50)])), digests([text(50)]));
});

Deno.test("what is not listed any more is dropped when it is a third of all", async () => {
  await using test = await TestCache.open();
  await test.data.write("cached-microdescs", encode(texts(0, 40).join("")));
  const most = digests(texts(0, 30));
  await test.cache.readMicrodescriptors(most, new SharedParts());
  await test.cache.compact(most);
  assert.equal(await test.size("cached-microdescs"), encode(texts(0, 40).join("")).length);
  const half = digests(texts(0, 20));
  await test.cache.readMicrodescriptors(half, new SharedParts());
  await test.cache.compact(half);
  assert.equal(await test.size("cached-microdescs"), encode(texts(0, 20).join("")).length);
});

Deno.test("files that are absurdly large are set aside", async () => {
  await using log = await LogLines.collect();
  await using test = await TestCache.open();
  using file = await Deno.open(`${test.data.path}/cached-certs`, { write: true, create: true });
  await file.truncate(100 * 1024 * 1024);
  assert.equal(await test.cache.readCertificates(), undefined);
  assert.equal(log.count("cached-certs.corrupt-"), 1);
});

Deno.test("a cache that cannot be written is a warning, not an end", async () => {
  await using log = await LogLines.collect();
  await using test = await TestCache.open();
  await Deno.mkdir(`${test.data.path}/cached-certs`);
  await test.cache.writeCertificates(encode("x"));
  assert.equal(log.count("warning Could not write the certificates"), 1);
});
