/**
 * SIGKILL at random moments while everything that a client keeps on disk is being written.
 * CHIVE_KILL_ROUNDS says how often; without it there are as many rounds as a few seconds allow.
 */
import assert from "node:assert/strict";
import { DirectoryCache } from "../../src/directory/cache.ts";
import { randomBelow } from "../../src/runtime/random.ts";
import { microdescriptorDigestBytes } from "../../src/netdoc/microdescriptor_digest.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { JsonDocument } from "../../src/state/json_document.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { COUNT, COUNTER, GROUP, LENGTH } from "./cache_kill_child.ts";
import { LogLines } from "./log_lines.ts";
import { byDigest, manyMicrodescriptors } from "./many_microdescriptors.ts";

const DEFAULT_ROUNDS = 16;
const LONGEST_DELAY = 80;

/** Starts a child, kills it `delay` ms after its first line, and gives its numbers. */
async function killedChild(folder: string, delay: number): Promise<number[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      `--allow-read=${folder}`,
      `--allow-write=${folder}`,
      new URL("cache_kill_child.ts", import.meta.url).pathname,
      folder,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const complaints = new Response(child.stderr).text();
  const first = Promise.withResolvers<void>();
  const reading = (async () => {
    let written = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      written += text;
      if (written.includes("\n")) first.resolve();
    }
    first.resolve();
    return written;
  })();
  await first.promise;
  // The moment of the kill is what is random here: nothing is waited for.
  await new Promise((resolve) => setTimeout(resolve, delay));
  child.kill("SIGKILL");
  assert.equal((await child.status).signal, "SIGKILL");
  assert.equal(await complaints, "");
  return (await reading).split("\n").slice(0, -1).map(Number);
}

/** The number of the round that wrote a whole document; the document has no other bytes. */
function roundOf(document: Uint8Array | undefined): number | undefined {
  if (document === undefined) return undefined;
  assert.equal(document.length, LENGTH);
  assert.ok(document.every((byte) => byte === document[0]));
  return document[0];
}

Deno.test("whenever the process is killed, all that was written is whole", async () => {
  await using log = await LogLines.collect();
  const rounds = Number(Deno.env.get("CHIVE_KILL_ROUNDS") ?? DEFAULT_ROUNDS);
  const random = new SeededRandom("kill");
  const digests = [...byDigest(manyMicrodescriptors(COUNT)).keys()];
  const folder = await Deno.makeTempDir();
  const interrupted = new Map<string, number>();
  let appended = 0;
  try {
    // Some kills must hit a write, or nothing was tried.
    const isEnough = (round: number) => round >= rounds && interrupted.size > 0;
    for (let round = 0; round < 5 * rounds && !isEnough(round); round++) {
      const numbers = await killedChild(folder, randomBelow(random, LONGEST_DELAY));
      assert.ok(numbers[0] >= appended, `round ${round}: ${numbers[0]} of ${appended}`);
      appended = Math.max(appended, ...numbers);
      for (const { name } of Deno.readDirSync(folder)) {
        assert.ok(!name.includes(".corrupt-"), name);
        if (!name.endsWith(".tmp")) continue;
        interrupted.set(name, (interrupted.get(name) ?? 0) + 1);
      }
      using directory = await DataDirectory.open(folder);
      const clock = new FakeClock();
      const cache = new DirectoryCache(directory, clock);
      const texts: string[] = [];
      const decoder = new TextDecoder();
      await cache.readMicrodescriptors(
        digests.map(microdescriptorDigestBytes),
        (_, text) => void texts.push(decoder.decode(text)),
      );
      // One more group may be there than was said, and one that was cut off.
      assert.ok(texts.length >= appended && texts.length <= appended + GROUP, `round ${round}`);
      assert.deepEqual([...byDigest(texts).keys()], digests.slice(0, texts.length));
      const consensus = roundOf(await cache.readConsensus());
      const certificates = roundOf(await cache.readCertificates());
      const behind = (consensus ?? 0) - (certificates ?? 0);
      assert.ok(behind === 0 || (behind + 256) % 256 === 1, `${consensus} and ${certificates}`);
      const counter = await JsonDocument.load(directory, clock, COUNTER);
      assert.ok(((consensus ?? 0) + 256 - counter.value.count % 256) % 256 <= 1);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assert.deepEqual(log.lines, []);
  console.log("kills during writes of", Object.fromEntries(interrupted));
  assert.ok(interrupted.size > 0 || rounds < DEFAULT_ROUNDS, "some kills hit a write");
});
