/**
 * The text of a file of microdescriptors, in C tor's format: each may have annotations before it,
 * lines that begin with "@". Of these `last-listed` alone has a meaning: when a consensus listed the
 * microdescriptor last.
 *
 * ```text
 * @last-listed 2024-05-17 17:00:00
 * onion-key
 * ...
 * ```
 *
 * Where one ends is seen from the line that follows: so whatever stands between two of them, torn
 * or overwritten, spoils no third.
 *
 * @module
 */
import { parseTime } from "../netdoc/field.ts";
import { startsMicrodescriptor } from "../netdoc/microdescriptor.ts";

const NEWLINE = 0x0a;
const AT = 0x40;
const LAST_LISTED = "@last-listed ";
/** The length of the annotation with its newline, in bytes. */
export const ANNOTATION_LENGTH = LAST_LISTED.length + "2024-05-17 17:00:00".length + 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Where a microdescriptor stands in a file. */
export interface MicrodescriptorPlace {
  /** The offset of its first byte, after all annotations. */
  readonly start: number;
  /** The offset just past its last byte. */
  readonly end: number;
  /** When it was listed last, in seconds since 1970; 0 when nothing says so. */
  readonly lastListed: number;
}

/** Finds the microdescriptors of a file, in their order; a last line without an end is left out. */
export function* findMicrodescriptors(file: Uint8Array): Generator<MicrodescriptorPlace> {
  const length = wholeLength(file);
  let start = -1;
  let lastListed = 0;
  const dates = new DateReader();
  for (let line = 0; line < length;) {
    const next = file.indexOf(NEWLINE, line) + 1;
    const isAnnotation = file[line] === AT;
    if (isAnnotation || startsMicrodescriptor(file, line)) {
      if (start >= 0) {
        yield { start, end: line, lastListed };
        lastListed = 0;
      }
      start = isAnnotation ? -1 : line;
      if (isAnnotation) lastListed = dates.read(file, line, next) ?? lastListed;
    }
    line = next;
  }
  if (start >= 0) yield { start, end: length, lastListed };
}

/** How many bytes of a file are whole lines. */
export function wholeLength(file: Uint8Array): number {
  return file.lastIndexOf(NEWLINE) + 1;
}

/**
 * The annotation with its newline.
 *
 * @param lastListed seconds since 1970
 */
export function writeAnnotation(lastListed: number): Uint8Array {
  const time = new Date(lastListed * 1000).toISOString().slice(0, 19).replace("T", " ");
  return encoder.encode(`${LAST_LISTED}${time}\n`);
}

/** Reads annotations; one that is as the one before is not taken apart again. */
class DateReader {
  readonly #line = new Uint8Array(ANNOTATION_LENGTH);
  #time: number | undefined;

  read(file: Uint8Array, start: number, end: number): number | undefined {
    if (end - start !== ANNOTATION_LENGTH) return undefined;
    if (!this.#isLast(file, start)) {
      this.#line.set(file.subarray(start, end));
      const line = decoder.decode(this.#line.subarray(0, -1));
      const time = line.startsWith(LAST_LISTED)
        ? parseTime(line.slice(LAST_LISTED.length))
        : undefined;
      this.#time = time && Math.min(time / 1000, 0xffffffff);
    }
    return this.#time;
  }

  /** Whether the line at `start` is the one that was read last. */
  #isLast(file: Uint8Array, start: number): boolean {
    for (let at = 0; at < ANNOTATION_LENGTH; at++) {
      if (file[start + at] !== this.#line[at]) return false;
    }
    return true;
  }
}
