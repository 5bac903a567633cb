import assert from "node:assert/strict";
import { describeTraffic, TrafficCounter } from "../../src/directory/traffic.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const MINUTE = 60_000;
const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("requests are counted by kind; a diff is told from a consensus by what came", () => {
  const traffic = new TrafficCounter(new FakeClock());
  traffic.add("consensus", 100, 1000, encode("network-status-version 3\n"));
  traffic.add("consensus", 200, 50, encode("network-status-diff-version 1\n"));
  traffic.add("microdescriptors", 300, 70, undefined);
  const { all, byKind } = traffic.total();
  assert.deepEqual(all, { requests: 3, sent: 600, received: 1120, uncompressed: 55 });
  assert.deepEqual(byKind.consensus, { requests: 1, sent: 100, received: 1000, uncompressed: 25 });
  assert.equal(byKind["consensus-diff"].received, 50);
  assert.equal(byKind.microdescriptors.uncompressed, 0);
  assert.equal(byKind.certificates.requests, 0);
  assert.equal(
    describeTraffic(traffic.total()),
    "3 directory requests, 600 bytes up, 1120 down (55 uncompressed): " +
      "consensus 1000 bytes in 1, consensus-diff 50 bytes in 1, microdescriptors 70 bytes in 1",
  );
});

Deno.test("the last hour forgets what is older, the total does not", () => {
  const clock = new FakeClock();
  const traffic = new TrafficCounter(clock);
  for (let count = 0; count < 30; count++) {
    traffic.add("certificates", 1, 10, encode("x"));
    clock.advance(4 * MINUTE);
  }
  const { requests } = traffic.lastHour().all;
  assert.ok(requests >= 15 && requests <= 17, `${requests}`);
  assert.equal(traffic.total().all.requests, 30);
  clock.advance(66 * MINUTE);
  assert.equal(traffic.lastHour().all.requests, 0);
  assert.equal(
    describeTraffic(traffic.lastHour()),
    "0 directory requests, 0 bytes up, 0 down (0 uncompressed)",
  );
});
