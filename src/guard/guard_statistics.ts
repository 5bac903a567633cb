/**
 * What the guards tell about themselves: numbers for people and for metrics.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { GuardEvents, PrimaryChange } from "./guard_events.ts";
import type { SelectionName } from "./guard_filter.ts";
import type { GuardSets } from "./guard_sets.ts";
import type { PathBiasCounts } from "./path_bias.ts";
import type { GuardSelections } from "./guard_selections.ts";
import type { GuardHistory, Reachability, SampledGuard } from "./sampled_guard.ts";

/** A primary guard, as it is shown. */
export interface PrimaryGuard {
  readonly rsaIdentity: RsaIdentity;
  readonly nickname: string;
  /** IP address and port. */
  readonly address: string;
  /** Whether a circuit through it was ever used. */
  readonly confirmed: boolean;
  readonly reachability: Reachability;
}

/** One guard of the sample in use; times are milliseconds since 1970. */
export interface GuardReport extends PrimaryGuard, GuardHistory {
  readonly primary: boolean;
  /** Listed and allowed. */
  readonly filtered: boolean;
  /** A circuit tries it, and it is not known whether it will work. */
  readonly pending: boolean;
  /** Its path bias is so bad that it is not used any more. */
  readonly disabled: boolean;
  readonly pathBias: PathBiasCounts;
}

/** Numbers of guards by state (guard-spec 3.1.1). */
export interface GuardCounts {
  readonly sampled: number;
  readonly filtered: number;
  readonly confirmed: number;
  readonly primary: number;
  /** Filtered and not known to be unreachable. */
  readonly usable: number;
  readonly unreachable: number;
  readonly pending: number;
}

/** All numbers of the guards. */
export interface GuardStatistics {
  /** The sample in use, which all that follows is about. */
  readonly selection: SelectionName;
  readonly counts: GuardCounts;
  /** Circuits and requests of this run that showed that their guard works. */
  readonly successes: number;
  /** Circuits and requests of this run that showed that their guard does not. */
  readonly failures: number;
  readonly lastPrimaryChange: PrimaryChange | undefined;
  /** In the order of sampling. */
  readonly guards: readonly GuardReport[];
}

/** A guard as it is shown. */
export function showGuard(guard: SampledGuard, now: number): PrimaryGuard {
  return {
    rsaIdentity: guard.rsaIdentity,
    nickname: guard.facts.nickname,
    address: guard.facts.address,
    confirmed: guard.isConfirmed,
    reachability: guard.reachability(now),
  };
}

/** All numbers at the time `now`. */
export function guardStatistics(
  selections: GuardSelections,
  events: GuardEvents,
  now: number,
): GuardStatistics {
  const { name: selection, current: sets } = selections;
  const { successes, failures, lastPrimaryChange } = events;
  const counts = countGuards(sets, now);
  const guards = sets.sampled.map((guard) => reportGuard(guard, now));
  return { selection, counts, successes, failures, lastPrimaryChange, guards };
}

/** A guard with its numbers. */
function reportGuard(guard: SampledGuard, now: number): GuardReport {
  return {
    ...showGuard(guard, now),
    ...guard.history,
    primary: guard.isPrimary,
    filtered: guard.isFiltered,
    pending: guard.isPending,
    disabled: guard.pathBias.isDisabled,
    pathBias: guard.pathBias.counts,
  };
}

/** Counts the guards of a sample by state. */
function countGuards({ sampled, primary }: GuardSets, now: number): GuardCounts {
  const count = (predicate: (guard: SampledGuard) => boolean) => sampled.filter(predicate).length;
  return {
    sampled: sampled.length,
    filtered: count((guard) => guard.isFiltered),
    confirmed: count((guard) => guard.isConfirmed),
    primary: primary.length,
    usable: count((guard) => guard.isUsable(now)),
    unreachable: count((guard) => guard.reachability(now) === "no"),
    pending: count((guard) => guard.isPending),
  };
}
