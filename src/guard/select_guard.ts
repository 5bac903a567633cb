/**
 * Which guard of the sample a new circuit uses (guard-spec 4.6).
 *
 * @module
 */
import { Logger } from "../observe/log.ts";
import { randomElement, type RandomSource } from "../runtime/random.ts";
import type { GuardUsage } from "./guard_parameters.ts";
import type { GuardSets } from "./guard_sets.ts";
import type { SampledGuard } from "./sampled_guard.ts";

const logger = new Logger("guard");

/**
 * A primary guard that may be reached; else the first confirmed guard that may, and that no other
 * circuit tries already; else the first such guard of the sample, which is extended if need be. The
 * last two are marked as pending.
 *
 * @param now milliseconds since 1970
 * @param obeys whether a guard is allowed for this circuit
 * @param mayExtend whether the sample may be extended
 * @returns `undefined` when there is none; all guards are then worth a try again
 */
export function selectGuard(
  sets: GuardSets,
  random: RandomSource,
  usage: GuardUsage,
  now: number,
  obeys: (guard: SampledGuard) => boolean,
  mayExtend = true,
): SampledGuard | undefined {
  const { network } = sets;
  if (network === undefined) return undefined;
  const canServe = (guard: SampledGuard) =>
    usage === "directory" || network.netDir.relay(guard.rsaIdentity) !== undefined;
  const primaries = usablePrimaries(
    sets.primary,
    network.parameters.numUsablePrimaryGuards[usage],
    usage,
    now,
    obeys,
    canServe,
  );
  if (primaries.length > 0) return randomElement(random, primaries);
  const passOver = (guard: SampledGuard) => guard.isPrimary || guard.isPending || !canServe(guard);
  const guard =
    sets.confirmed.find((candidate) =>
      candidate.isUsable(now) && obeys(candidate) && !passOver(candidate)
    ) ?? sets.firstUsable(now, obeys, passOver, mayExtend);
  if (guard === undefined) {
    logger.info("No guard is left to try: all are worth a try again.");
    for (const sampled of sets.sampled) sampled.markMaybeReachable();
    return undefined;
  }
  guard.isPending = true;
  guard.noteTried(now);
  return guard;
}

/**
 * The usable ones of the first `count` primary guards that may be reached. A guard that this
 * circuit must not use counts as one of them, so that restrictions do not lead circuits to guards
 * that others would not use; but for a directory request another guard is as good.
 */
function usablePrimaries(
  primary: readonly SampledGuard[],
  count: number,
  usage: GuardUsage,
  now: number,
  obeys: (guard: SampledGuard) => boolean,
  canServe: (guard: SampledGuard) => boolean,
): SampledGuard[] {
  const usable: SampledGuard[] = [];
  let considered = 0;
  for (const guard of primary) {
    if (obeys(guard)) {
      if (guard.reachability(now) === "no" || !canServe(guard)) continue;
      guard.noteTried(now);
      usable.push(guard);
    } else if (usage === "directory") {
      continue;
    }
    considered++;
    if (considered >= count && usable.length > 0) break;
  }
  return usable;
}
