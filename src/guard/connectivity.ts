/**
 * Whether it is the guards that cannot be reached, or the network that is gone.
 *
 * A guard specification that believes every failure punishes the guards for a laptop's sleep or a
 * lost Wi-Fi: the primary guards would not be tried for ten minutes after, and others would be
 * confirmed in their place. So a failure counts in full only if the network showed a sign of life
 * between the failures of the primary guards:
 *
 * - Any cell from any relay is a sign. What fails without a sign since is only *suspected*.
 * - A sign after an outage forgives: what is suspected is worth a try again, and since when it has
 *   failed is as before. An outage is when all primary guards are suspected, or when there was no
 *   sign for guard-internet-likely-down-interval. Primary guards that fail again after this have
 *   failed indeed: until one of them works, nothing is forgiven again within that interval.
 * - While all primary guards are suspected and {@link MORE_GUARDS} others too, the network is
 *   *down*: the primary guards are tried again and again, however often they fail, and another guard
 *   only every {@link EXPLORATION_INTERVAL}; the sample is not extended.
 * - Until a guard was ever confirmed nothing of this holds, and guards are tried as C tor does: one
 *   who starts behind a firewall must find a guard that can be reached.
 *
 * C tor has of this only the interval, after which a success marks the primary guards.
 *
 * @module
 */
import { Logger } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import type { GuardSets } from "./guard_sets.ts";
import type { SampledGuard } from "./sampled_guard.ts";

/** So many guards beside the primary ones fail before the network is taken as down. */
const MORE_GUARDS = 4;

/** Milliseconds between two tries of other guards while the network is down. */
const EXPLORATION_INTERVAL = 2 * 60_000;

/** A clock that moves by so many ms while nothing ran was set, or the machine slept. */
const CLOCK_JUMP = 20_000;

/** An attempt that took longer than this, in ms, was interrupted: the machine slept. */
const LONGEST_ATTEMPT = 5 * 60_000;

const logger = new Logger("guard");

/** What {@link Connectivity} asks about the sets in use. */
export type ConnectivityView = Pick<GuardSets, "sampled" | "primary" | "network">;

/** Keeps the suspected guards. Times are milliseconds since 1970 unless said otherwise. */
export class Connectivity {
  readonly #clock: Clock;
  readonly #current: () => ConnectivityView;
  /** Since when each suspected guard had failed before. */
  readonly #suspected = new Map<SampledGuard, number | undefined>();
  #lastSign = -Infinity;
  #lastForgiven = -Infinity;
  /** Whether a primary guard has worked since then. */
  #hasPrimaryWorked = false;
  #lastExploration = -Infinity;
  /** When the machine was last found to have slept. */
  #lastJump = -Infinity;
  /** Wall clock less monotonic clock when they were last looked at, in ms. */
  #clockOffset: number | undefined;

  /** @param current the sets of the sample in use */
  constructor(clock: Clock, current: () => ConnectivityView) {
    this.#clock = clock;
    this.#current = current;
  }

  /** The time. If the machine seems to have slept since the last call, that was an outage. */
  now(): number {
    const now = this.#clock.now();
    const before = this.#clockOffset;
    const offset = this.#clockOffset = now - this.#clock.monotonic();
    if (before !== undefined && Math.abs(offset - before) > CLOCK_JUMP) {
      logger.info("The clock has jumped: guards that failed are tried again.");
      this.#lastJump = now;
      this.forgive();
    }
    return now;
  }

  /** Whether the machine seems to have slept since an attempt began: its failure says nothing. */
  hasSleptSince(began: number, now: number): boolean {
    return began < this.#lastJump || began > now || now - began > LONGEST_ATTEMPT;
  }

  /** Notes a failure, which is to be noted at the guard itself after this. */
  noteFailure(guard: SampledGuard): void {
    if (!this.#suspected.has(guard)) this.#suspected.set(guard, guard.failingSince);
  }

  /** Notes that a guard works, after this was noted as a sign. */
  noteSuccess(guard: SampledGuard): void {
    if (guard.isPrimary) this.#hasPrimaryWorked = true;
  }

  /**
   * Notes a sign of the network.
   *
   * @returns whether guards that had failed are worth a try again
   */
  noteSign(now: number): boolean {
    const { primary, network } = this.#current();
    const interval = network?.parameters.internetLikelyDownInterval ?? Infinity;
    const isSilent = this.#lastSign + interval < now;
    this.#lastSign = now;
    // C tor marks the primary guards after a silence, whenever it was that they failed.
    if (isSilent) {
      for (const guard of primary) guard.markMaybeReachable();
    }
    if (this.#suspected.size === 0) return isSilent;
    // A time to come means that the clock was set back.
    const isRecent = this.#lastForgiven <= now && now < this.#lastForgiven + interval;
    const isOutage = (!isRecent || this.#hasPrimaryWorked) && (isSilent || this.#areAllSuspected());
    if (isOutage || this.isDown()) {
      logger.info("The network is back: guards that failed are tried again.");
      this.forgive();
      this.#lastForgiven = now;
      this.#hasPrimaryWorked = false;
      return true;
    }
    this.#suspected.clear();
    return isSilent;
  }

  /** Makes the primary guards and the suspected ones worth a try. */
  forgive(): void {
    for (const [guard, failingSince] of this.#suspected) guard.forgive(failingSince);
    for (const guard of this.#current().primary) guard.markMaybeReachable();
    this.#suspected.clear();
  }

  /** Whether the network seems to be gone. */
  isDown(): boolean {
    const { sampled, primary } = this.#current();
    if (!this.#areAllSuspected() || !sampled.some((guard) => guard.isConfirmed)) return false;
    const usable = sampled.filter((guard) => guard.isFiltered).length;
    return this.#suspected.size >= Math.min(primary.length + MORE_GUARDS, usable);
  }

  /**
   * To be called before a guard is selected: while the network is down, lets the primary guards be
   * tried again unless it is time to try another one.
   *
   * @returns whether the sample may be extended
   */
  prepareSelection(now: number): boolean {
    if (!this.isDown()) return true;
    const { primary } = this.#current();
    if (primary.every((guard) => guard.reachability(now) === "no") && !this.#mayExplore(now)) {
      for (const guard of primary) guard.markMaybeReachable();
    }
    return false;
  }

  #mayExplore(now: number): boolean {
    const elapsed = now - this.#lastExploration;
    if (elapsed >= 0 && elapsed < EXPLORATION_INTERVAL) return false;
    this.#lastExploration = now;
    return true;
  }

  #areAllSuspected(): boolean {
    const { primary } = this.#current();
    return primary.length > 0 && primary.every((guard) => this.#suspected.has(guard));
  }
}
