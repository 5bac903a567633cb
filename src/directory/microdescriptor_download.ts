/**
 * Fetches microdescriptors in batches from several directory servers at once.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import {
  type MicrodescriptorDigest,
  microdescriptorSteps,
  type ParsedMicrodescriptor,
  type SharedParts,
} from "../netdoc/microdescriptor.ts";
import { type Logger, scrub } from "../observe/log.ts";
import { inTurns } from "../runtime/event_loop.ts";
import { DirectoryError } from "./errors.ts";
import { microdescriptorBatches, microdescriptorsRequest } from "./requests.ts";
import type { DirectorySources, Source } from "./sources.ts";
import { serverAddress } from "./transport.ts";

/** How many requests are under way at one time. */
const MAX_PARALLEL = 6;
/** How many servers a batch is asked from before it waits for the next round. */
const SERVERS_PER_BATCH = 3;
/** When more servers than this lack something, the fault is not theirs (C tor). */
const TOO_MANY_OUTDATED = 30;

/** What is worth asking for, and how what comes is read. */
export interface MicrodescriptorWants {
  /** Collects what microdescriptors have in common. */
  readonly shared: SharedParts;
  /** What can't be read although its digest is right, and so never will be; more is added. */
  readonly unreadable: Set<MicrodescriptorDigest>;
  /** Whether the newest consensus lists a microdescriptor that is not there. */
  readonly isMissing: (digest: MicrodescriptorDigest) => boolean;
}

/** Microdescriptors that were asked for, with the text that they were found in. */
export interface ReceivedMicrodescriptors {
  readonly entries: readonly ParsedMicrodescriptor[];
  readonly documents: Uint8Array;
}

/** Fetches the microdescriptors of one consensus, and remembers who lacked some of them. */
export class MicrodescriptorDownload {
  readonly #sources: DirectorySources;
  readonly #log: Logger;
  readonly #wants: MicrodescriptorWants;
  /** Servers that lacked something of this consensus; others are asked first. */
  readonly #outdated = new Set<RsaIdentity>();

  constructor(sources: DirectorySources, log: Logger, wants: MicrodescriptorWants) {
    this.#sources = sources;
    this.#log = log;
    this.#wants = wants;
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
    // A newer consensus may have come since the round began.
    const wanted = new Set(digests.filter(this.#wants.isMissing));
    const failed = new Set<RsaIdentity>();
    for (let asked = 0; asked < SERVERS_PER_BATCH && wanted.size > 0; asked++) {
      signal.throwIfAborted();
      const source = this.#sources.pick(failed.union(this.#outdated)) ?? this.#sources.pick(failed);
      if (source === undefined) return;
      try {
        const received = await this.#fetchFrom(source, wanted, signal);
        await onReceived(received);
        if (wanted.size > 0) this.#noteOutdated(source);
      } catch (error) {
        if (signal.aborted) throw error;
        const isAnswer = error instanceof DirectoryError && error.code === "directory-http-status";
        if (isAnswer) this.#noteOutdated(source);
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
    const { shared, unreadable } = this.#wants;
    const { microdescriptors, malformed } = await inTurns(
      microdescriptorSteps(result.document, shared),
    );
    for (const digest of malformed) {
      if (wanted.delete(digest)) unreadable.add(digest);
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
      this.#noteOutdated(source);
    }
    return { entries, documents: result.document };
  }

  /** Others are asked before this one from now on; authorities never lack anything for long. */
  #noteOutdated({ identity, server }: Source): void {
    if (server.kind === "authority") return;
    if (this.#outdated.size >= TOO_MANY_OUTDATED) this.#outdated.clear();
    this.#outdated.add(identity);
  }
}
