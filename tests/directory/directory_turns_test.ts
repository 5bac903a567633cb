/** That the directory does its long work in pieces: what is done in one turn is counted, not timed. */
import assert from "node:assert/strict";
import { DirectoryCache } from "../../src/directory/cache.ts";
import { NetDir } from "../../src/netdir/net_dir.ts";
import { consensusSteps } from "../../src/netdoc/consensus.ts";
import type { MicrodescriptorDigest } from "../../src/netdoc/microdescriptor.ts";
import { microdescriptorDigestBytes } from "../../src/netdoc/microdescriptor_digest.ts";
import { nextTurn } from "../../src/runtime/event_loop.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { relayEntry, testAuthorities, writeConsensus } from "../../testnet/document_writer.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { byDigest, manyMicrodescriptors } from "./many_microdescriptors.ts";
import { VALID_AFTER } from "./test_directory.ts";

const COUNT = 3000;
const TEXTS = byDigest(manyMicrodescriptors(COUNT));
const DAY = 24 * 60 * 60_000;

/** The most pieces of work that were done in one turn of the event loop, and how many turns it took. */
async function mostPerTurn(
  work: (count: () => void) => Promise<void>,
): Promise<{ most: number; turns: number }> {
  let most = 0;
  let inThisTurn = 0;
  let turns = 0;
  let isOver = false;
  const others = (async () => {
    for (; !isOver; turns++) {
      inThisTurn = 0;
      await nextTurn();
    }
  })();
  await work(() => most = Math.max(most, ++inThisTurn));
  isOver = true;
  await others;
  return { most, turns };
}

Deno.test("microdescriptors are hashed and read a few in each turn", async () => {
  const folder = await Deno.makeTempDir({ prefix: "chive-turns-" });
  try {
    using data = await DataDirectory.open(folder);
    const digests = [...TEXTS.keys()].map((digest) => microdescriptorDigestBytes(digest));
    await new DirectoryCache(data, new FakeClock()).appendMicrodescriptors(TEXTS, VALID_AFTER);
    const cache = new DirectoryCache(data, new FakeClock());
    let taken = 0;
    const first = await mostPerTurn((count) =>
      cache.readMicrodescriptors(digests, () => {
        taken++;
        count();
      })
    );
    assert.equal(taken, COUNT);
    assert.ok(first.most <= 100, `${first.most} were read in one turn`);
    assert.ok(first.turns >= COUNT / 100 + COUNT / 500, `${first.turns} turns`);

    // What is asked for and not there takes turns too, and so does what is noted and written anew.
    const strangers = digests.map((digest) => digest.toReversed());
    const looked = await mostPerTurn(() => cache.readMicrodescriptors(strangers, () => taken++));
    assert.equal(taken, COUNT);
    assert.ok(looked.turns >= 1, `${looked.turns} turns`);
    const noted = await mostPerTurn(() => cache.noteListed(digests, VALID_AFTER + 2 * DAY));
    assert.ok(noted.turns >= 1, `${noted.turns} turns`);
    const compacted = await mostPerTurn(() => cache.compactMicrodescriptors());
    assert.ok(compacted.turns >= 8, `${compacted.turns} turns`);
    assert.equal(await data.read("cached-microdescs.new", 10_000_000), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("very much that comes at once is appended in parts, all of which are there", async () => {
  const folder = await Deno.makeTempDir({ prefix: "chive-turns-" });
  try {
    using data = await DataDirectory.open(folder);
    const digests = [...TEXTS.keys()].map((digest) => microdescriptorDigestBytes(digest));
    const length = TEXTS.values().reduce((sum, text) => sum + text.length, 0);
    assert.ok(length > 1.5 * 1024 * 1024);
    const cache = new DirectoryCache(data, new FakeClock());
    const { turns } = await mostPerTurn(() => cache.appendMicrodescriptors(TEXTS, VALID_AFTER));
    assert.ok(turns >= 2, `${turns} turns`);
    for (const reader of [cache, new DirectoryCache(data, new FakeClock())]) {
      let found = 0;
      await reader.readMicrodescriptors(digests, () => found++);
      assert.equal(found, COUNT);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("consensus and snapshot are made in steps, each of few relays", () => {
  const relays = Array.from(
    { length: COUNT },
    (_, index) => relayEntry(index + 1, { hostname: `10.${index >> 8}.${index & 255}.1` }),
  );
  const document = writeConsensus({ authorities: testAuthorities(), relays });
  const parsing = consensusSteps(document);
  let steps = 1;
  let parsed = parsing.next();
  for (; !parsed.done; parsed = parsing.next()) steps++;
  assert.ok(steps >= COUNT / 125, `${steps} steps`);

  let inThisStep = 0;
  let most = 0;
  const source = {
    get: (_: MicrodescriptorDigest) => {
      most = Math.max(most, ++inThisStep);
      return undefined;
    },
  };
  const making = NetDir.steps(parsed.value, source);
  let made = making.next();
  for (steps = 1; !made.done; made = making.next(), steps++) inThisStep = 0;
  assert.ok(most > 0 && most <= 1000, `${most} in one step`);
  // Relays, the snapshot, and the index of identities.
  assert.ok(steps >= COUNT / 1000 + 1 + Math.floor(COUNT / 2000), `${steps} steps`);
  assert.deepEqual(made.value.relays, []);
});
