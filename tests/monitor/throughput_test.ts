import assert from "node:assert/strict";
import { Throughput } from "../../src/monitor/throughput.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

Deno.test("Throughput: bytes per second, every two seconds, for ten minutes", () => {
  const clock = new FakeClock();
  let total = { received: 1000, sent: 0 };
  const throughput = new Throughput(clock, () => total);
  assert.deepEqual(throughput.present, { read: 0, written: 0 });
  total = { received: 3000, sent: 200 };
  clock.advance(2000);
  assert.deepEqual(throughput.history, [{ read: 1000, written: 100 }]);
  clock.advance(8000);
  assert.deepEqual(throughput.present, { read: 200, written: 20 });
  clock.advance(2000);
  assert.deepEqual(throughput.present, { read: 0, written: 0 });
  clock.advance(600_000);
  assert.equal(throughput.history.length, 300);
  throughput[Symbol.dispose]();
  assert.equal(clock.pendingTimers, 0);
});
