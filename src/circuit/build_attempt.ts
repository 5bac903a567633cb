/**
 * The time of one circuit under construction: when it is too slow, when it is closed, what is
 * learned of it (C tor: circuit_expire_building and circuit_build_times_handle_completed_hop).
 *
 * @module
 */
import { Logger } from "../observe/log.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { BuildTimes } from "./build_times.ts";

/** What a {@link BuildAttempt} works with, and whom it tells. */
export interface BuildAttemptParts {
  readonly times: BuildTimes;
  readonly clock: Clock;
  /** How many hops the circuit will have. */
  readonly hops: number;
  /** Whether any circuit of three hops is open that streams could use. */
  readonly anyCircuitOpen: () => boolean;
  /**
   * The circuit is too slow for use, and another one has to be built where it was wanted. It goes
   * on only to be measured. Called at most once.
   */
  readonly onTimeout: () => void;
  /** The circuit must be closed: it was given up. Called at most once, with or without a timeout before. */
  readonly onClose: () => void;
}

/** Circuits of so many hops are measured; of longer ones, their first so many hops. */
const MEASURED_HOPS = 3;
/** How often it is looked whether a late circuit is still needed for want of others, in ms. */
const RELAXED_INTERVAL = 1000;

/** Times that differ by no more, in ms, are the same. */
const ROUNDING = 0.001;

const log = new Logger("circuit");

/**
 * One circuit's time. To be used like this:
 *
 * | when                                            | the builder                                   |
 * | ----------------------------------------------- | --------------------------------------------- |
 * | before the channel is asked for                 | makes a BuildAttempt                          |
 * | the first hop's CREATE message is sent          | calls {@link noteCreateSent}: the time begins |
 * | a hop, also the first or the last, has proved   | calls {@link noteHop}                         |
 * | its key                                         |                                               |
 * | all hops are built                              | gives the circuit to its users, or closes it  |
 * |                                                 | if {@link isMeasurementOnly}                  |
 * | onTimeout                                       | fails towards its users; goes on building     |
 * | onClose                                         | closes the circuit                            |
 * | the circuit failed or is not wanted any more    | calls {@link end}                             |
 *
 * While no circuit at all is open, a late one stays usable until it is closed: any circuit is better
 * than none. Circuits of less than three hops are not measured; they are closed at the timeout.
 */
export class BuildAttempt {
  readonly #parts: BuildAttemptParts;
  /** Monotonic, like all times here but {@link BuildAttempt.#beganAt}. */
  readonly #launched: number;
  #began = 0;
  /** By the wall clock. */
  #beganAt = 0;
  #hopsBuilt = 0;
  #isTimeoutCounted = false;
  #isMeasurementOnly = false;
  #ended = false;
  #timer: Timer | undefined;

  constructor(parts: BuildAttemptParts) {
    this.#parts = parts;
    this.#launched = parts.clock.monotonic();
    parts.times.noteLaunched();
  }

  /** Whether the circuit is too slow for use, and only its time is still of interest. */
  get isMeasurementOnly(): boolean {
    return this.#isMeasurementOnly;
  }

  /** The time begins: there is a channel, and the CREATE message goes out. */
  noteCreateSent(): void {
    if (this.#ended) return;
    const { clock } = this.#parts;
    this.#began = clock.monotonic();
    this.#beganAt = clock.now();
    this.#arm(this.#timeout);
  }

  /** One more hop is built. After the last one the time ends by itself. */
  noteHop(): void {
    if (this.#ended) return;
    const { times, hops, anyCircuitOpen } = this.#parts;
    const mayTeach = this.#mayTeach;
    this.#hopsBuilt++;
    if (mayTeach && times.isLearning) {
      if (this.#age > times.timeout && !this.#isMeasurementOnly && anyCircuitOpen()) {
        this.#retire();
      }
      if (this.#hopsBuilt === MEASURED_HOPS && this.#isPlausible()) {
        times.noteBuilt(this.#age, this.#isMeasurementOnly);
      }
    }
    if (this.#hopsBuilt === hops) this.end();
  }

  /** The circuit is complete, or has failed: nothing happens any more. Ending twice does nothing. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  get #age(): number {
    return this.#parts.clock.monotonic() - this.#began;
  }

  /** Whether it can still reach its third hop, from below. */
  get #mayTeach(): boolean {
    return this.#parts.hops >= MEASURED_HOPS && this.#hopsBuilt < MEASURED_HOPS;
  }

  /**
   * When it is too slow for use, in ms. A longer circuit gets more, in proportion to how often a
   * message has to cross a link until it is built, and C tor's second for its further hops.
   */
  get #timeout(): number {
    const { times, hops } = this.#parts;
    if (hops <= MEASURED_HOPS) return times.timeout;
    return times.timeout * crossings(hops) / crossings(MEASURED_HOPS) + 1000;
  }

  #arm(age: number): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.setTimer(
      () => this.#expire(),
      Math.max(0, age - this.#age),
    );
  }

  #expire(): void {
    const { times, anyCircuitOpen, onClose } = this.#parts;
    const age = this.#age;
    const limit = this.#isMeasurementOnly ? times.closeTimeout : this.#timeout;
    // What was learned meanwhile may have made it longer; what is lost in rounding does not count.
    if (limit - age > ROUNDING) return this.#arm(limit);
    if (age < times.closeTimeout && !anyCircuitOpen()) {
      this.#countTimeout();
      return this.#arm(Math.min(age + RELAXED_INTERVAL, times.closeTimeout));
    }
    if (this.#mayTeach && times.hasEnough) {
      if (!this.#isMeasurementOnly) {
        this.#retire();
        return;
      }
      if (this.#isPlausible()) times.noteAbandoned(this.#launched);
    }
    this.end();
    onClose();
  }

  /** From now on it is built for its measurement only. */
  #retire(): void {
    this.#isMeasurementOnly = true;
    this.#countTimeout();
    this.#arm(this.#parts.times.closeTimeout);
    this.#parts.onTimeout();
  }

  #countTimeout(): void {
    if (this.#isTimeoutCounted) return;
    this.#isTimeoutCounted = true;
    this.#parts.times.noteTimeout(this.#hopsBuilt > 0);
  }

  /** Whether the age can be true. After a sleep of the machine, or a jump of a clock, it is not. */
  #isPlausible(): boolean {
    const { clock, times } = this.#parts;
    const wall = clock.now() - this.#beganAt;
    const isPlausible = wall >= 0 &&
      Math.max(wall, this.#age) <= 2 * times.closeTimeout + 1000;
    if (!isPlausible) {
      log.notice(
        `A circuit seems to have taken ${Math.round(wall / 1000)} s: the clock has probably ` +
          "jumped, and its time is not counted.",
      );
    }
    return isPlausible;
  }
}

/** How often a message crosses a link until so many hops are built one after the other. */
function crossings(hops: number): number {
  return hops * (hops + 1) / 2;
}
