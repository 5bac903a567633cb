import assert from "node:assert/strict";
import { Dormancy } from "../../src/client/dormancy.ts";
import type { DormantOptions } from "../../src/config/config.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { StateError } from "../../src/state/errors.ts";
import { LogLines } from "../directory/log_lines.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { savedDocument } from "../state/saved_document.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const OPTIONS: DormantOptions = {
  enabled: true,
  timeout: DAY,
  idleStreamsCount: true,
  onFirstStartup: false,
  canceledByStartup: false,
};

interface Fixture {
  readonly directory: DataDirectory;
  readonly clock: FakeClock;
  /** How many streams are open. */
  readonly streams: { open: number };
  load(options?: Partial<DormantOptions>, clock?: FakeClock): Promise<Dormancy>;
  saved(): Promise<unknown>;
}

async function withDirectory(run: (fixture: Fixture) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using directory = await DataDirectory.open(folder);
    const clock = new FakeClock();
    const streams = { open: 0 };
    await run({
      directory,
      clock,
      streams,
      load: (options, other) =>
        Dormancy.load(directory, {
          clock: other ?? clock,
          options: { ...OPTIONS, ...options },
          openStreams: () => streams.open,
        }),
      saved: async () => {
        const bytes = await directory.read("dormant_state.json", 10_000);
        return bytes && savedDocument(bytes);
      },
    });
    assert.equal(clock.pendingTimers, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const document = (dormant: boolean, minutes: number) => ({
  version: 1,
  dormant,
  minutes_since_user_activity: minutes,
});

Deno.test("Dormancy: after a day without use the client sleeps, and wakes at once when used", () =>
  withDirectory(async ({ clock, load, saved }) => {
    await using log = await LogLines.collect();
    const dormancy = await load();
    const changes: [number, boolean][] = [];
    dormancy.onChange((dormant) => {
      assert.equal(dormancy.dormant, dormant);
      changes.push([clock.monotonic(), dormant]);
    });
    clock.advance(DAY - 1);
    assert.equal(dormancy.dormant, false);
    clock.advance(1);
    assert.equal(dormancy.dormant, true);
    assert.equal(log.count("it becomes dormant"), 1);
    // Only the save is still to come: nothing is looked at while the client sleeps.
    assert.equal(clock.pendingTimers, 1);
    clock.advance(30 * DAY);
    assert.equal(clock.pendingTimers, 0);
    dormancy.noteActivity();
    assert.equal(dormancy.dormant, false);
    assert.equal(log.count("no longer dormant"), 1);
    dormancy.noteActivity();
    assert.deepEqual(changes, [[DAY, true], [31 * DAY, false]]);
    clock.advance(DAY - 1);
    assert.equal(changes.length, 2);
    clock.advance(1);
    assert.deepEqual(changes[2], [32 * DAY, true]);
    await dormancy.close();
    assert.deepEqual(await saved(), document(true, 0));
  }));

Deno.test("Dormancy: use puts sleep off, to the next look after the timeout", () =>
  withDirectory(async ({ clock, load }) => {
    const dormancy = await load({ timeout: HOUR });
    clock.advance(59 * MINUTE);
    dormancy.noteActivity();
    clock.advance(60 * MINUTE);
    assert.equal(dormancy.dormant, false);
    clock.advance(MINUTE);
    assert.equal(dormancy.dormant, true);
    await dormancy.close();
  }));

Deno.test("Dormancy: it looks every 5 minutes, and in between no timer runs", () =>
  withDirectory(async ({ clock, load, streams }) => {
    const dormancy = await load({ timeout: HOUR });
    let looks = 0;
    Object.defineProperty(streams, "open", {
      get() {
        looks++;
        return 0;
      },
    });
    clock.advance(50 * MINUTE);
    assert.equal(looks, 10);
    await dormancy.close();
  }));

Deno.test("Dormancy: a timeout below 5 minutes is kept to as well", () =>
  withDirectory(async ({ clock, load }) => {
    const dormancy = await load({ timeout: 2000 });
    clock.advance(1999);
    assert.equal(dormancy.dormant, false);
    clock.advance(1);
    assert.equal(dormancy.dormant, true);
    await dormancy.close();
  }));

Deno.test("Dormancy: open streams count as use, unless they are not to", () =>
  withDirectory(async ({ clock, load, streams }) => {
    streams.open = 1;
    const awake = await load();
    clock.advance(3 * DAY);
    assert.equal(awake.dormant, false);
    streams.open = 0;
    clock.advance(DAY);
    assert.equal(awake.dormant, true);
    await awake.close();
    await (await load({ canceledByStartup: true })).close();
    streams.open = 1;
    const asleep = await load({ idleStreamsCount: false });
    clock.advance(DAY);
    assert.equal(asleep.dormant, true);
    await asleep.close();
  }));

Deno.test("Dormancy: with DormantTimeoutEnabled 0 it never sleeps, whatever the last run did", () =>
  withDirectory(async ({ clock, load, saved }) => {
    const first = await load();
    clock.advance(DAY);
    await first.close();
    assert.deepEqual(await saved(), document(true, 0));
    const dormancy = await load({ enabled: false, onFirstStartup: true });
    assert.equal(dormancy.dormant, false);
    clock.advance(10 * DAY);
    assert.equal(dormancy.dormant, false);
    await dormancy.close();
    assert.deepEqual(await saved(), document(false, 0));
  }));

Deno.test("Dormancy: a restart goes on asleep, or from the minutes without use", () =>
  withDirectory(async ({ clock, load, saved }) => {
    const first = await load();
    clock.advance(20 * HOUR + 59_999);
    await first.close();
    assert.deepEqual(await saved(), document(false, 1200));
    // The time until the next start does not count, nor where its clock begins.
    const later = new FakeClock(Date.UTC(2027, 0, 1));
    const second = await load({}, later);
    later.advance(4 * HOUR - 1);
    assert.equal(second.dormant, false);
    later.advance(1);
    assert.equal(second.dormant, true);
    await second.close();
    await using log = await LogLines.collect();
    const third = await load();
    assert.equal(third.dormant, true);
    assert.equal(log.count("starts dormant"), 1);
    assert.equal(clock.pendingTimers, 0);
    third.noteActivity();
    assert.equal(third.dormant, false);
    clock.advance(DAY);
    assert.equal(third.dormant, true);
    await third.close();
  }));

Deno.test("Dormancy: DormantCanceledByStartup begins anew, asleep before or not", () =>
  withDirectory(async ({ clock, load }) => {
    for (const idle of [20 * HOUR, DAY]) {
      const before = await load({ canceledByStartup: true });
      clock.advance(idle);
      await before.close();
      const after = await load({ canceledByStartup: true });
      assert.equal(after.dormant, false);
      clock.advance(DAY - 1);
      assert.equal(after.dormant, false);
      await after.close();
    }
  }));

Deno.test("Dormancy: DormantOnFirstStartup is for the first start alone", () =>
  withDirectory(async ({ load }) => {
    const cancelled = await load({ onFirstStartup: true, canceledByStartup: true });
    assert.equal(cancelled.dormant, false);
    const first = await load({ onFirstStartup: true });
    assert.equal(first.dormant, true);
    first.noteActivity();
    await first.close();
    await cancelled.close();
    const second = await load({ onFirstStartup: true });
    assert.equal(second.dormant, false);
    await second.close();
  }));

Deno.test("Dormancy: an idle client writes every half hour, and when it falls asleep", () =>
  withDirectory(async ({ clock, load, saved }) => {
    const dormancy = await load({ timeout: 2 * HOUR });
    clock.advance(25 * MINUTE);
    // Nothing but the next look at the time.
    assert.equal(clock.pendingTimers, 1);
    clock.advance(5 * MINUTE);
    assert.equal(clock.pendingTimers, 2);
    clock.advance(MINUTE);
    assert.equal(clock.pendingTimers, 1);
    await dormancy.close();
    assert.deepEqual(await saved(), document(false, 31));
    const again = await load({ timeout: 2 * HOUR });
    again.noteActivity();
    assert.equal(clock.pendingTimers, 1);
    // The file says 31 minutes, the truth at the first look is 5; at the second it is 1.
    clock.advance(9 * MINUTE);
    again.noteActivity();
    assert.equal(clock.pendingTimers, 1);
    clock.advance(MINUTE);
    assert.equal(clock.pendingTimers, 2);
    await again.close();
    assert.deepEqual(await saved(), document(false, 1));
  }));

Deno.test("Dormancy: who waits for the client to be awake goes on when it is, or is cancelled", () =>
  withDirectory(async ({ clock, load }) => {
    const dormancy = await load();
    const never = new AbortController();
    await dormancy.whenAwake(never.signal);
    clock.advance(DAY);
    const cancelled = new AbortController();
    const went = ["neither"];
    const waits = dormancy.whenAwake(never.signal).then(() => went.push("on"));
    const isCancelled = assert.rejects(dormancy.whenAwake(cancelled.signal), /not wanted/);
    cancelled.abort(new Error("not wanted"));
    await isCancelled;
    assert.deepEqual(went, ["neither"]);
    dormancy.noteActivity();
    await waits;
    await assert.rejects(dormancy.whenAwake(cancelled.signal), /not wanted/);
    await dormancy.close();
  }));

Deno.test("Dormancy: listeners can leave, and nothing happens after close", () =>
  withDirectory(async ({ clock, load, saved }) => {
    const dormancy = await load();
    let told = 0;
    const leave = dormancy.onChange(() => told++);
    clock.advance(DAY);
    assert.equal(told, 1);
    leave();
    dormancy.noteActivity();
    clock.advance(DAY);
    assert.equal(told, 1);
    await dormancy.close();
    dormancy.noteActivity();
    assert.equal(dormancy.dormant, true);
    assert.equal(clock.pendingTimers, 0);
    assert.deepEqual(await saved(), document(true, 0));
  }));

Deno.test("Dormancy: a file that makes no sense is a first start, a newer one is refused", () =>
  withDirectory(async ({ directory, load }) => {
    const write = (text: string) =>
      directory.write("dormant_state.json", new TextEncoder().encode(text));
    for (
      const wrong of [
        "{",
        '{"version":1,"dormant":"no","minutes_since_user_activity":0}',
        '{"version":1,"dormant":false,"minutes_since_user_activity":-1}',
        '{"version":1,"dormant":false,"minutes_since_user_activity":1.5}',
        '{"version":1,"dormant":false}',
      ]
    ) {
      await write(wrong);
      const dormancy = await load({ onFirstStartup: true });
      assert.equal(dormancy.dormant, true, wrong);
      await dormancy.close();
    }
    await write('{"version":2}');
    await assert.rejects(
      load(),
      (error) => error instanceof StateError && error.code === "state-file-newer",
    );
  }));
