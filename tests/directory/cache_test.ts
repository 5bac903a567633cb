import assert from "node:assert/strict";
import { DirectoryCache } from "../../src/directory/cache.ts";
import {
  type MicrodescriptorDigest,
  microdescriptorDigestBytes,
  microdescriptorDigestFromBytes,
} from "../../src/netdoc/microdescriptor_digest.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { LogLines } from "./log_lines.ts";
import { byDigest, manyMicrodescriptors } from "./many_microdescriptors.ts";
import { encode, VALID_AFTER } from "./test_directory.ts";

const DAY = 24 * 60 * 60 * 1000;
const FILE = "cached-microdescs";
const JOURNAL = "cached-microdescs.new";
const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

const TEXTS = manyMicrodescriptors(80);
const texts = (from: number, to: number) => TEXTS.slice(from, to);
const digests = (from: number, to: number) => new Set(byDigest(texts(from, to)).keys());
const bytesOf = (of: ReadonlySet<MicrodescriptorDigest>) =>
  [...of].map((digest) => microdescriptorDigestBytes(digest));
const annotated = (of: readonly string[], date = "2024-05-17 17:00:00") =>
  of.map((text) => `@last-listed ${date}\n${text}`).join("");

class TestCache {
  readonly data: DataDirectory;
  cache: DirectoryCache;

  private constructor(data: DataDirectory) {
    this.data = data;
    this.cache = new DirectoryCache(data, new FakeClock());
  }

  static async open(): Promise<TestCache> {
    const path = await Deno.makeTempDir({ prefix: "chive-cache-" });
    return new TestCache(await DataDirectory.open(path));
  }

  /** Forgets what is in memory. */
  restart(): void {
    this.cache = new DirectoryCache(this.data, new FakeClock());
  }

  /** What the cache has of `wanted`, each checked. */
  async read(wanted: ReadonlySet<MicrodescriptorDigest>): Promise<Set<MicrodescriptorDigest>> {
    const found = new Map<MicrodescriptorDigest, string>();
    await this.cache.readMicrodescriptors(
      bytesOf(wanted),
      (digest, text) => void found.set(microdescriptorDigestFromBytes(digest), decode(text)),
    );
    assert.deepEqual([...byDigest([...found.values()]).keys()], [...found.keys()]);
    return new Set(found.keys());
  }

  /** What a new start would find. */
  readAfterRestart(
    wanted: ReadonlySet<MicrodescriptorDigest>,
  ): Promise<Set<MicrodescriptorDigest>> {
    this.restart();
    return this.read(wanted);
  }

  append(from: number, to: number): Promise<void> {
    return this.cache.appendMicrodescriptors(byDigest(texts(from, to)), VALID_AFTER);
  }

  async text(name: string): Promise<string | undefined> {
    const bytes = await this.data.read(name, 10_000_000);
    return bytes && decode(bytes);
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
  assert.equal((await test.read(digests(0, 3))).size, 0);
  await test.cache.noteListed(bytesOf(digests(0, 3)), VALID_AFTER);
  await test.cache.compactMicrodescriptors();
  assert.equal(await test.text(FILE), undefined);
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
  await test.data.write(FILE, encode(texts(0, 3).join("")));
  await test.append(3, 5);
  await Promise.all([test.append(5, 6), test.append(4, 6), test.append(6, 6)]);
  assert.equal(await test.text(JOURNAL), annotated(texts(3, 6)), "each once");
  assert.deepEqual(await test.read(digests(0, 7)), digests(0, 6));
  assert.deepEqual(await test.read(digests(2, 4)), digests(2, 4));
  assert.deepEqual(await test.readAfterRestart(digests(0, 7)), digests(0, 6));
});

Deno.test("a journal that was cut off anywhere loses its last entry alone, for good", async () => {
  const journal = encode(annotated(texts(0, 2)));
  const second = encode(annotated(texts(0, 1))).length;
  for (const cut of [second + 1, second + 45, journal.length - 30, journal.length - 1]) {
    await using test = await TestCache.open();
    await test.data.write(JOURNAL, journal.subarray(0, cut));
    assert.deepEqual(await test.read(digests(0, 3)), digests(0, 1));
    await test.append(2, 3);
    const expected = new Set([...digests(0, 1), ...digests(2, 3)]);
    assert.deepEqual(await test.read(digests(0, 3)), expected, `cut at ${cut}`);
    assert.deepEqual(await test.readAfterRestart(digests(0, 3)), expected, `cut at ${cut}`);
  }
});

Deno.test("annotations that C tor or nobody knows are passed over", async () => {
  await using test = await TestCache.open();
  const odd = "@last-listed 2024-05-17 17:00:00\n@source somewhere\n@last-listed never\n@\n";
  await test.data.write(FILE, encode(texts(0, 3).map((text) => odd + text).join("") + odd));
  assert.deepEqual(await test.read(digests(0, 3)), digests(0, 3));
});

Deno.test("a long journal is written into the file with its dates, a short one left", async () => {
  await using test = await TestCache.open();
  await test.append(0, 60);
  await test.cache.noteListed(bytesOf(digests(0, 60)), VALID_AFTER + DAY / 2);
  await test.cache.compactMicrodescriptors();
  const all = annotated(texts(0, 60), "2024-05-18 05:00:00");
  assert.equal(await test.text(FILE), all);
  assert.equal(await test.text(JOURNAL), undefined);
  assert.equal(((await Deno.stat(`${test.data.path}/${FILE}`)).mode ?? 0) & 0o777, 0o600);
  assert.deepEqual(await test.read(digests(0, 80)), digests(0, 60));
  // What comes later goes to a journal again, and stays there while that is short.
  await test.append(60, 80);
  await test.cache.noteListed(bytesOf(digests(0, 80)), VALID_AFTER + DAY);
  await test.cache.compactMicrodescriptors();
  assert.equal(await test.text(FILE), all);
  assert.equal(await test.text(JOURNAL), annotated(texts(60, 80)));
  assert.deepEqual(await test.read(digests(0, 80)), digests(0, 80));
  assert.deepEqual(await test.readAfterRestart(digests(0, 80)), digests(0, 80));
});

Deno.test("microdescriptors are kept for a week after they were listed last", async () => {
  await using test = await TestCache.open();
  await test.append(0, 80);
  const listOnDay = async (day: number, to: number) => {
    test.restart();
    await test.cache.noteListed(bytesOf(digests(0, to)), VALID_AFTER + day * DAY);
    await test.cache.compactMicrodescriptors();
  };
  await listOnDay(1, 80);
  // From now on half of them are not listed.
  for (const day of [2, 4, 6, 8]) {
    await listOnDay(day, 40);
    assert.deepEqual(await test.read(digests(0, 80)), digests(0, 80), `day ${day}`);
  }
  await listOnDay(8.5, 40);
  assert.deepEqual(await test.readAfterRestart(digests(0, 80)), digests(0, 40));
});

Deno.test("a compaction is not worth it for little", async () => {
  await using test = await TestCache.open();
  const old = annotated(texts(0, 5), "2024-05-01 00:00:00");
  await test.data.write(FILE, encode(old + annotated(texts(5, 80))));
  await test.cache.noteListed(bytesOf(digests(5, 80)), VALID_AFTER + DAY / 2);
  await test.cache.compactMicrodescriptors();
  assert.equal(await test.text(FILE), old + annotated(texts(5, 80)));
  // The dates in the file have become too old.
  await test.cache.noteListed(bytesOf(digests(5, 80)), VALID_AFTER + 1.5 * DAY);
  await test.cache.compactMicrodescriptors();
  assert.equal(await test.text(FILE), annotated(texts(5, 80), "2024-05-19 05:00:00"));
});

Deno.test("a date in the future keeps nothing for longer than a week", async () => {
  await using test = await TestCache.open();
  await test.data.write(FILE, encode(annotated(texts(0, 40), "2094-05-17 17:00:00")));
  await test.data.write(JOURNAL, encode(annotated(texts(40, 80))));
  await test.cache.noteListed(bytesOf(digests(40, 80)), VALID_AFTER);
  await test.cache.compactMicrodescriptors();
  assert.equal(await test.text(FILE), annotated(texts(0, 80)));
});

Deno.test("files that another program changes meanwhile are not believed, and mended", async () => {
  await using test = await TestCache.open();
  await test.data.write(FILE, encode(annotated(texts(0, 20))));
  assert.deepEqual(await test.read(digests(0, 20)), digests(0, 20));
  await test.data.write(FILE, encode(annotated(texts(0, 19).toReversed())));
  const left = await test.read(digests(0, 20));
  assert.ok(left.size < 20);
  await test.append(0, 20);
  assert.deepEqual(await test.read(digests(0, 20)), digests(0, 20));
  await test.cache.noteListed(bytesOf(digests(0, 20)), VALID_AFTER + 2 * DAY);
  await test.cache.compactMicrodescriptors();
  assert.deepEqual(await test.read(digests(0, 20)), digests(0, 20));
  assert.deepEqual(await test.readAfterRestart(digests(0, 20)), digests(0, 20));
});

Deno.test("a file that another program changed is looked at anew before it is compacted", async () => {
  await using test = await TestCache.open();
  await test.data.write(FILE, encode(annotated(texts(0, 20))));
  assert.deepEqual(await test.read(digests(0, 20)), digests(0, 20));
  await test.data.write(FILE, encode(texts(0, 19).toReversed().join("")));
  await test.cache.noteListed(bytesOf(digests(0, 20)), VALID_AFTER + 2 * DAY);
  await test.cache.compactMicrodescriptors();
  assert.deepEqual(await test.read(digests(0, 20)), digests(0, 19));
  assert.deepEqual(await test.readAfterRestart(digests(0, 20)), digests(0, 19));
});

Deno.test("what could not be appended is found in memory, and written as soon as it can be", async () => {
  await using log = await LogLines.collect();
  await using test = await TestCache.open();
  await Deno.mkdir(`${test.data.path}/${JOURNAL}`);
  // The folder in the way is set aside when it is read, so it comes after that.
  assert.equal((await test.read(digests(0, 5))).size, 0);
  await Deno.mkdir(`${test.data.path}/${JOURNAL}`);
  await test.append(0, 5);
  assert.equal(log.count("warning Could not append to the journal"), 1);
  assert.deepEqual(await test.read(digests(0, 9)), digests(0, 5));
  await Deno.remove(`${test.data.path}/${JOURNAL}`);
  await test.append(5, 6);
  assert.deepEqual(await test.readAfterRestart(digests(0, 9)), digests(0, 6));
});

Deno.test("files that are absurdly large are set aside", async () => {
  await using log = await LogLines.collect();
  await using test = await TestCache.open();
  for (const name of ["cached-certs", FILE]) {
    using file = await Deno.open(`${test.data.path}/${name}`, { write: true, create: true });
    await file.truncate(100 * 1024 * 1024);
  }
  assert.equal(await test.cache.readCertificates(), undefined);
  assert.equal((await test.read(digests(0, 1))).size, 0);
  assert.equal(log.count("cached-certs.corrupt-"), 1);
  assert.equal(log.count("cached-microdescs.corrupt-"), 1);
});

Deno.test("a cache that cannot be written is a warning, not an end", async () => {
  await using log = await LogLines.collect();
  await using test = await TestCache.open();
  await Deno.mkdir(`${test.data.path}/cached-certs`);
  await test.cache.writeCertificates(encode("x"));
  assert.equal(log.count("warning Could not write the certificates"), 1);
});
