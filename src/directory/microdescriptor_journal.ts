/**
 * Microdescriptors on disk, in C tor's two files, so that a cache can go from one program to the
 * other:
 *
 * | file                    | contents                                                          |
 * | ----------------------- | ----------------------------------------------------------------- |
 * | `cached-microdescs`     | what was kept when it was last compacted, replaced whole          |
 * | `cached-microdescs.new` | journal: what came since then, appended to, removed when compacted |
 *
 * Both hold the same text (see microdescriptor_file.ts) and no index: that is made when they are
 * loaded, from one scan which computes the SHA-256 of each. So a microdescriptor is known by the
 * digest of its own bytes alone, and nothing on the disk can say otherwise. Scan and hashes of 8,000
 * (5.4 MB) took 36 ms, all their fields another 70: an index on disk would save a part of the 36,
 * and would have to be kept true. So fields are parsed of what is asked for alone.
 *
 * In memory is the index, 44 bytes for each and its hash slots, and no text: texts are read when they
 * are wanted, which is at the start, and when a consensus lists again what an earlier one had
 * dropped.
 *
 * What has not been listed for a week is dropped (C tor: TOLERATE_MICRODESC_AGE) when the files are
 * compacted. Time is told by the consensus here, so that a clock that is wrong drops nothing.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { MicrodescriptorDigest } from "../netdoc/microdescriptor.ts";
import {
  microdescriptorDigestBytes,
  microdescriptorDigestFromBytes,
} from "../netdoc/microdescriptor_digest.ts";
import { nextTurn } from "../runtime/event_loop.ts";
import type { DataDirectory } from "../state/data_directory.ts";
import { joined } from "./joined.ts";
import {
  ANNOTATION_LENGTH,
  findMicrodescriptors,
  wholeLength,
  writeAnnotation,
} from "./microdescriptor_file.ts";
import { MicrodescriptorIndex } from "./microdescriptor_index.ts";

const FILE = "cached-microdescs";
const JOURNAL = "cached-microdescs.new";

/** Less than this is not worth writing the whole file anew (C tor), in bytes. */
const NOT_WORTH_IT = 16 * 1024;
const DAY = 24 * 60 * 60;
/** What was not listed for longer is dropped, in seconds. */
const KEPT_UNLISTED = 7 * DAY;
/** What could not be written is kept in memory, to be tried again, up to so many bytes. */
const MAX_UNWRITTEN = 16 * 1024 * 1024;
/** How many are hashed before other work gets its turn: less than 5 ms. */
const HASHED_PER_TURN = 500;
/** How many are looked up before other work gets its turn: less than 3 ms. */
const LOOKED_UP_PER_TURN = 2000;
/** What is read costs as much as so many that are looked up. */
const COST_OF_READING = 20;
/** How much is appended at a time, about, in bytes: more waits for a turn of its own. */
const APPENDED_AT_ONCE = 1024 * 1024;
/** What one has on disk, about, in bytes: a guess that saves copies. */
const USUAL_LENGTH = 700;
/** How much is written at a time, in bytes. */
const CHUNK = 256 * 1024;

/** Microdescriptors by their digests; each text is the bytes that the digest is for. */
export type MicrodescriptorTexts = ReadonlyMap<MicrodescriptorDigest, Uint8Array>;

/** Megabytes that are given back when this is left: the garbage collector takes its time. */
interface Files extends Disposable {
  readonly file: Uint8Array<ArrayBuffer>;
  readonly journal: Uint8Array<ArrayBuffer>;
}

/** Entries that a compacted file has. */
interface Kept {
  readonly numbers: readonly number[];
  /** Bytes that they take in it, with their annotations. */
  readonly length: number;
}

/** The two files. What is asked of it is done in the order in which it was asked. */
export class MicrodescriptorJournal {
  readonly #data: DataDirectory;
  readonly #readFile: (name: string) => Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Offsets go on from the file to the journal. */
  #index = new MicrodescriptorIndex();
  #isLoaded = false;
  #fileLength = 0;
  #journalLength = 0;
  /** When the dates on disk were right; seconds since 1970. */
  #datedAt = 0;
  /** When the newest consensus that was seen became valid; seconds since 1970. */
  #listedAt = 0;
  readonly #unwritten = new Map<MicrodescriptorDigest, Uint8Array>();
  #unwrittenLength = 0;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param readFile reads a file of the data directory into a buffer of its own; `undefined` when it
   * cannot be used
   */
  constructor(
    data: DataDirectory,
    readFile: (name: string) => Promise<Uint8Array<ArrayBuffer> | undefined>,
  ) {
    this.#data = data;
    this.#readFile = readFile;
  }

  /**
   * Gives those of `wanted` that are there to `take`, a few in each turn of the event loop. A text is
   * a view that holds during the call only.
   *
   * @param wanted digests of 32 bytes, each of which must hold until the next is asked for
   */
  read(
    wanted: Iterable<Uint8Array>,
    take: (digest: Uint8Array, text: Uint8Array) => void,
  ): Promise<void> {
    return this.#inTurn(async () => {
      using read = new DisposableStack();
      let files = this.#isLoaded ? undefined : read.use(await this.#load());
      const isChecked = files !== undefined;
      let untilTurn = LOOKED_UP_PER_TURN;
      for (const digest of wanted) {
        const number = this.#find(digest);
        if (number >= 0) files ??= read.use(await this.#readFiles());
        const text = number < 0 || files === undefined
          ? this.#unwrittenText(digest)
          : this.#textOf(files, number);
        if (text !== undefined) {
          // The files are ours alone while we run, but that is only agreed upon.
          if (isChecked || equal(sha256(text), digest)) take(digest, text);
          else this.#index.put(digest, 0, 0, 0);
          untilTurn -= COST_OF_READING;
        }
        if (--untilTurn > 0) continue;
        untilTurn = LOOKED_UP_PER_TURN;
        await nextTurn();
      }
    });
  }

  /**
   * Adds microdescriptors to the journal, in one write. Those that cannot be written are kept, and
   * written the next time that this or {@link compact} is called.
   *
   * @param texts each whole, with a newline at its end
   * @param listedAt when the consensus that lists them became valid; ms since 1970
   * @throws StateError `state-file-unwritable`
   */
  append(texts: MicrodescriptorTexts, listedAt: number): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#isLoaded) (await this.#load())[Symbol.dispose]();
      for (const [digest, text] of texts) {
        const isKnown = this.#unwritten.has(digest) ||
          this.#find(microdescriptorDigestBytes(digest)) >= 0;
        if (isKnown || this.#unwrittenLength + text.length > MAX_UNWRITTEN) continue;
        this.#unwritten.set(digest, text);
        this.#unwrittenLength += text.length;
      }
      await this.#write(Math.floor(listedAt / 1000));
    });
  }

  /**
   * Notes what a consensus lists.
   *
   * @param digests of 32 bytes
   * @param validAfter ms since 1970
   */
  noteListed(digests: Iterable<Uint8Array>, validAfter: number): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#isLoaded) (await this.#load())[Symbol.dispose]();
      const listedAt = Math.floor(validAfter / 1000);
      this.#listedAt = Math.max(this.#listedAt, listedAt);
      let untilTurn = LOOKED_UP_PER_TURN;
      for (const digest of digests) {
        const number = this.#find(digest);
        if (number >= 0 && this.#index.lastListed(number) < listedAt) {
          this.#index.setLastListed(number, listedAt);
        }
        if (--untilTurn > 0) continue;
        untilTurn = LOOKED_UP_PER_TURN;
        await nextTurn();
      }
    });
  }

  /**
   * Writes file and journal anew as one file, without what was not listed for a week, if that is
   * worth it:
   *
   * - the journal has more than 16 KiB and is longer than half of the file (C tor's rule), or
   * - what would be dropped has more than 16 KiB and is more than a third (C tor's rule), or
   * - the dates in the file are more than a day older than those in memory, so that a week would
   *   become much less for one who runs the client now and then.
   *
   * @returns whether it was
   * @throws StateError `state-file-unwritable`; the old files are then still there
   */
  compact(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (!this.#isLoaded || this.#listedAt === 0) return false;
      await this.#write(this.#listedAt);
      let kept = await this.#kept();
      if (!this.#isWorthCompacting(kept)) return false;
      using files = await this.#readFiles();
      if (
        files.file.length !== this.#fileLength || files.journal.length !== this.#journalLength
      ) {
        using reloaded = await this.#load();
        kept = await this.#kept();
        await this.#replace(reloaded, kept.numbers);
      } else {
        await this.#replace(files, kept.numbers);
      }
      return true;
    });
  }

  /** Writes what is not written yet: all of it together, unless that is very much. */
  async #write(listedAt: number): Promise<void> {
    const annotation = writeAnnotation(listedAt);
    while (this.#unwritten.size > 0) {
      const digests: MicrodescriptorDigest[] = [];
      const pieces: Uint8Array[] = [];
      let length = 0;
      for (const [digest, text] of this.#unwritten) {
        if (length >= APPENDED_AT_ONCE) break;
        digests.push(digest);
        pieces.push(annotation, text);
        length += annotation.length + text.length;
      }
      await this.#data.append(JOURNAL, joined(pieces));
      if (this.#fileLength + this.#journalLength === 0) this.#datedAt = listedAt;
      let start = this.#fileLength + this.#journalLength;
      digests.forEach((digest, place) => {
        const text = pieces[2 * place + 1];
        start += annotation.length;
        this.#index.put(microdescriptorDigestBytes(digest), start, text.length, listedAt);
        start += text.length;
        this.#unwritten.delete(digest);
        this.#unwrittenLength -= text.length;
      });
      this.#journalLength += length;
    }
  }

  /** Makes a new index. What the old one knew of dates is kept. */
  async #load(): Promise<Files> {
    const files = await this.#readFiles();
    const before = this.#index;
    const expected = (files.file.length + files.journal.length) / USUAL_LENGTH;
    const index = new MicrodescriptorIndex(Math.ceil(expected));
    let datedAt = 0;
    for (const bytes of [files.file, files.journal]) {
      const base = bytes === files.file ? 0 : files.file.length;
      let untilTurn = HASHED_PER_TURN;
      for (const { start, end, lastListed } of findMicrodescriptors(bytes)) {
        const digest = sha256(bytes.subarray(start, end));
        // What is in the journal beside a file came later than the file's dates.
        if (base === 0) datedAt = Math.max(datedAt, lastListed);
        const date = Math.max(lastListed, dateIn(index, digest), dateIn(before, digest));
        index.put(digest, base + start, end - start, date);
        if (--untilTurn > 0) continue;
        untilTurn = HASHED_PER_TURN;
        await nextTurn();
      }
    }
    this.#index = index;
    this.#isLoaded = true;
    this.#fileLength = files.file.length;
    this.#datedAt = datedAt;
    this.#journalLength = await this.#dropCutOffLine(files.journal);
    return files;
  }

  /**
   * Takes a last line that a crash cut off away: what is appended must not become a part of it. If
   * that fails, the next date is lost with it, and nothing else.
   *
   * @returns how long the journal is then
   */
  async #dropCutOffLine(journal: Uint8Array): Promise<number> {
    const whole = wholeLength(journal);
    if (whole === journal.length) return whole;
    try {
      await this.#data.truncate(JOURNAL, whole);
      return whole;
    } catch {
      return journal.length;
    }
  }

  async #readFiles(): Promise<Files> {
    const [file, journal] = [await this.#readFile(FILE), await this.#readFile(JOURNAL)];
    return {
      file: file ?? new Uint8Array(0),
      journal: journal ?? new Uint8Array(0),
      [Symbol.dispose]() {
        for (const bytes of [file, journal]) bytes?.buffer.transfer(0);
      },
    };
  }

  /** What a compacted file has. */
  async #kept(): Promise<Kept> {
    const numbers: number[] = [];
    let length = 0;
    for (let number = 0; number < this.#index.size; number++) {
      if (number % LOOKED_UP_PER_TURN === LOOKED_UP_PER_TURN - 1) await nextTurn();
      const textLength = this.#index.length(number);
      const isRecent = this.#index.lastListed(number) >= this.#listedAt - KEPT_UNLISTED;
      if (!isRecent || textLength === 0) continue;
      numbers.push(number);
      length += ANNOTATION_LENGTH + textLength;
    }
    return { numbers, length };
  }

  #isWorthCompacting(kept: Kept): boolean {
    const total = this.#fileLength + this.#journalLength;
    if (total === 0) return false;
    const wasted = total - kept.length;
    return (this.#journalLength > NOT_WORTH_IT && this.#journalLength > this.#fileLength / 2) ||
      (wasted > NOT_WORTH_IT && wasted > total / 3) ||
      this.#listedAt - this.#datedAt > DAY;
  }

  async #replace(files: Files, kept: readonly number[]): Promise<void> {
    const index = new MicrodescriptorIndex(kept.length);
    let length = 0;
    for (const number of kept) {
      if (index.size % LOOKED_UP_PER_TURN === LOOKED_UP_PER_TURN - 1) await nextTurn();
      const lastListed = Math.min(this.#index.lastListed(number), this.#listedAt);
      length += ANNOTATION_LENGTH;
      index.put(this.#index.digest(number), length, this.#index.length(number), lastListed);
      length += this.#index.length(number);
    }
    await this.#data.write(FILE, this.#parts(files, kept));
    this.#index = index;
    this.#fileLength = length;
    this.#datedAt = this.#listedAt;
    // A crash before this line leaves some of them twice, which does no harm.
    await this.#data.remove(JOURNAL);
    this.#journalLength = 0;
  }

  /** The new file in parts, each of which is overwritten by the next. */
  *#parts(files: Files, kept: readonly number[]): Generator<Uint8Array> {
    const chunk = new Uint8Array(CHUNK);
    let used = 0;
    let annotation = writeAnnotation(this.#listedAt);
    let date = this.#listedAt;
    for (const number of kept) {
      const lastListed = Math.min(this.#index.lastListed(number), this.#listedAt);
      // Most have the same date.
      if (lastListed !== date) annotation = writeAnnotation(date = lastListed);
      for (const piece of [annotation, this.#textOf(files, number)]) {
        if (used + piece.length > CHUNK) {
          yield chunk.subarray(0, used);
          used = 0;
        }
        if (piece.length > CHUNK) {
          yield piece;
        } else {
          chunk.set(piece, used);
          used += piece.length;
        }
      }
    }
    yield chunk.subarray(0, used);
  }

  #textOf({ file, journal }: Files, number: number): Uint8Array {
    const [start, length] = [this.#index.start(number), this.#index.length(number)];
    return start < this.#fileLength
      ? file.subarray(start, start + length)
      : journal.subarray(start - this.#fileLength, start - this.#fileLength + length);
  }

  #unwrittenText(digest: Uint8Array): Uint8Array | undefined {
    if (this.#unwritten.size === 0) return undefined;
    return this.#unwritten.get(microdescriptorDigestFromBytes(digest));
  }

  /** The number of an entry that has a text; -1 when there is none. */
  #find(digest: Uint8Array): number {
    const number = this.#index.find(digest);
    return number >= 0 && this.#index.length(number) > 0 ? number : -1;
  }

  async #inTurn<Result>(action: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(action);
    // Not the turn itself, which would keep its result until the next one.
    this.#last = turn.then(() => undefined, () => undefined);
    return await turn;
  }
}

function dateIn(index: MicrodescriptorIndex, digest: Uint8Array): number {
  const number = index.find(digest);
  return number < 0 ? 0 : index.lastListed(number);
}

function sha256(text: Uint8Array): Uint8Array {
  return createHash("sha256").update(text).digest();
}

/** Whether two digests are the same; nothing about them is secret. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
