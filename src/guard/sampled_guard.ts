/**
 * One guard of the sample: what is kept of it on disk, and what is known of it in this run.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { scrub } from "../observe/log.ts";
import type { SelectionName } from "./guard_filter.ts";
import { GuardPathBias, type PathBiasCounts } from "./path_bias.ts";
import { retryDelay } from "./retry_schedule.ts";

/** What is kept on disk; dates are milliseconds since 1970, randomised into the past. */
export interface SampledGuardFacts {
  /** The sample that it belongs to. */
  readonly selection: SelectionName;
  readonly rsaIdentity: RsaIdentity;
  readonly nickname: string;
  /** IP address and port of the OR port, as last listed; empty if it never was in our time. */
  readonly address: string;
  readonly sampledOn: number;
  /** When it was found missing from the consensus; `undefined` while it is listed. */
  readonly unlistedSince: number | undefined;
  /** When a circuit through it was first used, and its place among the confirmed guards. */
  readonly confirmed: { readonly on: number; readonly index: number } | undefined;
  /** The beginning (UTC) of the day on which it last worked. */
  readonly lastUsed: number | undefined;
  /** How its circuits fared. */
  readonly pathBias: PathBiasCounts;
}

/** What happened to a guard in this run; times are milliseconds since 1970. */
export interface GuardHistory {
  readonly successes: number;
  readonly failures: number;
  readonly lastSuccess: number | undefined;
  readonly lastFailure: number | undefined;
}

/** Whether a guard could be reached: "maybe" is worth a try. */
export type Reachability = "yes" | "no" | "maybe";

/** A guard of the sample. Only the sample itself may change one. */
export class SampledGuard {
  /** What is kept on disk, but for the path bias, which {@link stored} adds as it is now. */
  facts: SampledGuardFacts;
  /** Listed, and allowed by the configuration and by its path bias (guard-spec 4.2). */
  isFiltered = false;
  isPrimary = false;
  /** A circuit tries it, and it is not known whether it will work; never set on primary guards. */
  isPending = false;
  readonly pathBias: GuardPathBias;
  #reachability: Reachability = "maybe";
  #failingSince: number | undefined;
  #lastTried: number | undefined;
  #history: GuardHistory = {
    successes: 0,
    failures: 0,
    lastSuccess: undefined,
    lastFailure: undefined,
  };

  constructor(facts: SampledGuardFacts) {
    this.facts = facts;
    this.pathBias = new GuardPathBias(facts.pathBias);
  }

  get rsaIdentity(): RsaIdentity {
    return this.facts.rsaIdentity;
  }

  get isConfirmed(): boolean {
    return this.facts.confirmed !== undefined;
  }

  /** All that is kept on disk. */
  get stored(): SampledGuardFacts {
    return { ...this.facts, pathBias: this.pathBias.counts };
  }

  /** What happened to it in this run. */
  get history(): GuardHistory {
    return this.#history;
  }

  /** The first of the failures without a success between; `undefined` when the last one worked. */
  get failingSince(): number | undefined {
    return this.#failingSince;
  }

  /** Whether it can be reached, as far as is known at the time `now`. */
  reachability(now: number): Reachability {
    if (this.#reachability === "no" && this.#mayBeRetried(now)) this.#reachability = "maybe";
    return this.#reachability;
  }

  /** In the set USABLE_FILTERED_GUARDS. */
  isUsable(now: number): boolean {
    return this.isFiltered && this.reachability(now) !== "no";
  }

  noteTried(now: number): void {
    this.#lastTried = now;
  }

  noteFailure(now: number): void {
    this.#reachability = "no";
    this.#failingSince ??= now;
    this.isPending = false;
    const { failures } = this.#history;
    this.#history = { ...this.#history, failures: failures + 1, lastFailure: now };
  }

  noteSuccess(now: number): void {
    this.#reachability = "yes";
    this.#failingSince = undefined;
    this.isPending = false;
    const { successes } = this.#history;
    this.#history = { ...this.#history, successes: successes + 1, lastSuccess: now };
  }

  /** Makes it worth a try again, although it failed; how long it has failed is not forgotten. */
  markMaybeReachable(): void {
    if (this.#reachability === "no") this.#reachability = "maybe";
  }

  /**
   * Takes back failures that were not its own.
   *
   * @param failingSince since when it had failed before
   */
  forgive(failingSince: number | undefined): void {
    this.markMaybeReachable();
    this.#failingSince = failingSince;
  }

  /** Whether a circuit through this guard is preferred to one through `other` (guard-spec 4.3). */
  hasHigherPriority(other: SampledGuard): boolean {
    const mine = this.facts.confirmed;
    const theirs = other.facts.confirmed;
    if (mine !== undefined && theirs !== undefined) return mine.index < theirs.index;
    if (mine !== undefined || theirs !== undefined) return mine !== undefined;
    if (this.isPending && other.isPending) return (this.#lastTried ?? 0) < (other.#lastTried ?? 0);
    return this.isPending && !other.isPending;
  }

  #mayBeRetried(now: number): boolean {
    const lastTried = this.#lastTried;
    // A time to come means that the clock was set back, and says nothing any more.
    if (lastTried === undefined || lastTried > now) return true;
    const failingFor = now - (this.#failingSince ?? now);
    return now >= lastTried + retryDelay(failingFor, this.isPrimary);
  }
}

/** The guard for a log: guards identify a user, so their names are scrubbed as addresses are. */
export function describeGuard(guard: SampledGuard): string {
  return scrub(`${guard.facts.nickname} ($${guard.rsaIdentity})`);
}
