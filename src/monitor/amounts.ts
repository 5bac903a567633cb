/**
 * Numbers as people read them.
 *
 * @module
 */

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Bytes with up to three digits: `1.23 MB`. */
export function describeBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${UNITS[unit]}`;
}

/** Seconds as the two greatest units: `2 h 5 min`. */
export function describeSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long ago a time was, or `never`. Both are ISO 8601. */
export function describeAgo(time: string | null, now: string): string {
  if (time === null) return "never";
  const seconds = (Date.parse(now) - Date.parse(time)) / 1000;
  return seconds < 1 ? "just now" : `${describeSeconds(seconds)} ago`;
}
