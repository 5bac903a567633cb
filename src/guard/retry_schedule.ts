/**
 * When a guard that could not be reached is tried again (guard-spec 4.5).
 *
 * | failing for up to | primary guard after | other guard after |
 * | ----------------- | ------------------- | ----------------- |
 * | 6 hours           | 10 minutes          | 1 hour            |
 * | 4 days            | 90 minutes          | 4 hours           |
 * | 7 days            | 4 hours             | 18 hours          |
 * | longer            | 9 hours             | 36 hours          |
 *
 * @module
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const SCHEDULE = [
  { failingUpTo: 6 * HOUR, primary: 10 * MINUTE, other: 1 * HOUR },
  { failingUpTo: 4 * DAY, primary: 90 * MINUTE, other: 4 * HOUR },
  { failingUpTo: 7 * DAY, primary: 4 * HOUR, other: 18 * HOUR },
] as const;
const LAST = { primary: 9 * HOUR, other: 36 * HOUR } as const;

/**
 * Milliseconds from the last attempt to the next one.
 *
 * @param failingFor milliseconds since the first of the failures without a success between
 */
export function retryDelay(failingFor: number, isPrimary: boolean): number {
  const delays = SCHEDULE.find(({ failingUpTo }) => failingFor <= failingUpTo) ?? LAST;
  return isPrimary ? delays.primary : delays.other;
}
