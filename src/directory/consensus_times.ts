/**
 * What the three times of a consensus mean for its use. All times are in ms since 1970, UTC.
 *
 * @module
 */
import { randomBelow, type RandomSource } from "../runtime/random.ts";
import { type ClockEstimate, NOTABLE_SKEW } from "./clock_skews.ts";

/** The times that a consensus gives for its use. */
export interface ConsensusTimes {
  readonly validAfter: number;
  readonly freshUntil: number;
  readonly validUntil: number;
}

const DAY = 24 * 60 * 60 * 1000;
/** So long before valid-after and after valid-until a consensus may still be used (C tor). */
const TOLERANCE = DAY;
/**
 * Authorities sign up to five minutes before valid-after (the public network's DistDelay); one
 * more is tolerated (C tor) before our clock is said to be wrong.
 */
const EARLY = 6 * 60 * 1000;

const CHECK_CLOCK = "Check this machine's date, time and time zone.";

/**
 * | value        | meaning                                                             |
 * | ------------ | ------------------------------------------------------------------- |
 * | `live`       | valid now                                                           |
 * | `reasonable` | within a day of being valid: usable while a better one is looked for |
 * | `expired`    | more than a day too old                                             |
 * | `future`     | more than a day too new                                             |
 */
export type Liveness = "live" | "reasonable" | "expired" | "future";

/** Whether a consensus may be used now. */
export function liveness(times: ConsensusTimes, now: number): Liveness {
  if (now < times.validAfter - TOLERANCE) return "future";
  if (now > times.validUntil + TOLERANCE) return "expired";
  return now >= times.validAfter && now <= times.validUntil ? "live" : "reasonable";
}

/** Whether circuits may be built by a consensus of this liveness. */
export function isUsable(liveness: Liveness): boolean {
  return liveness === "live" || liveness === "reasonable";
}

/**
 * What a consensus that a majority of the authorities signed says about our clock, as a sentence;
 * `undefined` when there is nothing to say. Old ones say nothing: caches may be stale.
 */
export function clockSkewAdvice(times: ConsensusTimes, now: number): string | undefined {
  if (now >= times.validAfter - EARLY) return undefined;
  const behind = describeDuration(times.validAfter - now);
  return `Our clock is ${behind} behind the time at which the consensus becomes valid ` +
    `(${describeTime(times.validAfter)}). ${CHECK_CLOCK}`;
}

/** What other clocks say of ours, as a sentence; `undefined` when they agree with it. */
export function skewAdvice({ skew, clocks }: ClockEstimate): string | undefined {
  if (Math.abs(skew) < NOTABLE_SKEW) return undefined;
  return `Our clock is ${describeDuration(skew)} ${skew < 0 ? "ahead of" : "behind"} ` +
    `${clocks === 1 ? "that of a directory server" : `those of ${clocks} servers`}. ` + CHECK_CLOCK;
}

/**
 * Why a consensus is not valid by our clock, as sentences for a person who does not know whether the
 * clock or the directory is to blame; `undefined` when it is valid.
 *
 * @param others what other clocks say of ours
 */
export function validityAdvice(
  times: ConsensusTimes,
  now: number,
  others: ClockEstimate | undefined,
): string | undefined {
  const { validAfter, validUntil } = times;
  // That the authorities signed it is better evidence than any server's clock.
  if (now < validAfter) return clockSkewAdvice(times, now);
  if (now <= validUntil) return undefined;
  const expired = `The consensus expired ${describeDuration(now - validUntil)} ago by our clock ` +
    `(at ${describeTime(validUntil)}).`;
  if (others === undefined) {
    return `${expired} Either our clock is ahead, or no newer one could be fetched yet. ` +
      "If it goes on, check this machine's date, time and time zone.";
  }
  const skewed = skewAdvice(others);
  if (skewed === undefined) {
    const clocks = others.clocks === 1
      ? "that of a directory"
      : `those of ${others.clocks} servers`;
    return `${expired} Our clock agrees with ${clocks}, so the consensus is old, and no newer one ` +
      "could be fetched yet.";
  }
  const isValidByOthers = now + others.skew <= validUntil;
  return `${expired} ${skewed}` +
    (isValidByOthers ? " By their time the consensus is still valid." : "");
}

/** A time as in directory documents, with its zone. */
export function describeTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A duration in its two largest units. */
export function describeDuration(ms: number): string {
  let seconds = Math.floor(Math.abs(ms) / 1000);
  const parts: string[] = [];
  for (const [unit, length] of [["day", 86_400], ["hour", 3600], ["minute", 60]] as const) {
    const count = Math.floor(seconds / length);
    seconds -= count * length;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? "" : "s"}`);
  }
  if (parts.length < 2 && (seconds > 0 || parts.length === 0)) {
    parts.push(`${seconds} second${seconds === 1 ? "" : "s"}`);
  }
  return parts.slice(0, 2).join(", ");
}

/**
 * When a client that holds a live consensus asks for the next one (dir-spec, "downloading the
 * consensus"): at a random moment of the first seven eighths of what is left until valid-until,
 * counted from three quarters of an interval after fresh-until, when all the caches have it.
 */
export function consensusFetchTime(times: ConsensusTimes, random: RandomSource): number {
  const { validAfter, freshUntil, validUntil } = times;
  const interval = freshUntil - validAfter;
  const start = freshUntil + Math.floor(interval * 3 / 4);
  const span = Math.max(Math.floor((validUntil - start) * 7 / 8), 1000);
  // Networks that vote every few seconds leave no room: fetch just before the end.
  const begin = Math.min(start, validUntil - span - 1000);
  return begin + randomBelow(random, span);
}
