/**
 * Fetches microdescriptors in batches from several directory servers at once.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import {
  type MicrodescriptorDigest,
  type ParsedMicrodescriptor,
  parseMicrodescriptors,
  type SharedParts,
} from "../netdoc/microdescriptor.ts";
import { type Logger, scrub } from "../observe/log.ts";
import { DirectoryError } from "./errors.ts";
import { microdescriptorBatches, microdescriptorsRequest } from "./requests.ts";
import type { DirectorySources, Source } from "./sources.ts";
import { serverAddress } from "./transport.ts";

/** How many requests are under way at one time. */
const MAX_PARALLEL = 6;
/** How many servers a batch is asked from before it waits for the next round. */
const SERVERS_PER_BATCH = 3;

/** Microdescriptors that were asked for, with the text that they were found in. */
export interface ReceivedMicrodescriptors {
  readonly entries: readonly ParsedMicrodescriptor[];
  readonly documents: Uint8Array;
}

/** Fetches the microdescriptors of one consensus, and remembers who lacked some of them. */
export class MicrodescriptorDownload {
  readonly #sources: DirectorySources;
  readonly #log: Logger;
  readonly #shared: SharedParts;
  /** Servers that lacked something of this consensus; others are asked first. */
  readonly #outdated = new Set<RsaIdentity>();
  /** What can't be read although its digest is right, and so never will be. */
  readonly #unreadable = new Set<MicrodescriptorDigest>();

  /** @param shared collects what microdescriptors have in common */
  constructor(sources: DirectorySources, log: Logger, shared: SharedParts) {
    this.#sources = sources;
    this.#log = log;
    this.#shared = shared;
  }

  /** Those of `digests` that are worth asking for. */
  downloadable(digests: readonly MicrodescriptorDigest[]): MicrodescriptorDigest[] {
    return digests.filter((digest) => !this.#unreadable.has(digest));
  }

  /**
   * Asks for microdescriptors once around: each batch from up to three servers.
   *
   * @param onReceived called with each part that came, before the next is asked for
   * @throws the signal's reason when aborted; what `onReceived` throws
   */
  async round(
    digests: readonly MicrodescriptorDigest[],
    onReceived: (received: ReceivedMicrodescriptors) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const batches = microdescriptorBatches(digests).values();
    const worker = async () => {
      for (const batch of batches) await this.#fetchBatch(batch, onReceived, signal);
    };
    // All of them are waited for, so that nothing is still being written when this is over.
    const ended = await Promise.allSettled(Array.from({ length: MAX_PARALLEL }, worker));
    const failure = ended.find((each) => each.status === "rejected");
    if (failure !== undefined) throw failure.reason;
  }

  async #fetchBatch(
    digests: readonly MicrodescriptorDigest[],
    onReceived: (received: ReceivedMicrodescriptors) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const wanted = new Set(digests);
    const failed = new Set<RsaIdentity>();
    for (let asked = 0; asked < SERVERS_PER_BATCH && wanted.size > 0; asked++) {
      signal.throwIfAborted();
      const source = this.#sources.pick(failed.union(this.#outdated)) ?? this.#sources.pick(failed);
      if (source === undefined) return;
      try {
        const received = await this.#fetchFrom(source, wanted, signal);
        await onReceived(received);
        if (wanted.size > 0) this.#outdated.add(source.identity);
      } catch (error) {
        if (signal.aborted) throw error;
        this.#log.info(
          `No microdescriptors from ${scrub(serverAddress(source.server))}: ` +
            `${describeError(error)}`,
        );
      }
      failed.add(source.identity);
    }
  }

  /** Asks one server, and takes what it gave out of `wanted`. */
  async #fetchFrom(
    source: Source,
    wanted: Set<MicrodescriptorDigest>,
    signal: AbortSignal,
  ): Promise<ReceivedMicrodescriptors> {
    const result = await source.fetch(microdescriptorsRequest([...wanted]), signal);
    if (result.kind === "not-modified") return { entries: [], documents: new Uint8Array(0) };
    const { microdescriptors, malformed } = parseMicrodescriptors(result.document, this.#shared);
    for (const digest of malformed) {
      if (wanted.delete(digest)) this.#unreadable.add(digest);
    }
    const entries = microdescriptors.filter(({ digest }) => wanted.delete(digest));
    if (entries.length < microdescriptors.length) {
      const strangers = microdescriptors.length - entries.length;
      const error = new DirectoryError(
        "microdescriptor-not-requested",
        `${strangers} of ${microdescriptors.length} microdescriptors were not asked for`,
      );
      this.#log.warn(
        `Dropped microdescriptors from ${scrub(serverAddress(source.server))}: ` +
          `${describeError(error)}`,
      );
      this.#outdated.add(source.identity);
    }
    return { entries, documents: result.document };
  }
}
