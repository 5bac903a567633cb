/**
 * Writes consensus diffs (dir-spec, "Consensus diffs"), for embedded directory servers and tests.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { signedSha3 } from "../src/netdoc/consensus_diff.ts";
import { encode } from "./document_writer.ts";

/** A change between two texts: lines of the older from `from` to `to` become these. */
interface Change {
  readonly from: number;
  /** The line after the last. */
  readonly to: number;
  readonly lines: readonly string[];
}

/** The digests that a diff says of the two consensuses; the true ones unless given. */
export interface DiffDigests {
  /** 32 bytes in hexadecimal, as the next. */
  readonly from?: string;
  readonly to?: string;
}

/**
 * The diff that makes `newer` of `older`. The first command takes the signatures of the older one
 * away, as the specification has it.
 *
 * @throws RangeError when it would have to add a line that is a single dot
 */
export function writeConsensusDiff(
  older: Uint8Array,
  newer: Uint8Array,
  digests: DiffDigests = {},
): Uint8Array<ArrayBuffer> {
  return wrapDiff(older, newer, editCommands(linesOf(older), linesOf(newer)), digests);
}

/** A diff with these commands in the place of true ones. */
export function wrapDiff(
  older: Uint8Array,
  newer: Uint8Array,
  commands: string,
  { from, to }: DiffDigests = {},
): Uint8Array<ArrayBuffer> {
  const fromDigest = from ?? signedSha3(older).toHex();
  const toDigest = to ?? createHash("sha3-256").update(newer).digest("hex");
  return encode(`network-status-diff-version 1\nhash ${fromDigest} ${toDigest}\n${commands}`);
}

function linesOf(text: Uint8Array): string[] {
  return new TextDecoder().decode(text).split("\n").slice(0, -1);
}

function editCommands(older: readonly string[], newer: readonly string[]): string {
  const signature = older.findIndex((line) => line.startsWith("directory-signature "));
  const kept = signature < 0 ? older : older.slice(0, signature);
  const changes: Change[] = [];
  compare(
    kept,
    newer,
    { olderFrom: 0, olderTo: kept.length, newerFrom: 0, newerTo: newer.length },
    changes,
  );
  const commands = changes.reverse().map(({ from, to, lines }) => {
    if (lines.includes(".")) throw new RangeError("a diff cannot add a line that is a dot");
    const block = lines.length === 0 ? "" : `${lines.join("\n")}\n.\n`;
    if (from === to) return `${from}a\n${block}`;
    const range = to - from === 1 ? `${to}` : `${from + 1},${to}`;
    return `${range}${lines.length === 0 ? "d" : "c"}\n${block}`;
  });
  // A range of one line is none.
  const range = signature === older.length - 1 ? "" : ",$";
  return (signature < 0 ? "" : `${signature + 1}${range}d\n`) + commands.join("");
}

/** Half-open ranges of lines. */
interface Ranges {
  readonly olderFrom: number;
  readonly olderTo: number;
  readonly newerFrom: number;
  readonly newerTo: number;
}

/** Adds the changes within two ranges of lines, in their order. */
function compare(
  older: readonly string[],
  newer: readonly string[],
  ranges: Ranges,
  changes: Change[],
): void {
  let { olderFrom, olderTo, newerFrom, newerTo } = ranges;
  while (olderFrom < olderTo && newerFrom < newerTo && older[olderFrom] === newer[newerFrom]) {
    olderFrom++;
    newerFrom++;
  }
  while (olderFrom < olderTo && newerFrom < newerTo && older[olderTo - 1] === newer[newerTo - 1]) {
    olderTo--;
    newerTo--;
  }
  if (olderFrom === olderTo && newerFrom === newerTo) return;
  const anchors = commonUniqueLines(older, newer, { olderFrom, olderTo, newerFrom, newerTo });
  if (anchors.length === 0) {
    changes.push({ from: olderFrom, to: olderTo, lines: newer.slice(newerFrom, newerTo) });
    return;
  }
  for (const [olderAt, newerAt] of [...anchors, [olderTo, newerTo]]) {
    compare(older, newer, { olderFrom, olderTo: olderAt, newerFrom, newerTo: newerAt }, changes);
    olderFrom = olderAt + 1;
    newerFrom = newerAt + 1;
  }
}

/** Lines that occur once in either range, as many as stand in the same order in both. */
function commonUniqueLines(
  older: readonly string[],
  newer: readonly string[],
  ranges: Ranges,
): (readonly [number, number])[] {
  const inNewer = uniqueLines(newer, ranges.newerFrom, ranges.newerTo);
  const pairs = [...uniqueLines(older, ranges.olderFrom, ranges.olderTo)].flatMap(
    ([line, at]): (readonly [number, number])[] => {
      const newerAt = inNewer.get(line);
      return newerAt === undefined ? [] : [[at, newerAt]];
    },
  );
  // The longest increasing sequence: of each length the one that ends soonest.
  const ends: number[] = [];
  const before: number[] = [];
  pairs.forEach(([, newerAt], index) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[ends[middle]][1] < newerAt) low = middle + 1;
      else high = middle;
    }
    before[index] = low === 0 ? -1 : ends[low - 1];
    ends[low] = index;
  });
  const sequence: (readonly [number, number])[] = [];
  for (let index = ends.at(-1) ?? -1; index >= 0; index = before[index]) {
    sequence.push(pairs[index]);
  }
  return sequence.reverse();
}

/** Where each line is that occurs once, in their order. */
function uniqueLines(lines: readonly string[], from: number, to: number): Map<string, number> {
  const places = new Map<string, number>();
  const repeated = new Set<string>();
  for (let at = from; at < to; at++) {
    if (places.has(lines[at])) repeated.add(lines[at]);
    places.set(lines[at], at);
  }
  for (const line of repeated) places.delete(line);
  return places;
}
