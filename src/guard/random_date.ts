/**
 * Dates that do not tell when they were written (guard-spec A.2).
 *
 * @module
 */
import { randomBelow, type RandomSource } from "../runtime/random.ts";

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** A random whole second of the `interval` before `now`; both are in milliseconds. */
export function randomPastDate(random: RandomSource, now: number, interval: number): number {
  const seconds = Math.max(1, Math.floor(interval / SECOND));
  const date = Math.floor(now / SECOND) - 1 - randomBelow(random, seconds);
  return Math.max(1, date) * SECOND;
}

/** The beginning of the day (UTC) of a time in milliseconds since 1970. */
export function startOfDay(time: number): number {
  return Math.floor(time / DAY) * DAY;
}
