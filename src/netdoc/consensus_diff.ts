/**
 * Consensus diffs: what makes a newer consensus of an older one (dir-spec, "Consensus diffs").
 *
 * ```text
 * network-status-diff-version 1
 * hash FromDigest ToDigest        SHA3-256 in hexadecimal: of the older one as far as it is signed,
 *                                 and of all of the newer one
 * 120,$d                          commands of ed, from the last line to the first
 * 98,99c
 * a line
 * .
 * ```
 *
 * | command         | meaning                                                         |
 * | --------------- | --------------------------------------------------------------- |
 * | `FIRST[,LAST]d` | the lines are left out; LAST may be `$`, the last line           |
 * | `FIRST[,LAST]c` | the lines that follow, up to one that is `.`, stand for these    |
 * | `FIRSTa`        | the lines that follow, up to one that is `.`, come after this    |
 *
 * A command may not touch what a later line's command has touched, so that a result is never longer
 * than the older consensus and the diff together.
 *
 * @module
 */
import { NetdocError } from "./errors.ts";
import { hashSteps, lastOf, lineSearchSteps } from "./steps.ts";

const encoder = new TextEncoder();
const KEYWORD = encoder.encode("network-status-diff-version ");
const VERSION_LINE = encoder.encode("network-status-diff-version 1\n");
const SIGNATURE = "directory-signature";

/** "hash", two times 64 digits, and spaces between. */
const MAX_HASH_LINE_LENGTH = 256;
/** C tor's limit for a line with a command, in bytes. */
const MAX_COMMAND_LENGTH = 127;
/** C tor reads line numbers as 32-bit integers. */
const MAX_LINE_NUMBER = 2 ** 31 - 1;

/** Lines that are found in one step: less than 3 ms. */
const LINES_PER_STEP = 16_384;
/** Commands that are done in one step: less than 3 ms. */
const COMMANDS_PER_STEP = 2000;
/** What a line is taken to be long at first: a guess that saves copies. */
const LINE_LENGTH = 32;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const COMMA = 0x2c;
const DOLLAR = 0x24;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Whether a document that came for a consensus is a diff, of whatever version. */
export function isConsensusDiff(document: Uint8Array): boolean {
  return startsWith(document, 0, KEYWORD);
}

/**
 * The SHA3-256 (32 bytes) of what the authorities have signed of a consensus: up to the space after
 * the first "directory-signature"; of all of it, if it has none. By it a client tells a directory
 * server which consensus it holds.
 */
export function signedSha3(consensus: Uint8Array): Uint8Array {
  return lastOf(signedSha3Steps(consensus));
}

/** Computes what {@link signedSha3} gives, in steps of less than 5 ms. */
export function* signedSha3Steps(consensus: Uint8Array): Generator<void, Uint8Array> {
  const line = yield* lineSearchSteps(consensus, SIGNATURE);
  const space = line < 0 ? -1 : consensus.indexOf(SPACE, line + SIGNATURE.length);
  return yield* hashSteps("sha3-256", space < 0 ? consensus : consensus.subarray(0, space + 1));
}

/**
 * Makes the newer consensus. Nothing of what comes out may be believed before its signatures are
 * checked, as with one that was downloaded whole.
 *
 * @param base the consensus that the diff was asked for
 * @param diff untrusted
 * @param maxLength the longest result that is accepted, in bytes
 * @param baseDigest what {@link signedSha3} gives for `base`, if it is known: computing it takes a
 * quarter of the time, and the digest of the result tells as well whether `base` is right
 * @throws NetdocError consensus-diff-malformed; consensus-diff-wrong-base when it is for another
 * one than `base`; consensus-diff-wrong-result when the result is not what it says;
 * consensus-diff-too-large
 */
export function applyConsensusDiff(
  base: Uint8Array,
  diff: Uint8Array,
  maxLength: number,
  baseDigest?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return lastOf(consensusDiffSteps(base, diff, maxLength, baseDigest));
}

/**
 * Makes the newer consensus as {@link applyConsensusDiff} does, in steps of less than 5 ms. Nothing
 * may write to `base` and `diff` before the last.
 *
 * @throws as applyConsensusDiff, from any step
 */
export function* consensusDiffSteps(
  base: Uint8Array,
  diff: Uint8Array,
  maxLength: number,
  baseDigest?: Uint8Array,
): Generator<void, Uint8Array<ArrayBuffer>> {
  if (!startsWith(diff, 0, VERSION_LINE)) malformed("is of no version that is known");
  if (diff[diff.length - 1] !== NEWLINE) malformed("ends inside a line");
  const commands = endOfLine(diff, VERSION_LINE.length);
  const { from, to } = readHashes(diff.subarray(VERSION_LINE.length, commands));
  if (!equal(from, baseDigest ?? (yield* signedSha3Steps(base)))) {
    throw new NetdocError(
      "consensus-diff-wrong-base",
      "a consensus diff is for another consensus than the one that is held",
    );
  }
  yield;
  const lines = new DiffedLines(base, diff, yield* lineStarts(base));
  yield;
  yield* lines.applySteps(commands);
  yield;
  const result = lines.join(maxLength);
  yield;
  if (!equal(to, yield* hashSteps("sha3-256", result))) {
    throw new NetdocError(
      "consensus-diff-wrong-result",
      "a consensus diff does not give the consensus that it says",
    );
  }
  return result;
}

function readHashes(line: Uint8Array): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const text = line.length > MAX_HASH_LINE_LENGTH ? "" : new TextDecoder().decode(line);
  const match = /^hash +([0-9A-Fa-f]{64}) +([0-9A-Fa-f]{64}) *\n$/.exec(text);
  if (match === null) return malformed("has no two digests");
  return { from: Uint8Array.fromHex(match[1]), to: Uint8Array.fromHex(match[2]) };
}

/** A part of the result, as a range of bytes. */
interface Part {
  readonly source: Uint8Array;
  readonly start: number;
  readonly end: number;
}

interface Command {
  /** The numbers of the first and the last line that it is about; the first line's is 1. */
  readonly first: number;
  readonly last: number;
  readonly action: "a" | "c" | "d";
  /** The offset of the line after the command. */
  readonly next: number;
}

/** Goes through the commands and collects what the result is made of, from its end. */
class DiffedLines {
  readonly #base: Uint8Array;
  readonly #diff: Uint8Array;
  /** For each line of the base its first byte, and at the end the base's length. */
  readonly #starts: Uint32Array;
  /** Parts of the result, the last one first. */
  readonly #parts: Part[] = [];
  /** Lines of the base that no command has dealt with yet: those up to this one. */
  #left: number;

  /** @param starts those of the lines of `base`: see {@link lineStarts} */
  constructor(base: Uint8Array, diff: Uint8Array, starts: Uint32Array) {
    this.#base = base;
    this.#diff = diff;
    this.#starts = starts;
    this.#left = this.#starts.length - 1;
  }

  /**
   * Does all commands.
   *
   * @param start the offset in `diff` of the first command
   */
  *applySteps(start: number): Generator<void, void> {
    let untilStep = COMMANDS_PER_STEP;
    for (let at = start; at < this.#diff.length;) {
      at = this.#apply(this.#readCommand(at));
      if (--untilStep > 0) continue;
      untilStep = COMMANDS_PER_STEP;
      yield;
    }
    this.#keepDownTo(0);
  }

  join(maxLength: number): Uint8Array<ArrayBuffer> {
    let length = 0;
    for (const { start, end } of this.#parts) length += end - start;
    if (length > maxLength) {
      throw new NetdocError(
        "consensus-diff-too-large",
        `a consensus diff gives a consensus of more than ${maxLength} bytes`,
      );
    }
    const result = new Uint8Array(length);
    let at = length;
    for (const { source, start, end } of this.#parts) {
      at -= end - start;
      result.set(source.subarray(start, end), at);
    }
    return result;
  }

  /** Does what a command says, and gives the offset of the next one. */
  #apply({ first, last, action, next }: Command): number {
    this.#keepDownTo(last);
    if (action !== "a") this.#left = first - 1;
    if (action === "d") return next;
    let end = next;
    while (!this.#isDot(end)) {
      end = endOfLine(this.#diff, end);
      if (end === this.#diff.length) malformed("has lines that do not end with a dot");
    }
    if (end === next) malformed("has a command that adds no lines");
    this.#parts.push({ source: this.#diff, start: next, end });
    return end + 2;
  }

  /** Takes all lines after `line` that no command has dealt with as they are. */
  #keepDownTo(line: number): void {
    if (line > this.#left) malformed("has commands that are not in order");
    const start = this.#starts[line];
    const end = this.#starts[this.#left];
    if (end > start) this.#parts.push({ source: this.#base, start, end });
    this.#left = line;
  }

  #isDot(at: number): boolean {
    return this.#diff[at] === DOT && this.#diff[at + 1] === NEWLINE;
  }

  #readCommand(start: number): Command {
    const next = endOfLine(this.#diff, start);
    if (next - 1 - start > MAX_COMMAND_LENGTH) malformed("has a command that is too long");
    let at = start;
    const readNumber = (): number => {
      const begin = at;
      let value = 0;
      for (let byte = this.#diff[at]; byte >= ZERO && byte <= NINE; byte = this.#diff[++at]) {
        value = Math.min(value * 10 + byte - ZERO, MAX_LINE_NUMBER + 1);
      }
      if (at === begin || value > MAX_LINE_NUMBER) malformed("has a command without line number");
      return value;
    };
    const first = readNumber();
    const hasRange = this.#diff[at] === COMMA;
    const toEnd = hasRange && this.#diff[at + 1] === DOLLAR;
    if (hasRange) at++;
    if (toEnd) at++;
    const lines = this.#starts.length - 1;
    const last = toEnd ? lines : hasRange ? readNumber() : first;
    const action = next - at === 2 ? String.fromCharCode(this.#diff[at]) : "";
    if (action !== "a" && action !== "c" && action !== "d") {
      return malformed("has a command that is not known");
    }
    // As in C tor, a range has two lines or more, and "$" is for deletion alone.
    const isSound = action === "a"
      ? !hasRange
      : first >= 1 && (!hasRange || first < last) && (!toEnd || action === "d");
    if (!isSound) malformed("has a command whose lines make no sense");
    return { first, last, action, next };
  }
}

/** Where the lines begin, and at the end the length of all. */
function* lineStarts(bytes: Uint8Array): Generator<void, Uint32Array> {
  if (bytes.length > 0 && bytes[bytes.length - 1] !== NEWLINE) {
    throw new NetdocError("consensus-diff-wrong-base", "the consensus that is held is cut off");
  }
  let starts = new Uint32Array(Math.ceil(bytes.length / LINE_LENGTH) + 1);
  let lines = 0;
  let untilStep = LINES_PER_STEP;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (++lines === starts.length) {
      const larger = new Uint32Array(2 * starts.length);
      larger.set(starts);
      starts = larger;
    }
    starts[lines] = at + 1;
    if (--untilStep > 0) continue;
    untilStep = LINES_PER_STEP;
    yield;
  }
  return starts.subarray(0, lines + 1);
}

/** The offset just past the newline of the line that `from` is in, or just past the last byte. */
function endOfLine(bytes: Uint8Array, from: number): number {
  const newline = bytes.indexOf(NEWLINE, from);
  return newline < 0 ? bytes.length : newline + 1;
}

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let index = 0; index < prefix.length; index++) {
    if (bytes[at + index] !== prefix[index]) return false;
  }
  return true;
}

/** Whether two digests are the same; nothing about them is secret. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && startsWith(a, 0, b);
}

function malformed(what: string): never {
  throw new NetdocError("consensus-diff-malformed", `a consensus diff ${what}`);
}
