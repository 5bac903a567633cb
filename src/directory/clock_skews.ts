/**
 * What the clocks of others say about ours.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { Clock } from "../runtime/clock.ts";

/** How many servers' clocks are remembered: those that were heard of last. */
const REMEMBERED = 16;
/** Clocks of others that differ by no more than this from one another agree (C tor tolerates it), in ms. */
const AGREEMENT = 30 * 60_000;
/** Without an authority among them, so many have to agree. */
const ENOUGH = 2;
/** When our clock was set by more than this, what was learnt before counts no more; ms. */
const SET_TOLERANCE = 60_000;

/** A clock that differs by more than this from ours is worth a word (C tor), in ms. */
export const NOTABLE_SKEW = 30 * 60_000;

/** What several clocks say of ours. */
export interface ClockEstimate {
  /** How far they are ahead of ours, in ms; negative when ours is ahead. */
  readonly skew: number;
  /** How many clocks agree on that. */
  readonly clocks: number;
}

interface Note {
  readonly skew: number;
  readonly isAuthority: boolean;
  /** Our wall clock less our monotonic clock, in ms: changes when the former is set. */
  readonly offset: number;
}

/**
 * Remembers the times that directory servers told. One server may be wrong or lie; so an authority
 * is believed alone, and others when two or more of them agree and none or few disagree.
 */
export class ClockSkews {
  readonly #clock: Clock;
  readonly #others: () => readonly number[];
  readonly #notes = new Map<RsaIdentity, Note>();

  /** @param others what relays said, as in {@link note}; each of another relay */
  constructor(clock: Clock, others: () => readonly number[]) {
    this.#clock = clock;
    this.#others = others;
  }

  /** @param skew how far the server's clock is ahead of ours, in ms */
  note(server: RsaIdentity, skew: number, isAuthority: boolean): void {
    this.#notes.delete(server);
    this.#notes.set(server, { skew, isAuthority, offset: this.#offset() });
    const [oldest] = this.#notes.keys();
    if (this.#notes.size > REMEMBERED && oldest !== undefined) this.#notes.delete(oldest);
  }

  /** What they agree on; `undefined` when too few were heard, or they disagree. */
  estimate(): ClockEstimate | undefined {
    const offset = this.#offset();
    const notes = [...this.#notes.values()].filter((note) =>
      Math.abs(note.offset - offset) < SET_TOLERANCE
    );
    const authorities = notes.filter(({ isAuthority }) => isAuthority).map(({ skew }) => skew);
    if (authorities.length > 0) return agreed(authorities, 1);
    return agreed([...notes.map(({ skew }) => skew), ...this.#others()], ENOUGH);
  }

  #offset(): number {
    return this.#clock.now() - this.#clock.monotonic();
  }
}

/** The median, if more than half agree with it and they are enough. */
function agreed(skews: readonly number[], enough: number): ClockEstimate | undefined {
  const sorted = skews.toSorted((a, b) => a - b);
  const skew = sorted[Math.floor(sorted.length / 2)];
  const clocks = sorted.filter((each) => Math.abs(each - skew) <= AGREEMENT).length;
  return clocks >= enough && clocks > sorted.length / 2 ? { skew, clocks } : undefined;
}
