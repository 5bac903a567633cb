/**
 * Directory documents on disk, so that the next start needs no download. The names and formats
 * are C tor's:
 *
 * | file                         | contents                                                    |
 * | ---------------------------- | ----------------------------------------------------------- |
 * | `cached-microdesc-consensus` | the consensus as it was signed                              |
 * | `cached-certs`               | authority certificates, one after another                   |
 * | `cached-microdescs`          | microdescriptors (see microdescriptor_journal.ts)           |
 * | `cached-microdescs.new`      | journal: those that came since the file above was written    |
 *
 * Nothing read here is believed for having been on this disk: signatures are checked again, and a
 * microdescriptor counts only under its own digest, so that one that a crash cut off is nobody's.
 * A cache that cannot be written costs a download at the next start, and must not end this one.
 *
 * @module
 */
import { describeError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import type { DataDirectory } from "../state/data_directory.ts";
import { DATA_FILES } from "../state/data_files.ts";
import { diskTrouble } from "../state/disk_trouble.ts";
import { MicrodescriptorJournal, type MicrodescriptorTexts } from "./microdescriptor_journal.ts";
import { MAX_CONSENSUS_LENGTH } from "./requests.ts";

const { name: CONSENSUS } = DATA_FILES.consensus;
const { name: CERTIFICATES } = DATA_FILES.certificates;

const MAX_CERTIFICATES_LENGTH = 1024 * 1024;
const MAX_MICRODESCRIPTORS_LENGTH = 64 * 1024 * 1024;

/** The files of this room in the data directory. */
export class DirectoryCache {
  readonly #data: DataDirectory;
  readonly #clock: Clock;
  readonly #microdescriptors: MicrodescriptorJournal;
  readonly #log = new Logger("directory");

  constructor(data: DataDirectory, clock: Clock) {
    this.#data = data;
    this.#clock = clock;
    this.#microdescriptors = new MicrodescriptorJournal(
      data,
      (name) => this.#read(name, MAX_MICRODESCRIPTORS_LENGTH),
    );
  }

  /** The consensus, unchecked. */
  readConsensus(): Promise<Uint8Array<ArrayBuffer> | undefined> {
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

  /** Gives the microdescriptors that are `wanted` and there to `take`: see MicrodescriptorJournal. */
  readMicrodescriptors(
    wanted: Iterable<Uint8Array>,
    take: (digest: Uint8Array, text: Uint8Array) => void,
  ): Promise<void> {
    return this.#microdescriptors.read(wanted, take);
  }

  /**
   * Adds microdescriptors, each of them whole, in one write.
   *
   * @param listedAt when the consensus that lists them became valid; ms since 1970
   */
  async appendMicrodescriptors(texts: MicrodescriptorTexts, listedAt: number): Promise<void> {
    await this.#try(
      "append to the journal of microdescriptors",
      () => this.#microdescriptors.append(texts, listedAt),
    );
  }

  /**
   * Notes what a consensus lists, for a week from when it became valid.
   *
   * @param digests of 32 bytes
   * @param validAfter ms since 1970
   */
  noteListed(digests: Iterable<Uint8Array>, validAfter: number): Promise<void> {
    return this.#microdescriptors.noteListed(digests, validAfter);
  }

  /** Drops microdescriptors that were not listed for a week, if that is worth a new file. */
  async compactMicrodescriptors(): Promise<void> {
    await this.#try("write the microdescriptors", async () => {
      if (await this.#microdescriptors.compact()) this.#log.debug("Compacted microdescriptors.");
    });
  }

  async #read(name: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
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
      const line = `Could not ${what}: ${describeError(error)}`;
      // What is wrong with the whole disk was said by the data directory, once.
      if (diskTrouble(error) === undefined) this.#log.warn(line);
      else this.#log.info(line);
    }
  }
}
