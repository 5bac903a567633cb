/**
 * Counts of what became of the attempts to open channels.
 *
 * @module
 */
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
  /** Relays that were refused for what they said or showed, by the code of the error. */
  readonly refusals: ReadonlyMap<ChannelErrorCode, number>;
  /** PADDING cells, and what the relays sent of them, on all channels that ever were. */
  readonly paddingSent: number;
  readonly paddingReceived: number;
}

/** Counts attempts and their failures. */
export class AttemptCounts {
  /** Connections that were begun. */
  attempts = 0;
  readonly #failures: Record<FailureClass, number> = {
    refused: 0,
    unreachable: 0,
    timeout: 0,
    tls: 0,
    link: 0,
    identity: 0,
    local: 0,
  };
  readonly #refusals = new Map<ChannelErrorCode, number>();

  /** Counts a failure that ended an attempt. */
  noteFailure(error: unknown): void {
    if (!(error instanceof ChannelError)) return;
    this.#failures[failureClass(error)]++;
    if (!isViolation(error)) return;
    this.#refusals.set(error.code, (this.#refusals.get(error.code) ?? 0) + 1);
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
