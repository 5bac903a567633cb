/**
 * Single values as they are written in a configuration. Every function gives `undefined` for what
 * it cannot read, so that the caller can say what it was for.
 *
 * @module
 */

const SECOND = 1000;

/** Lengths in milliseconds; a month is a twelfth of 365.24 days. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ["", SECOND],
  ["second", SECOND],
  ["minute", 60 * SECOND],
  ["hour", 3600 * SECOND],
  ["day", 86_400 * SECOND],
  ["week", 604_800 * SECOND],
  ["month", 2_629_728 * SECOND],
]);

/** The longest interval that C tor takes, in milliseconds: 2^31 - 1 seconds. */
const LONGEST = (2 ** 31 - 1) * SECOND;

/** `0` or `1`. */
export function parseBoolean(text: string): boolean | undefined {
  return text === "1" ? true : text === "0" ? false : undefined;
}

/** Decimal digits, from `least` to `most`. */
export function parseCount(text: string, least = 0, most = 2 ** 31 - 1): number | undefined {
  if (!/^[0-9]+$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}

/** A decimal number without a sign, such as `0.6` or `12`. */
export function parseFraction(text: string): number | undefined {
  return /^(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/.test(text) ? Number(text) : undefined;
}

/** A length of time as `NUMBER [UNIT]`, in whole seconds; gives milliseconds. */
export function parseInterval(text: string): number | undefined {
  const match = /^([0-9.]+)[\t-\r ]*([a-z]*)$/i.exec(text);
  if (match === null) return undefined;
  const number = parseFraction(match[1]);
  const unit = UNITS.get(match[2].toLowerCase().replace(/(?<=.)s$/, ""));
  if (number === undefined || unit === undefined) return undefined;
  const milliseconds = Math.floor(number * unit / SECOND) * SECOND;
  return milliseconds <= LONGEST ? milliseconds : undefined;
}

/** The first of several intervals with commas between; gives milliseconds. */
export function parseFirstInterval(text: string): number | undefined {
  return parseInterval(text.split(",", 1)[0]);
}
