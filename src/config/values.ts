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

/** Units below a second, in milliseconds, for options that need them. */
const SHORT_UNITS: ReadonlyMap<string, number> = new Map([["msec", 1], ["millisecond", 1]]);

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

/** A whole number with or without a minus sign. */
export function parseInteger(text: string): number | undefined {
  return text.startsWith("-") ? negated(parseCount(text.slice(1))) : parseCount(text);
}

/** A decimal number with or without a minus sign. */
export function parseDecimal(text: string): number | undefined {
  return text.startsWith("-") ? negated(parseFraction(text.slice(1))) : parseFraction(text);
}

function negated(value: number | undefined): number | undefined {
  return value === undefined ? undefined : -value;
}

/** `0`, `1` or `auto`. */
export function parseAutoBoolean(text: string): boolean | "auto" | undefined {
  return text.toLowerCase() === "auto" ? "auto" : parseBoolean(text);
}

/** Ports from 1 to 65535 with commas between, each once; blanks and empty places are skipped. */
export function parsePorts(text: string): number[] | undefined {
  const ports = new Set<number>();
  for (const written of splitList(text)) {
    const port = parseCount(written, 1, 65535);
    if (port === undefined) return undefined;
    ports.add(port);
  }
  return [...ports];
}

/** The members of a list with commas between, without the blanks around them; none is empty. */
export function splitList(text: string): string[] {
  return text.split(",").map((member) => member.replace(/^[\t-\r ]+|[\t-\r ]+$/g, ""))
    .filter((member) => member !== "");
}

/** A length of time as `NUMBER [UNIT]`, in whole seconds; gives milliseconds. */
export function parseInterval(text: string): number | undefined {
  const milliseconds = readInterval(text, UNITS);
  if (milliseconds === undefined) return undefined;
  return Math.floor(milliseconds / SECOND) * SECOND;
}

/** A length of time as `NUMBER [UNIT]`, with units down to `msec`; gives whole milliseconds. */
export function parsePreciseInterval(text: string): number | undefined {
  const milliseconds = readInterval(text, SHORT_UNITS) ?? readInterval(text, UNITS);
  return milliseconds === undefined ? undefined : Math.floor(milliseconds);
}

function readInterval(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = /^([0-9.]+)[\t-\r ]*([a-z]*)$/i.exec(text);
  if (match === null) return undefined;
  const number = parseFraction(match[1]);
  const unit = units.get(match[2].toLowerCase().replace(/(?<=.)s$/, ""));
  if (number === undefined || unit === undefined) return undefined;
  const milliseconds = number * unit;
  return milliseconds < LONGEST + SECOND ? milliseconds : undefined;
}

/** The first of several intervals with commas between; gives milliseconds. */
export function parseFirstInterval(text: string): number | undefined {
  return parseInterval(text.split(",", 1)[0]);
}

/** Bytes in each unit of memory, by its name in lower case without a final s. */
const MEMORY_UNITS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["b", 1],
  ["byte", 1],
  ["m", 2 ** 20],
  ...["kilo", "mega", "giga", "tera"].flatMap((word, index): [string, number][] => {
    const bytes = 1024 ** (index + 1);
    const letter = word[0];
    return [
      [`${letter}b`, bytes],
      [`${letter}byte`, bytes],
      [`${word}byte`, bytes],
      [`${letter}bit`, bytes / 8],
      [`${word}bit`, bytes / 8],
    ];
  }),
]);

/** An amount as `NUMBER [UNIT]` (C tor's: bytes, KBytes, MBytes, KBits, ...); gives whole bytes. */
export function parseMemory(text: string): number | undefined {
  const match = /^([0-9.]+)[\t-\r ]*([a-z]*)$/i.exec(text);
  if (match === null) return undefined;
  const number = parseFraction(match[1]);
  const unit = MEMORY_UNITS.get(match[2].toLowerCase().replace(/(?<=.)s$/, ""));
  if (number === undefined || unit === undefined) return undefined;
  const bytes = Math.floor(number * unit);
  return bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
}
