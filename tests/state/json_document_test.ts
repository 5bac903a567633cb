import assert from "node:assert/strict";
import * as v from "valibot";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { StateError } from "../../src/state/errors.ts";
import { JsonDocument } from "../../src/state/json_document.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const OPTIONS = {
  name: "counter.json",
  version: 2,
  schema: v.object({ version: v.literal(2), count: v.number() }),
  initial: () => ({ version: 2 as const, count: 0 }),
};
const bytesOf = (value: string) => new TextEncoder().encode(value);

/** Runs with an open data directory and a clock that starts at 2026-11-23T19:15:00Z. */
async function withDirectory(
  run: (directory: DataDirectory, clock: FakeClock) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using directory = await DataDirectory.open(folder);
    await run(directory, new FakeClock(Date.UTC(2026, 10, 23, 19, 15)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function savedText(directory: DataDirectory): Promise<string | undefined> {
  const bytes = await directory.read("counter.json", 10_000);
  return bytes && new TextDecoder().decode(bytes);
}

Deno.test("a document without a file starts with its initial value and writes none", () =>
  withDirectory(async (directory, clock) => {
    const document = await JsonDocument.load(directory, clock, OPTIONS);
    assert.deepEqual(document.value, { version: 2, count: 0 });
    assert.equal(await savedText(directory), undefined);
    assert.equal(clock.pendingTimers, 0);
  }));

Deno.test("changes are saved together after the delay, and loaded again", () =>
  withDirectory(async (directory, clock) => {
    const document = await JsonDocument.load(directory, clock, OPTIONS);
    document.set({ version: 2, count: 1 });
    clock.advance(2999);
    document.set({ version: 2, count: 2 });
    assert.equal(clock.pendingTimers, 1);
    assert.equal(await savedText(directory), undefined);
    clock.advance(1);
    assert.equal(clock.pendingTimers, 0);
    await document.flush();
    assert.match(
      await savedText(directory) ?? "",
      /^\{\n {2}"version": 2,\n {2}"count": 2,\n {2}"sha256": "[0-9a-f]{64}"\n\}\n$/,
    );
    const again = await JsonDocument.load(directory, clock, OPTIONS);
    assert.deepEqual(again.value, { version: 2, count: 2 });
  }));

Deno.test("what is urgent does not wait for what is not, nor the other way round", () =>
  withDirectory(async (directory, clock) => {
    const document = await JsonDocument.load(directory, clock, OPTIONS);
    document.set({ version: 2, count: 1 }, 600_000);
    clock.advance(1000);
    document.set({ version: 2, count: 2 });
    clock.advance(2999);
    assert.equal(clock.pendingTimers, 1);
    document.set({ version: 2, count: 3 }, 600_000);
    clock.advance(1);
    assert.equal(clock.pendingTimers, 0);
    await document.flush();
    assert.match(await savedText(directory) ?? "", /"count": 3/);
    document.set({ version: 2, count: 4 });
    document.set({ version: 2, count: 5 }, 0);
    assert.equal(clock.pendingTimers, 1);
    clock.advance(0);
    assert.equal(clock.pendingTimers, 0);
    await document.flush();
    assert.match(await savedText(directory) ?? "", /"count": 5/);
  }));

Deno.test("a document that did not change is not written again", () =>
  withDirectory(async (directory, clock) => {
    const document = await JsonDocument.load(directory, clock, OPTIONS);
    document.set({ version: 2, count: 5 });
    await document.flush();
    await directory.remove("counter.json");
    document.set({ version: 2, count: 5 });
    await document.flush();
    assert.equal(await savedText(directory), undefined);
    const loaded = await JsonDocument.load(directory, clock, OPTIONS);
    assert.equal(loaded.value.count, 0);
  }));

Deno.test("flush saves at once and leaves no timer", () =>
  withDirectory(async (directory, clock) => {
    const document = await JsonDocument.load(directory, clock, OPTIONS);
    document.set({ version: 2, count: 7 });
    await document.flush();
    assert.equal(clock.pendingTimers, 0);
    assert.match(await savedText(directory) ?? "", /"count": 7/);
  }));

Deno.test("a save that fails is tried again", () =>
  withDirectory(async (directory, clock) => {
    const document = await JsonDocument.load(directory, clock, OPTIONS);
    const obstacle = `${directory.path}/counter.json.tmp`;
    await Deno.mkdir(`${obstacle}/inside`, { recursive: true });
    document.set({ version: 2, count: 1 });
    clock.advance(3000);
    // The next timer is set when the save has failed.
    await clock.untilPending(1);
    assert.equal(await savedText(directory), undefined);
    await assert.rejects(document.flush(), { code: "state-file-unwritable" });
    await Deno.remove(obstacle, { recursive: true });
    document.set({ version: 2, count: 2 });
    clock.advance(60_000);
    await document.flush();
    assert.match(await savedText(directory) ?? "", /"count": 2/);
  }));

for (
  const [what, content] of [
    ["not JSON", "{"],
    ["not UTF-8", new Uint8Array([0xff, 0xfe])],
    ["of another shape", '{"version": 2, "count": "many"}'],
    ["without a version", '{"count": 1}'],
    ["no object", "[]"],
    ["too large", " ".repeat(2000) + '{"version": 2, "count": 1}'],
  ] as const
) {
  Deno.test(`a file that is ${what} is set aside, not lost`, () =>
    withDirectory(async (directory, clock) => {
      const bytes = typeof content === "string" ? bytesOf(content) : content;
      await directory.write("counter.json", bytes);
      const document = await JsonDocument.load(directory, clock, { ...OPTIONS, maxBytes: 1000 });
      assert.deepEqual(document.value, { version: 2, count: 0 });
      assert.equal(await savedText(directory), undefined);
      const aside = await directory.read("counter.json.corrupt-2026-11-23T191500Z", 10_000);
      assert.deepEqual(aside, bytes);
    }));
}

Deno.test("a file of a newer version is refused and left as it is", () =>
  withDirectory(async (directory, clock) => {
    const newer = '{"version": 3, "tally": 1}';
    await directory.write("counter.json", bytesOf(newer));
    await assert.rejects(JsonDocument.load(directory, clock, OPTIONS), (error) => {
      assert.ok(error instanceof StateError);
      assert.equal(error.code, "state-file-newer");
      return true;
    });
    assert.equal(await savedText(directory), newer);
  }));
