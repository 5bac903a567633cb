/**
 * Which leg of a Conflux set the next message goes by (C tor: conflux_choose_algorithm and
 * conflux_decide_next_circ).
 *
 * @module
 */
import { ConfluxUx } from "../cell/conflux.ts";

/** What of a leg decides. */
export interface SchedulableLeg {
  /** In microseconds. */
  readonly roundTripTime: number;
  readonly circuit: { readonly canPackage: boolean };
}

/**
 * How a leg is chosen:
 *
 * | schedule  | the leg                                                        |
 * | --------- | -------------------------------------------------------------- |
 * | `min-rtt` | with the least round-trip time; none while that one is full    |
 * | `low-rtt` | with the least round-trip time of those that are not full      |
 */
export type ConfluxSchedule = "min-rtt" | "low-rtt";

/** The schedule for what the other side desires. */
export function confluxSchedule(desiredUx: ConfluxUx): ConfluxSchedule {
  switch (desiredUx) {
    case ConfluxUx.NO_OPINION:
    case ConfluxUx.HIGH_THROUGHPUT:
      return "low-rtt";
    case ConfluxUx.MIN_LATENCY:
    case ConfluxUx.LOW_MEM_LATENCY:
    case ConfluxUx.LOW_MEM_THROUGHPUT:
      return "min-rtt";
  }
}

/** The leg for the next DATA message; `undefined` when it must wait. Of equal ones the first. */
export function chooseLeg<Leg extends SchedulableLeg>(
  legs: readonly Leg[],
  schedule: ConfluxSchedule,
): Leg | undefined {
  let best: Leg | undefined;
  for (let index = 0; index < legs.length; index++) {
    const leg = legs[index];
    if (schedule === "low-rtt" && !leg.circuit.canPackage) continue;
    if (best === undefined || leg.roundTripTime < best.roundTripTime) best = leg;
  }
  return best?.circuit.canPackage ? best : undefined;
}

/** The leg with the least round-trip time, full or not; there must be one. */
export function nearestLeg<Leg extends SchedulableLeg>(legs: readonly Leg[]): Leg {
  return legs.reduce((best, leg) => leg.roundTripTime < best.roundTripTime ? leg : best);
}
