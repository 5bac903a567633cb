/**
 * Counts of what became of the attempts to open channels.
 *
 * @module
 */
import type { ChannelBytes } from "./channel.ts";
import { ChannelError, type ChannelErrorCode, isViolation } from "./errors.ts";
import { type FailureClass, failureClass } from "./failure_class.ts";

/** What there is and what has happened since the start. */
export interface ChannelStatistics {
  /** Channels that are open now. */
  readonly open: number;
  /** Connections that are being opened now. */
  readonly opening: number;
  /** Attempts that wait for others to end. */
  readonly queued: number;
  /** Connections that were begun. */
  readonly attempts: number;
  /** Attempts that failed, by their class; not those that were given up. */
  readonly failures: Readonly<Record<FailureClass, number>>;
  /** Attempts that followed a failed one within one use of a relay, by the class of that failure. */
  readonly retries: Readonly<Record<FailureClass, number>>;
  /** Relays that were refused for what they said or showed, by the code of the error. */
  readonly refusals: ReadonlyMap<ChannelErrorCode, number>;
  /** PADDING cells, and what the relays sent of them, on all channels that ever were. */
  readonly paddingSent: number;
  readonly paddingReceived: number;
  /** Bytes of cells on all channels that ever were. */
  readonly bytes: ChannelBytes;
}

/** Counts attempts and their failures. */
export class AttemptCounts {
  /** Connections that were begun. */
  attempts = 0;
  readonly #failures = noneOfEach();
  readonly #retries = noneOfEach();
  readonly #refusals = new Map<ChannelErrorCode, number>();

  /** Counts a failure that ended an attempt. */
  noteFailure(error: unknown): void {
    if (!(error instanceof ChannelError)) return;
    this.#failures[failureClass(error)]++;
    if (!isViolation(error)) return;
    this.#refusals.set(error.code, (this.#refusals.get(error.code) ?? 0) + 1);
  }

  /** Counts that another attempt follows a failure. */
  noteRetry(error: unknown): void {
    if (error instanceof ChannelError) this.#retries[failureClass(error)]++;
  }

  /** How many attempts followed a failure of each class. */
  get retries(): Readonly<Record<FailureClass, number>> {
    return { ...this.#retries };
  }

  /** How many attempts failed in each class. */
  get failures(): Readonly<Record<FailureClass, number>> {
    return { ...this.#failures };
  }

  /** How often a relay was refused, by the code of the error. */
  get refusals(): ReadonlyMap<ChannelErrorCode, number> {
    return this.#refusals;
  }
}

function noneOfEach(): Record<FailureClass, number> {
  return { refused: 0, unreachable: 0, timeout: 0, tls: 0, link: 0, identity: 0, local: 0 };
}
