/**
 * When the guards are written to disk.
 *
 * @module
 */
import type { Clock } from "../runtime/clock.ts";
import type { DataDirectory } from "../state/data_directory.ts";
import { JsonDocument } from "../state/json_document.ts";
import {
  decodeGuards,
  encodeGuards,
  GUARD_DOCUMENT,
  type GuardDocument,
} from "./guard_document.ts";
import type { SampledGuardFacts } from "./sampled_guard.ts";

/** Milliseconds until counts are saved: the file shall not tell who is active when. */
const COUNTS_SAVE_DELAY = 10 * 60_000;

/**
 * Keeps `guard_state.json` up to date:
 *
 * | what changed                       | saved within |
 * | ---------------------------------- | ------------ |
 * | which guards are used or confirmed | at once      |
 * | anything else about the sample     | 3 seconds    |
 * | path-bias counts alone             | 10 minutes   |
 */
export class GuardStore {
  readonly #clock: Clock;
  readonly #document: JsonDocument<GuardDocument>;

  private constructor(clock: Clock, document: JsonDocument<GuardDocument>) {
    this.#clock = clock;
    this.#document = document;
  }

  /**
   * Reads the file. One that makes no sense is set aside with a warning.
   *
   * @throws StateError `state-file-newer`, or when files cannot be read or renamed
   */
  static async load(state: DataDirectory, clock: Clock): Promise<GuardStore> {
    return new GuardStore(clock, await JsonDocument.load(state, clock, GUARD_DOCUMENT));
  }

  /** The guards as they were stored or given last. */
  get guards(): SampledGuardFacts[] {
    return decodeGuards(this.#document.value);
  }

  /** Takes the guards, and saves them soon if more than counts has changed. */
  save(guards: readonly SampledGuardFacts[], isUrgent: boolean): void {
    const document = encodeGuards(guards, this.#clock.now());
    // The date alone is no change.
    if (withoutCounts(this.#document.value) === withoutCounts(document)) return;
    this.#document.set(document, isUrgent ? 0 : undefined);
  }

  /** Takes the guards, and saves them some time if anything has changed. */
  saveCounts(guards: readonly SampledGuardFacts[]): void {
    const document = encodeGuards(guards, this.#clock.now());
    if (JSON.stringify(this.#document.value.guards) === JSON.stringify(document.guards)) return;
    this.#document.set(document, COUNTS_SAVE_DELAY);
  }

  /**
   * Saves at once what is not saved yet.
   *
   * @throws StateError `state-file-unwritable`
   */
  async flush(): Promise<void> {
    await this.#document.flush();
  }
}

function withoutCounts({ guards }: GuardDocument): string {
  return JSON.stringify(guards, (key, value) => key === "path_bias" ? undefined : value);
}
