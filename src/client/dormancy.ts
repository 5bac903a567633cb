/**
 * Whether the client takes part in the network: after a long time without use it sleeps, and builds
 * and fetches nothing until the next request (C tor: netstatus.c, the options Dormant*).
 *
 * @module
 */
import type { DormantOptions } from "../config/config.ts";
import { Logger } from "../observe/log.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import { abortable } from "../runtime/deadline.ts";
import type { DataDirectory } from "../state/data_directory.ts";
import { JsonDocument } from "../state/json_document.ts";
import { DORMANT_DOCUMENT, type DormantDocument } from "./dormant_document.ts";

/** Told each change: whether the client is dormant now. */
export type DormancyListener = (dormant: boolean) => void;

/** What {@link Dormancy} works with. */
export interface DormancyParts {
  readonly clock: Clock;
  readonly options: DormantOptions;
  /** How many streams of applications are open; asked at each look at the time. */
  readonly openStreams: () => number;
}

const MINUTE = 60_000;
/** How often it is looked whether the client was used, in ms (C tor: CHECK_PARTICIPATION_INTERVAL). */
const CHECK_INTERVAL = 5 * MINUTE;
/**
 * The file is written while awake when it is wrong by so many minutes: a crash loses no more, and an
 * idle machine's disk can rest.
 */
const SAVE_STEP = 30;

const log = new Logger("bootstrap");

/**
 * The dormant state, kept in `dormant_state.json` with how long the client has been without use.
 * Time goes by the monotonic clock: while the machine sleeps or the client does not run, idleness
 * does not grow.
 *
 * | when                                                           | call                    |
 * | -------------------------------------------------------------- | ----------------------- |
 * | an application connects, or asks for anything                  | {@link noteActivity}    |
 * | an application's stream carries data, if open streams alone do | {@link noteActivity}    |
 * | not count (DormantTimeoutDisabledByIdleStreams 0)              |                         |
 * | before anything is built or fetched without a request          | look at {@link dormant} |
 * |                                                                | or {@link whenAwake}    |
 * | the client ends                                                | {@link close}           |
 */
export class Dormancy {
  readonly #parts: DormancyParts;
  readonly #document: JsonDocument<DormantDocument>;
  readonly #listeners = new Set<DormancyListener>();
  #dormant: boolean;
  /** Monotonic, in ms; before the start when time without use was carried over. */
  #lastActivity: number;
  #timer: Timer | undefined;
  #closed = false;

  private constructor(parts: DormancyParts, document: JsonDocument<DormantDocument>) {
    const { clock, options } = parts;
    const { dormant, minutes_since_user_activity: minutes } = document.value;
    this.#parts = parts;
    this.#document = document;
    const wasDormant = dormant ?? options.onFirstStartup;
    this.#dormant = options.enabled && wasDormant && !options.canceledByStartup;
    const idle = wasDormant || options.canceledByStartup ? 0 : minutes * MINUTE;
    this.#lastActivity = clock.monotonic() - idle;
    if (this.#dormant) log.notice("The client starts dormant: it waits for the first request.");
    else this.#schedule();
  }

  /**
   * Begins in the state in which the last run ended, as far as the options let it.
   *
   * @throws StateError as `JsonDocument.load` does
   */
  static async load(data: DataDirectory, parts: DormancyParts): Promise<Dormancy> {
    return new Dormancy(parts, await JsonDocument.load(data, parts.clock, DORMANT_DOCUMENT));
  }

  /** Whether the client is asleep. */
  get dormant(): boolean {
    return this.#dormant;
  }

  /** The client is used; if it was dormant it is awake when this returns. */
  noteActivity(): void {
    this.#lastActivity = this.#parts.clock.monotonic();
    if (!this.#dormant || this.#closed) return;
    log.notice("There is a request: the client is no longer dormant.");
    this.#schedule();
    this.#change(false);
  }

  /**
   * Resolves when the client is not dormant.
   *
   * @throws the signal's reason, when it is aborted first
   */
  async whenAwake(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#dormant) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const forget = this.onChange(() => resolve());
    try {
      await abortable(promise, signal);
    } finally {
      forget();
    }
  }

  /**
   * Tells every change from now on, after it was made and before the call that made it returns.
   *
   * @returns what ends it
   */
  onChange(listener: DormancyListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Stops looking at the time, and saves the state; what is noted afterwards changes nothing.
   *
   * @throws StateError `state-file-unwritable`
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#save();
    await this.#document.flush();
  }

  #schedule(): void {
    const { clock, options } = this.#parts;
    const interval = Math.min(CHECK_INTERVAL, options.timeout);
    this.#timer = clock.setTimer(() => this.#check(), interval);
  }

  #check(): void {
    const { clock, options, openStreams } = this.#parts;
    const isUsed = options.idleStreamsCount && openStreams() > 0;
    if (!options.enabled || isUsed) this.#lastActivity = clock.monotonic();
    if (clock.monotonic() - this.#lastActivity >= options.timeout) {
      this.#timer = undefined;
      log.notice(
        "The client was not used for a long time: it becomes dormant until the next request.",
      );
      this.#change(true);
      return;
    }
    const saved = this.#document.value.minutes_since_user_activity;
    if (Math.abs(this.#idleMinutes - saved) >= SAVE_STEP) this.#save();
    this.#schedule();
  }

  #change(dormant: boolean): void {
    this.#dormant = dormant;
    this.#save();
    for (const listener of [...this.#listeners]) listener(dormant);
  }

  /** Whole minutes without use; 0 when dormant. */
  get #idleMinutes(): number {
    if (this.#dormant) return 0;
    return Math.floor((this.#parts.clock.monotonic() - this.#lastActivity) / MINUTE);
  }

  #save(): void {
    this.#document.set({
      ...this.#document.value,
      dormant: this.#dormant,
      minutes_since_user_activity: this.#idleMinutes,
    });
  }
}
