/**
 * The lines of all sources (defaults, file, command line) put together as C tor does it, and the
 * single-valued options read out of them.
 *
 * @module
 */
import { closest, distance } from "fastest-levenshtein";
import { ConfigError, type Origin } from "./errors.ts";
import { findForeignOption, type ForeignOption } from "./foreign_options.ts";
import type { ValueKind } from "./option_facts.ts";
import {
  findOption,
  OPTION_NAMES,
  optionFacts,
  type OptionName,
  type OptionOfKind,
} from "./options.ts";
import type { ConfigLine } from "./torrc.ts";
import {
  parseAutoBoolean,
  parseBoolean,
  parseCount,
  parseDecimal,
  parseFirstInterval,
  parseFraction,
  parseInteger,
  parseInterval,
  parseMemory,
  parsePorts,
  parsePreciseInterval,
  splitList,
} from "./values.ts";

/** What a person should be told, and what would be good to know. */
export interface Remarks {
  /** For the log's level notice. */
  readonly notices: string[];
  /** For the log's level warn. */
  readonly warnings: string[];
}

/** How a value of each kind is read; `undefined` when it cannot be. */
const READERS = {
  "boolean": parseBoolean,
  "auto-boolean": parseAutoBoolean,
  "interval": parseInterval,
  "precise-interval": parsePreciseInterval,
  "first-interval": parseFirstInterval,
  "count": parseCount,
  "count-or-network": parseInteger,
  "decimal": parseFraction,
  "fraction": parseDecimal,
  "ports": parsePorts,
  "memory": parseMemory,
  "list": splitList,
} as const;

/** How a value of each kind must be written, for messages. */
const EXPECTED: Readonly<Record<ValueKind, string>> = {
  "boolean": "0 or 1",
  "auto-boolean": "0, 1 or auto",
  "interval": "a time such as '30 seconds' or '10 minutes'",
  "precise-interval": "a time such as '500 msec' or '30 seconds'",
  "first-interval": "a time such as '30 seconds' or '10 minutes'",
  "count": "a whole number from 0 to 2147483647",
  "count-or-network": "a whole number up to 2147483647",
  "decimal": "a decimal number",
  "fraction": "a decimal number",
  "ports": "ports from 1 to 65535 with commas between",
  "choice": "one of the values in --help",
  "memory": "an amount such as '500 KBytes' or '2 MBits'",
  "list": "a list with commas between",
  "text": "text",
  "path": "a path",
  "file": "a path",
  "lines": "text",
};

/** All settings, from the first source to the last. */
export class Settings {
  readonly #lines = new Map<OptionName, readonly ConfigLine[]>();
  readonly #remarks: Remarks;

  /** @param remarks where notices and warnings are added */
  constructor(remarks: Remarks) {
    this.#remarks = remarks;
  }

  /**
   * Adds the lines of one source. A single-valued option takes its last line; a repeatable one
   * collects all lines of this source, in place of those of earlier sources unless added with `+`.
   *
   * @throws ConfigError for an unknown or refused option, a missing or malformed value
   */
  assign(source: readonly ConfigLine[]): void {
    const seen = new Set<OptionName>();
    for (const line of source) {
      const name = findOption(line.name);
      if (name === undefined) {
        this.#foreign(line);
      } else if (line.command === "reset") {
        this.#lines.delete(name);
        seen.add(name);
      } else {
        this.#set(name, line, seen);
      }
    }
  }

  #set(name: OptionName, line: ConfigLine, seen: Set<OptionName>): void {
    if (line.value === "") {
      throw new ConfigError("config-no-value", `The option '${name}' has no value.`, line.origin);
    }
    const before = this.#lines.get(name);
    if (optionFacts(name).kind === "lines") {
      const kept = seen.has(name) || line.command === "append" ? before ?? [] : [];
      this.#lines.set(name, [...kept, line]);
    } else {
      readValue(name, line);
      if (seen.has(name) && before !== undefined) {
        this.#remarks.warnings.push(
          `The option '${name}' is used more than once; the last value counts.`,
        );
      }
      this.#lines.set(name, [line]);
    }
    seen.add(name);
  }

  #foreign(line: ConfigLine): void {
    const option = findForeignOption(line.name);
    if (option === undefined) throw unknownOption(line.name, line.origin);
    if (option.reason === "obsolete") {
      this.#remarks.warnings.push(`The option '${option.name}' is obsolete and is skipped.`);
      return;
    }
    if (line.command === "reset" || option.inert.includes(line.value.toLowerCase())) return;
    if (option.reason !== "ignored") throw refusedOption(option, line);
    this.#remarks.notices.push(
      `The option '${option.name}' is ignored: chive has nothing that it would change.`,
    );
  }

  /** The lines of an option, none if it was not set. */
  lines(name: OptionOfKind<"lines">): readonly ConfigLine[] {
    return this.#lines.get(name) ?? [];
  }

  /** Whether the option was set, to whatever value. */
  has(name: OptionName): boolean {
    return this.#lines.has(name);
  }

  /** The line that set a single-valued option, or one with its default. */
  #line(name: OptionName): ConfigLine {
    const set = this.#lines.get(name)?.[0];
    if (set !== undefined) return set;
    const { default: usual, testingDefault } = optionFacts(name);
    const testing = name !== "TestingTorNetwork" && testingDefault !== undefined &&
      this.boolean("TestingTorNetwork");
    const origin = { file: undefined, line: undefined };
    return { name, value: (testing ? testingDefault : usual) ?? "", command: "set", origin };
  }

  /** Of `0` or `1`. */
  boolean(name: OptionOfKind<"boolean">): boolean {
    return this.#read(name, READERS.boolean);
  }

  /** In milliseconds. */
  interval(name: OptionOfKind<"interval">): number {
    return this.#read(name, READERS.interval);
  }

  /** In milliseconds. */
  firstInterval(name: OptionOfKind<"first-interval">): number {
    return this.#read(name, READERS["first-interval"]);
  }

  /** From 0 to 2147483647. */
  count(name: OptionOfKind<"count">): number {
    return this.#read(name, READERS.count);
  }

  /** Undefined where it is negative: then the consensus says. */
  countOrNetwork(name: OptionOfKind<"count-or-network">): number | undefined {
    return unlessNegative(this.#read(name, READERS["count-or-network"]));
  }

  /** Undefined where it is negative: then the consensus says. */
  fraction(name: OptionOfKind<"fraction">): number | undefined {
    return unlessNegative(this.#read(name, READERS.fraction));
  }

  /** Not negative. */
  decimal(name: OptionOfKind<"decimal">): number {
    return this.#read(name, READERS.decimal);
  }

  /** In milliseconds. */
  preciseInterval(name: OptionOfKind<"precise-interval">): number {
    return this.#read(name, READERS["precise-interval"]);
  }

  /** Of `0`, `1` or `auto`. */
  autoBoolean(name: OptionOfKind<"auto-boolean">): boolean | "auto" {
    return this.#read(name, READERS["auto-boolean"]);
  }

  /** Each once, in the order in which they were written. */
  ports(name: OptionOfKind<"ports">): readonly number[] {
    return this.#read(name, READERS.ports);
  }

  /** In lower case. */
  choice(name: OptionOfKind<"choice">): string {
    return this.#line(name).value.toLowerCase();
  }

  /** In bytes. */
  memory(name: OptionOfKind<"memory">): number {
    return this.#read(name, READERS.memory);
  }

  /** Without the blanks around the members; none is empty. */
  list(name: OptionOfKind<"list">): readonly string[] {
    return this.#read(name, READERS.list);
  }

  /** As it was written. */
  text(name: OptionOfKind<"text">): string {
    return this.#line(name).value;
  }

  /** As it was written. */
  path(name: OptionOfKind<"path">): string {
    return this.#line(name).value;
  }

  /** As it was written; undefined where it was not set. */
  file(name: OptionOfKind<"file">): string | undefined {
    return this.has(name) ? this.#line(name).value : undefined;
  }

  /** The values of an option as they were written, or its default; none where it has none. */
  written(name: OptionName): readonly string[] {
    const lines = this.#lines.get(name) ?? [this.#line(name)];
    return lines.map(({ value }) => value).filter((value) => value !== "");
  }

  /** Whether a line that was assigned still counts, and none that came after it does instead. */
  uses(name: OptionName, line: ConfigLine): boolean {
    return this.#lines.get(name)?.includes(line) ?? false;
  }

  /** Where the value of an option was written. */
  origin(name: OptionName): Origin | undefined {
    return this.#lines.get(name)?.[0].origin;
  }

  /** `value`, unless it is 0. */
  positive(name: OptionName, value: number): number {
    if (value > 0) return value;
    throw this.refusal(name, "must be more than 0.");
  }

  /** What to throw for a value that is understood and not possible; `what` follows the name. */
  refusal(name: OptionName, what: string): ConfigError {
    return new ConfigError("config-bad-value", `${name} ${what}`, this.origin(name));
  }

  /** What to throw for a value that does not go with those of other options. */
  conflict(name: OptionName, what: string): ConfigError {
    return new ConfigError("config-conflict", `${name} ${what}`, this.origin(name));
  }

  #read<T>(name: OptionName, read: (text: string) => T | undefined): T {
    const line = this.#line(name);
    const value = read(line.value);
    if (value === undefined) throw badValue(name, line);
    return value;
  }
}

function unlessNegative(value: number): number | undefined {
  return value < 0 ? undefined : value;
}

/** Checks the form of a single value, so that the message can point at its line. */
function readValue(name: OptionName, line: ConfigLine): void {
  const { kind, choices } = optionFacts(name);
  if (kind === "lines" || kind === "text") return;
  if (kind === "path" || kind === "file") return checkPath(name, line.value, line);
  const good = kind === "choice"
    ? choices?.includes(line.value.toLowerCase())
    : READERS[kind](line.value) !== undefined;
  if (!good) throw badValue(name, line);
}

/**
 * Checks that `path` can be given to the operating system as it is.
 *
 * @throws ConfigError for one with a NUL or one that begins with `~`
 */
export function checkPath(name: OptionName, path: string, line: ConfigLine): void {
  if (path.includes("\0")) {
    throw new ConfigError("config-bad-value", `${name}: a path cannot contain NUL.`, line.origin);
  }
  if (path.startsWith("~")) {
    throw new ConfigError(
      "config-bad-value",
      `${name}: '~' is not replaced by a home directory here; write the whole path.`,
      line.origin,
    );
  }
}

function badValue(name: OptionName, line: ConfigLine): ConfigError {
  const { kind, choices } = optionFacts(name);
  const expected = choices === undefined ? EXPECTED[kind] : choices.join(", ");
  return new ConfigError(
    "config-bad-value",
    `${name} '${line.value}' is not understood; expected ${expected}.`,
    line.origin,
  );
}

function refusedOption(option: ForeignOption, line: ConfigLine): ConfigError {
  const { name } = option;
  if (option.reason === "relay") {
    return new ConfigError(
      "config-relay-only",
      `'${name}' is an option of relays; chive is a client and has no such part.`,
      line.origin,
    );
  }
  if (option.reason === "service") {
    return new ConfigError(
      "config-unsupported",
      `'${name}' is about offering onion services; chive is a client and has none.`,
      line.origin,
    );
  }
  const inert = option.inert.length === 0
    ? ""
    : ` except with the value ${option.inert.join(" or ")}`;
  return new ConfigError(
    "config-unsupported",
    `C tor's option '${name}' is not supported${inert}.`,
    line.origin,
  );
}

/**
 * What to throw for a name that nothing knows.
 *
 * @param written the name as it was written; if with dashes, then so is the suggestion
 * @param flags names that may have been meant, besides the options; with or without dashes as `written`
 */
export function unknownOption(
  written: string,
  origin: Origin,
  flags: readonly string[] = [],
): ConfigError {
  const near = written.startsWith("-")
    ? nearestName(
      written.replace(/^--?/, "--"),
      [...flags, ...OPTION_NAMES.map((name) => `--${name}`)],
    )
    : nearestName(written, [...flags.filter((name) => !name.startsWith("-")), ...OPTION_NAMES]);
  return new ConfigError(
    "config-unknown-option",
    `Unknown option '${written}'.${near === undefined ? "" : ` Did you mean '${near}'?`}`,
    origin,
  );
}

/** The longest name that is compared: hostile input must not make comparing slow. */
const LONGEST_COMPARED = 100;

/** The one of `names` that was probably meant by `written`, if any is near. */
function nearestName(written: string, names: readonly string[]): string | undefined {
  const lower = written.toLowerCase();
  if (lower.length < 2 || lower.length > LONGEST_COMPARED) return undefined;
  const byLower = new Map(names.map((name) => [name.toLowerCase(), name]));
  const near = closest(lower, [...byLower.keys()]);
  // About every third letter may be wrong; a beginning of a name is near however short it is.
  if (distance(lower, near) <= Math.max(1, Math.floor(near.length / 3))) return byLower.get(near);
  return names.find((name) => lower.length > 3 && name.toLowerCase().startsWith(lower));
}
