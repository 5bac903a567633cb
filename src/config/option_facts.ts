/**
 * What the tables of options say about each of them.
 *
 * @module
 */

/**
 * How a value is written:
 *
 * | kind               | written                                      | read as             |
 * | ------------------ | -------------------------------------------- | ------------------- |
 * | `boolean`          | `0` or `1`                                   | boolean             |
 * | `auto-boolean`     | `0`, `1` or `auto`                           | boolean or "auto"   |
 * | `interval`         | `10`, `90 seconds`, `1.5 hours`, ...          | milliseconds        |
 * | `precise-interval` | the same, or `250 msec`, or parts of a second | milliseconds        |
 * | `first-interval`   | intervals with commas; the first one counts  | milliseconds        |
 * | `count`            | 0 to 2147483647                              | number              |
 * | `count-or-network` | the same, or a negative whole number         | number or undefined |
 * | `decimal`          | a decimal number                             | number              |
 * | `fraction`         | the same, or a negative one                  | number or undefined |
 * | `ports`            | 1 to 65535, several with commas between      | numbers             |
 * | `choice`           | one of `choices`, in any case                | the choice          |
 * | `memory`           | `500`, `2 MBytes`, `1.5 gbit`, ...           | bytes               |
 * | `list`             | anything, several with commas between        | strings             |
 * | `text`             | anything, checked by whoever reads it        | string              |
 * | `path`             | a path, taken as it is                       | string              |
 * | `file`             | the same; none where it was not set          | string or undefined |
 * | `lines`            | anything; the option may be repeated         | one value per line  |
 *
 * Where a negative number is allowed, it leaves the value to the consensus, and is read as
 * undefined.
 */
export type ValueKind =
  | "boolean"
  | "auto-boolean"
  | "interval"
  | "precise-interval"
  | "first-interval"
  | "count"
  | "count-or-network"
  | "fraction"
  | "decimal"
  | "ports"
  | "choice"
  | "memory"
  | "list"
  | "text"
  | "path"
  | "file"
  | "lines";

/** What is known about an option. */
export interface OptionFacts {
  readonly kind: ValueKind;
  /** As it would be written; undefined where an absent value means something of its own. */
  readonly default?: string;
  /** The default in a testing network, where it is another one. */
  readonly testingDefault?: string;
  /** May be changed in a testing network only. */
  readonly testingOnly?: true;
  readonly choices?: readonly string[];
  /** Friendly long names for the command line, with their dashes. */
  readonly flags?: readonly string[];
  /** Other names that C tor has for it. */
  readonly otherNames?: readonly string[];
  /** Stands for the value in --help. */
  readonly argument: string;
  /** What it does, in one line. */
  readonly help: string;
  /** More about it, for documents: what a person must know to use it well, in sentences. */
  readonly details?: string;
}
