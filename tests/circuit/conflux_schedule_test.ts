import assert from "node:assert/strict";
import { ConfluxUx } from "../../src/cell/conflux.ts";
import { chooseLeg, confluxSchedule, nearestLeg } from "../../src/circuit/conflux_schedule.ts";

function leg(roundTripTime: number, canPackage: boolean) {
  return { roundTripTime, circuit: { canPackage } };
}

Deno.test("ConfluxSchedule: C tor's for each wish", () => {
  const schedules = Object.entries(ConfluxUx).map(([name, ux]) => [name, confluxSchedule(ux)]);
  assert.deepEqual(Object.fromEntries(schedules), {
    NO_OPINION: "low-rtt",
    MIN_LATENCY: "min-rtt",
    LOW_MEM_LATENCY: "min-rtt",
    HIGH_THROUGHPUT: "low-rtt",
    LOW_MEM_THROUGHPUT: "min-rtt",
  });
});

Deno.test("ConfluxSchedule: the nearest leg that has room, or the nearest one if it has room", () => {
  const near = leg(10, true);
  const far = leg(20, true);
  const full = leg(5, false);
  assert.equal(chooseLeg([far, near], "low-rtt"), near);
  assert.equal(chooseLeg([far, near], "min-rtt"), near);
  assert.equal(chooseLeg([far, full, near], "low-rtt"), near);
  assert.equal(chooseLeg([far, full, near], "min-rtt"), undefined);
  assert.equal(chooseLeg([full], "low-rtt"), undefined);
  assert.equal(nearestLeg([far, full, near]), full);
});
