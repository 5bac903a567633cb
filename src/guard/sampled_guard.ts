/**
 * One guard of the sample: what is kept of it on disk, and what is known of it in this run.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { retryDelay } from "./retry_schedule.ts";

/** What is kept on disk; dates are milliseconds since 1970, randomised into the past. */
export interface SampledGuardFacts {
  readonly rsaIdentity: RsaIdentity;
  readonly nickname: string;
  /** IP address and port of the OR port, as last listed. */
  readonly address: string;
  readonly sampledOn: number;
  /** When it was found missing from the consensus; `undefined` while it is listed. */
  readonly unlistedSince: number | undefined;
  /** When a circuit through it was first used, and its place among the confirmed guards. */
  readonly confirmed: { readonly on: number; readonly index: number } | undefined;
  /** The beginning (UTC) of the day on which it last worked. */
  readonly lastUsed: number | undefined;
}

/** Whether a guard could be reached: "maybe" is worth a try. */
export type Reachability = "yes" | "no" | "maybe";

/** A guard of the sample. Only the sample itself may change one. */
export class SampledGuard {
  /** What is kept on disk. */
  facts: SampledGuardFacts;
  /** Listed, and allowed by the configuration (guard-spec 4.2). */
  isFiltered = false;
  isPrimary = false;
  /** A circuit tries it, and it is not known whether it will work; never set on primary guards. */
  isPending = false;
  #reachability: Reachability = "maybe";
  #failingSince: number | undefined;
  #lastTried: number | undefined;

  constructor(facts: SampledGuardFacts) {
    this.facts = facts;
  }

  get rsaIdentity(): RsaIdentity {
    return this.facts.rsaIdentity;
  }

  get isConfirmed(): boolean {
    return this.facts.confirmed !== undefined;
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
  }

  noteSuccess(): void {
    this.#reachability = "yes";
    this.#failingSince = undefined;
    this.isPending = false;
  }

  /** Makes it worth a try again, although it failed; how long it has failed is not forgotten. */
  markMaybeReachable(): void {
    if (this.#reachability === "no") this.#reachability = "maybe";
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
