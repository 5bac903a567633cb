/**
 * Progress from nothing to a working client, in C tor's phases (control-spec, BOOTSTRAP), so that
 * what people and tools know from C tor is said here in the same words.
 *
 * @module
 */
import { Logger } from "./log.ts";

/** All phases in order: the percentage at which each begins, its tag, and its one-line summary. */
export const BOOTSTRAP_PHASES = [
  { percent: 0, tag: "starting", summary: "Starting" },
  { percent: 1, tag: "conn_pt", summary: "Connecting to pluggable transport" },
  { percent: 2, tag: "conn_done_pt", summary: "Connected to pluggable transport" },
  { percent: 3, tag: "conn_proxy", summary: "Connecting to proxy" },
  { percent: 4, tag: "conn_done_proxy", summary: "Connected to proxy" },
  { percent: 5, tag: "conn", summary: "Connecting to a relay" },
  { percent: 10, tag: "conn_done", summary: "Connected to a relay" },
  { percent: 14, tag: "handshake", summary: "Handshaking with a relay" },
  { percent: 15, tag: "handshake_done", summary: "Handshake with a relay done" },
  {
    percent: 20,
    tag: "onehop_create",
    summary: "Establishing an encrypted directory connection",
  },
  { percent: 25, tag: "requesting_status", summary: "Asking for networkstatus consensus" },
  { percent: 30, tag: "loading_status", summary: "Loading networkstatus consensus" },
  { percent: 40, tag: "loading_keys", summary: "Loading authority key certs" },
  { percent: 45, tag: "requesting_descriptors", summary: "Asking for relay descriptors" },
  { percent: 50, tag: "loading_descriptors", summary: "Loading relay descriptors" },
  {
    percent: 75,
    tag: "enough_dirinfo",
    summary: "Loaded enough directory info to build circuits",
  },
  {
    percent: 76,
    tag: "ap_conn_pt",
    summary: "Connecting to pluggable transport to build circuits",
  },
  {
    percent: 77,
    tag: "ap_conn_done_pt",
    summary: "Connected to pluggable transport to build circuits",
  },
  { percent: 78, tag: "ap_conn_proxy", summary: "Connecting to proxy to build circuits" },
  { percent: 79, tag: "ap_conn_done_proxy", summary: "Connected to proxy to build circuits" },
  { percent: 80, tag: "ap_conn", summary: "Connecting to a relay to build circuits" },
  { percent: 85, tag: "ap_conn_done", summary: "Connected to a relay to build circuits" },
  {
    percent: 89,
    tag: "ap_handshake",
    summary: "Finishing handshake with a relay to build circuits",
  },
  {
    percent: 90,
    tag: "ap_handshake_done",
    summary: "Handshake finished with a relay to build circuits",
  },
  { percent: 95, tag: "circuit_create", summary: "Establishing a Tor circuit" },
  { percent: 100, tag: "done", summary: "Done" },
] as const;

/** The name of a phase. */
export type BootstrapTag = typeof BOOTSTRAP_PHASES[number]["tag"];

/** How far the client is. */
export interface BootstrapStatus {
  /** 0 to 100. */
  readonly percent: number;
  readonly tag: BootstrapTag;
  readonly summary: string;
}

/** A phase that has no new tag is written as a notice only every so many percent. */
const NOTICE_STEP = 5;

/**
 * Collects progress from all rooms. It only moves forward: a report of something that is already
 * behind is ignored.
 */
export class BootstrapTracker {
  readonly #log = new Logger("bootstrap");
  readonly #listeners = new Set<(status: BootstrapStatus) => void>();
  #status: BootstrapStatus = BOOTSTRAP_PHASES[0];
  #noticedPercent = -1;
  #connected = false;
  #deferred: { readonly tag: BootstrapTag; readonly percent: number } | undefined;

  /** The last progress that was made. */
  get status(): BootstrapStatus {
    return this.#status;
  }

  /** Whether phase "done" was reached. */
  get done(): boolean {
    return this.#status.percent === 100;
  }

  /**
   * Notes that a phase began.
   *
   * @param percent progress within the phase, when it is past the phase's own percentage
   */
  report(tag: BootstrapTag, percent = 0): void {
    const phase = phaseOf(tag);
    const reached = Math.max(phase.percent, Math.min(Math.floor(percent), 100));
    const fresh = this.#noticedPercent < 0;
    if (reached <= this.#status.percent && !(fresh && reached === this.#status.percent)) return;
    const sameTag = tag === this.#status.tag && !fresh;
    this.#status = { percent: reached, tag, summary: phase.summary };
    const line = `Bootstrapped ${reached}% (${tag}): ${phase.summary}`;
    const facts = { percent: reached, tag };
    if (sameTag && reached < this.#noticedPercent + NOTICE_STEP) {
      this.#log.info(line, facts);
    } else {
      this.#noticedPercent = reached;
      this.#log.notice(line, facts);
    }
    for (const listener of this.#listeners) listener(this.#status);
  }

  /**
   * Like {@link report}, for directory information: held back until the first connection to a
   * relay is up, because what was read from the cache says nothing about the network.
   */
  reportDirectory(tag: BootstrapTag, percent = 0): void {
    if (this.#connected) return this.report(tag, percent);
    const reached = Math.max(phaseOf(tag).percent, percent);
    if (this.#deferred === undefined || reached > this.#deferred.percent) {
      this.#deferred = { tag, percent: reached };
    }
  }

  /** Notes that a connection to a relay is up, and reports the directory's progress so far. */
  noteConnection(): void {
    if (this.#connected) return;
    this.#connected = true;
    if (this.#deferred !== undefined) this.report(this.#deferred.tag, this.#deferred.percent);
  }

  /** Calls `listener` after each step; the returned function ends that. */
  onProgress(listener: (status: BootstrapStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

function phaseOf(tag: BootstrapTag): typeof BOOTSTRAP_PHASES[number] {
  const phase = BOOTSTRAP_PHASES.find((each) => each.tag === tag);
  if (phase === undefined) throw new RangeError(`no bootstrap phase is called ${tag}`);
  return phase;
}
