import assert from "node:assert/strict";
import { ChannelError } from "../../src/channel/errors.ts";
import { NetworkWatch } from "../../src/client/network_watch.ts";
import { LogLines } from "../directory/log_lines.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const WARNING = "No relay could be reached";

Deno.test("NetworkWatch: warns after 8 s, then after twice as long each time up to 10 minutes", async () => {
  await using log = await LogLines.collect();
  const clock = new FakeClock();
  const watch = new NetworkWatch(clock, () => {});
  watch.start();
  clock.advance(7999);
  assert.equal(log.count(WARNING), 0);
  clock.advance(1);
  assert.match(log.lines[0], /^warning .* for 8 s: none has refused, none has answered/);
  watch.noteFailure(new RangeError("connection refused"));
  watch.noteFailure(new RangeError("host unreachable"));
  clock.advance(15_999);
  assert.equal(log.count(WARNING), 1);
  clock.advance(1);
  assert.match(log.lines[1], /for 24 s: the last of 2 attempts failed because .*host unreachable/);
  const times: number[] = [];
  for (let last = 2; times.length < 8;) {
    clock.advance(1000);
    if (log.count(WARNING) === last) continue;
    last = log.count(WARNING);
    times.push(clock.monotonic() / 1000);
  }
  assert.deepEqual(times, [56, 120, 248, 504, 1016, 1616, 2216, 2816]);
  watch.stop();
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("NetworkWatch: the first relay ends it, with a word only if it had warned", async () => {
  await using log = await LogLines.collect();
  const clock = new FakeClock();
  const watch = new NetworkWatch(clock, () => {});
  watch.start();
  watch.start();
  assert.equal(clock.pendingTimers, 1);
  watch.noteSuccess();
  clock.advance(100_000);
  assert.deepEqual([log.lines, clock.pendingTimers], [[], 0]);

  watch.start();
  clock.advance(8000);
  watch.noteSuccess();
  watch.noteSuccess();
  assert.equal(log.count("the network is back"), 1);
});

Deno.test("NetworkWatch: after a success it waits for a failure, and counts anew", async () => {
  await using log = await LogLines.collect();
  const clock = new FakeClock();
  const watch = new NetworkWatch(clock, () => {});
  watch.start();
  watch.noteFailure(new RangeError("old"));
  clock.advance(8000);
  watch.noteSuccess();
  clock.advance(3600_000);
  assert.equal(log.count(WARNING), 1);
  watch.noteFailure(new RangeError("new"));
  clock.advance(8000);
  assert.match(log.lines.at(-1) ?? "", /for 8 s: the last of 1 attempts failed because .*new/);
  watch.stop();
});

Deno.test("NetworkWatch: tells when there is a network again after there was none", () => {
  const clock = new FakeClock();
  let back = 0;
  const watch = new NetworkWatch(clock, () => back++);
  watch.start();
  watch.noteFailure(new ChannelError("connect-refused", "a relay that is down"));
  watch.noteSuccess();
  assert.equal(back, 0);
  watch.noteFailure(new ChannelError("network-unreachable", "no network"));
  watch.noteFailure(new ChannelError("channel-timeout", "too late"));
  watch.noteSuccess();
  assert.equal(back, 1);
  watch.noteSuccess();
  assert.equal(back, 1);
  watch.noteFailure(new ChannelError("network-unreachable", "no network"));
  watch.stop();
  watch.noteSuccess();
  assert.deepEqual([back, clock.pendingTimers], [1, 0]);
});
