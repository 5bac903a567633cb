/**
 * A process that is to be killed: opens the data directory that is its argument, and then writes
 * everything that a client keeps there, each in its way, until it is killed. After each group of
 * microdescriptors that was appended it writes a line with how many there are now.
 */
import * as v from "valibot";
import { DirectoryCache } from "../../src/directory/cache.ts";
import { SystemClock } from "../../src/runtime/clock.ts";
import { microdescriptorDigestBytes } from "../../src/netdoc/microdescriptor_digest.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { JsonDocument } from "../../src/state/json_document.ts";
import { byDigest, manyMicrodescriptors } from "./many_microdescriptors.ts";

/** How many microdescriptors there are in all. */
export const COUNT = 400;
/** How many are appended at a time. */
export const GROUP = 8;
/** Each of the whole documents is this many times the same byte. */
export const LENGTH = 200_000;
/** The document that counts the rounds. */
export const COUNTER = {
  name: "counter.json",
  version: 1,
  schema: v.object({ version: v.literal(1), count: v.number(), text: v.string() }),
  initial: () => ({ version: 1 as const, count: 0, text: "" }),
};
const DAY = 24 * 60 * 60 * 1000;

if (import.meta.main) {
  const [folder] = Deno.args;
  using directory = await DataDirectory.open(folder);
  const clock = new SystemClock();
  const cache = new DirectoryCache(directory, clock);
  const counter = await JsonDocument.load(directory, clock, COUNTER);
  const all = [...byDigest(manyMicrodescriptors(COUNT))];
  const digests = all.map(([digest]) => microdescriptorDigestBytes(digest));
  let known = 0;
  await cache.readMicrodescriptors(digests, () => void known++);
  console.log(known);
  for (let round = counter.value.count + 1;; round++) {
    const validAfter = Date.UTC(2024, 0, 1) + round * DAY / 4;
    await cache.appendMicrodescriptors(new Map(all.slice(known, known + GROUP)), validAfter);
    known = Math.min(known + GROUP, COUNT);
    console.log(known);
    await cache.writeConsensus(new Uint8Array(LENGTH).fill(round));
    await cache.writeCertificates(new Uint8Array(LENGTH).fill(round));
    await cache.noteListed(digests.slice(0, known), validAfter);
    await cache.compactMicrodescriptors();
    counter.set({ version: 1, count: round, text: "x".repeat(LENGTH) });
    await counter.flush();
  }
}
