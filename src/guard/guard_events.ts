/**
 * What changes about the guards, told to those who listen, and counted for the statistics.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { SelectionName } from "./guard_filter.ts";
import type { Reachability, SampledGuard } from "./sampled_guard.ts";

/** Something that changed. */
export type GuardChange =
  /** Other guards are primary. */
  | { readonly kind: "primary-guards"; readonly reason: string }
  /** Another sample is used: circuits through guards of the old one must take no new streams. */
  | { readonly kind: "selection"; readonly selection: SelectionName }
  /** An attempt has shown that a guard can or cannot be reached. */
  | {
    readonly kind: "reachability";
    readonly rsaIdentity: RsaIdentity;
    readonly reachability: Reachability;
  };

/** When and why other guards became primary last; the first choice after the start counts too. */
export interface PrimaryChange {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly reason: string;
}

/** The events of one run; times are milliseconds since 1970. */
export class GuardEvents {
  readonly #listeners = new Set<(change: GuardChange) => void>();
  #successes = 0;
  #failures = 0;
  #lastPrimaryChange: PrimaryChange | undefined;

  /** Circuits and requests that showed that their guard works. */
  get successes(): number {
    return this.#successes;
  }

  /** Circuits and requests that showed that their guard does not. */
  get failures(): number {
    return this.#failures;
  }

  get lastPrimaryChange(): PrimaryChange | undefined {
    return this.#lastPrimaryChange;
  }

  /** Calls `listener` after each change, until the function that is given back is called. */
  onChange(listener: (change: GuardChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** An attempt has ended. `before` is what was known of the guard until then. */
  noteAttempt(guard: SampledGuard, hasWorked: boolean, before: Reachability): void {
    if (hasWorked) this.#successes++;
    else this.#failures++;
    const reachability = hasWorked ? "yes" : "no";
    if (reachability === before) return;
    this.#emit({ kind: "reachability", rsaIdentity: guard.rsaIdentity, reachability });
  }

  /** Other guards are primary. */
  notePrimaryChange(reason: string, time: number): void {
    this.#lastPrimaryChange = { time, reason };
    this.#emit({ kind: "primary-guards", reason });
  }

  /** Another sample is used. */
  noteSelection(selection: SelectionName): void {
    this.#emit({ kind: "selection", selection });
  }

  #emit(change: GuardChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
