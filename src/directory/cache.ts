/**
 * Directory documents on disk, so that the next start needs no download. The names and formats
 * are C tor's:
 *
 * | file                         | contents                                                    |
 * | ---------------------------- | ----------------------------------------------------------- |
 * | `cached-microdesc-consensus` | the consensus as it was signed                              |
 * | `cached-certs`               | authority certificates, one after another                   |
 * | `cached-microdescs`          | microdescriptors, one after another                         |
 * | `cached-microdescs.new`      | journal: those that came since the file above was written    |
 *
 * Nothing read here is believed for having been on this disk: signatures are checked again, and a
 * microdescriptor counts only under its own digest, so that one that a crash cut off is nobody's.
 * A cache that cannot be written costs a download at the next start, and must not end this one.
 *
 * @module
 */
import { describeError } from "../errors/tor_error.ts";
import {
  type MicrodescriptorDigest,
  type ParsedMicrodescriptor,
  parseMicrodescriptors,
  SharedParts,
} from "../netdoc/microdescriptor.ts";
import { Logger } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import type { DataDirectory } from "../state/data_directory.ts";
import { joined } from "./joined.ts";
import { MAX_CONSENSUS_LENGTH } from "./requests.ts";

const CONSENSUS = "cached-microdesc-consensus";
const CERTIFICATES = "cached-certs";
const MICRODESCRIPTORS = "cached-microdescs";
const JOURNAL = "cached-microdescs.new";

const MAX_CERTIFICATES_LENGTH = 1024 * 1024;
const MAX_MICRODESCRIPTORS_LENGTH = 64 * 1024 * 1024;
/** A shorter journal is not worth writing the whole file anew (C tor), in bytes. */
const SHORT_JOURNAL = 16 * 1024;

const NEWLINE = 0x0a;
const AT = 0x40;

/** The files of this room in the data directory. */
export class DirectoryCache {
  readonly #data: DataDirectory;
  readonly #clock: Clock;
  readonly #log = new Logger("directory");
  #fileLength = 0;
  #journalLength = 0;
  /** Bytes in the two files that are of no use: cut off, or not listed any more. */
  #wasted = 0;

  constructor(data: DataDirectory, clock: Clock) {
    this.#data = data;
    this.#clock = clock;
  }

  /** The consensus, unchecked. */
  readConsensus(): Promise<Uint8Array | undefined> {
    return this.#read(CONSENSUS, MAX_CONSENSUS_LENGTH);
  }

  /** Replaces the consensus. */
  writeConsensus(document: Uint8Array): Promise<void> {
    return this.#try("write the consensus", () => this.#data.write(CONSENSUS, document));
  }

  /** Puts a consensus that makes no sense out of the way. */
  setConsensusAside(): Promise<void> {
    return this.#setAside(CONSENSUS);
  }

  /** All certificates, unchecked. */
  readCertificates(): Promise<Uint8Array | undefined> {
    return this.#read(CERTIFICATES, MAX_CERTIFICATES_LENGTH);
  }

  /** Replaces all certificates. */
  writeCertificates(documents: Uint8Array): Promise<void> {
    return this.#try("write the certificates", () => this.#data.write(CERTIFICATES, documents));
  }

  /** Puts certificates that make no sense out of the way. */
  setCertificatesAside(): Promise<void> {
    return this.#setAside(CERTIFICATES);
  }

  /**
   * The microdescriptors that are `wanted`, by the digests they have.
   *
   * @param shared collects what they have in common
   */
  async readMicrodescriptors(
    wanted: ReadonlySet<MicrodescriptorDigest>,
    shared: SharedParts,
  ): Promise<ParsedMicrodescriptor[]> {
    const found = new Map<MicrodescriptorDigest, ParsedMicrodescriptor>();
    let total = 0;
    let used = 0;
    for (const name of [MICRODESCRIPTORS, JOURNAL]) {
      const bytes = await this.#read(name, MAX_MICRODESCRIPTORS_LENGTH) ?? new Uint8Array(0);
      if (name === MICRODESCRIPTORS) {
        this.#fileLength = bytes.length;
      } else {
        this.#journalLength = bytes.length;
        await this.#trimJournal(bytes);
      }
      total += bytes.length;
      for (const entry of parsedEntries(bytes, shared).entries) {
        if (!wanted.has(entry.digest) || found.has(entry.digest)) continue;
        found.set(entry.digest, entry);
        used += entry.end - entry.start;
      }
    }
    this.#wasted = total - used;
    return [...found.values()];
  }

  /** Adds microdescriptors, each of them whole, to the journal. */
  async appendMicrodescriptors(documents: readonly Uint8Array[]): Promise<void> {
    if (documents.length === 0) return;
    const bytes = joined(documents);
    await this.#try("append to the journal of microdescriptors", async () => {
      await this.#data.append(JOURNAL, bytes);
      this.#journalLength += bytes.length;
    });
  }

  /**
   * Writes file and journal anew as one file with the `wanted` microdescriptors alone, if that is
   * worth it: the journal has grown large, or a third is of no use (C tor's rule).
   */
  async compact(wanted: ReadonlySet<MicrodescriptorDigest>): Promise<void> {
    const total = this.#fileLength + this.#journalLength;
    const large = this.#journalLength >= SHORT_JOURNAL &&
      this.#journalLength > this.#fileLength / 2;
    if (!large && !(this.#wasted > total / 3)) return;
    const kept = new Map<MicrodescriptorDigest, Uint8Array>();
    for (const name of [MICRODESCRIPTORS, JOURNAL]) {
      const bytes = await this.#read(name, MAX_MICRODESCRIPTORS_LENGTH);
      if (bytes === undefined) continue;
      const { entries, text } = parsedEntries(bytes, new SharedParts());
      for (const { digest, start, end } of entries) {
        if (wanted.has(digest)) kept.set(digest, text.subarray(start, end));
      }
    }
    await this.#try("write the microdescriptors", async () => {
      const bytes = joined([...kept.values()]);
      await this.#data.write(MICRODESCRIPTORS, bytes);
      // A crash before this line leaves some of them twice, which does no harm.
      await this.#data.remove(JOURNAL);
      this.#fileLength = bytes.length;
      this.#journalLength = 0;
      this.#wasted = 0;
    });
  }

  /** Takes a last line that was cut off away: what is appended must not become a part of it. */
  async #trimJournal(bytes: Uint8Array): Promise<void> {
    const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
    if (whole.length === bytes.length) return;
    await this.#try("mend the journal of microdescriptors", () => this.#data.write(JOURNAL, whole));
  }

  async #read(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    try {
      return await this.#data.read(name, maxBytes);
    } catch (error) {
      this.#log.warn(`Not using ${name}: ${describeError(error)}`);
      await this.#setAside(name);
      return undefined;
    }
  }

  async #setAside(name: string): Promise<void> {
    await this.#try(`set ${name} aside`, async () => {
      const newName = await this.#data.setAside(name, this.#clock.now());
      this.#log.warn(`Set ${name} aside as ${newName}.`);
    });
  }

  async #try(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.#log.warn(`Could not ${what}: ${describeError(error)}`);
    }
  }
}

/** The entries of a file, and the text that their offsets are for. */
function parsedEntries(
  bytes: Uint8Array,
  shared: SharedParts,
): { readonly entries: readonly ParsedMicrodescriptor[]; readonly text: Uint8Array } {
  // A crash may have cut the last line off; what is whole before it is still good.
  const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
  const text = withoutAnnotations(whole);
  return { entries: parseMicrodescriptors(text, shared).microdescriptors, text };
}

/** The text without the lines that C tor adds in its caches, which begin with "@". */
function withoutAnnotations(text: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let kept = 0;
  for (let at = text.indexOf(AT); at >= 0; at = text.indexOf(AT, at + 1)) {
    if (at > 0 && text[at - 1] !== NEWLINE) continue;
    parts.push(text.subarray(kept, at));
    kept = text.indexOf(NEWLINE, at) + 1;
    at = kept - 1;
  }
  if (kept === 0) return text;
  parts.push(text.subarray(kept));
  return joined(parts);
}
