/**
 * Learns from the circuits that are built how long to wait for the next ones (path-spec, "Learning
 * when to give up on circuit construction"; C tor: circuitstats.c).
 *
 * @module
 */
import { Logger } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import type { RandomSource } from "../runtime/random.ts";
import type { DataDirectory } from "../state/data_directory.ts";
import { JsonDocument } from "../state/json_document.ts";
import {
  BUILD_TIME_DOCUMENT,
  type BuildTimeDocument,
  decodeBuildTimes,
  encodeBuildTimes,
} from "./build_time_document.ts";
import { estimateBuildTimes, LONGEST_TIME, type Pareto } from "./build_time_estimate.ts";
import { ABANDONED, BuildTimeHistory, RecentOutcomes } from "./build_time_history.ts";
import {
  type BuildTimeParameters,
  buildTimeParameters,
  type ParameterSource,
} from "./build_time_parameters.ts";

/** What is configured about build times. */
export interface BuildTimeOptions {
  /** Whether anything is learned (LearnCircuitBuildTimeout). */
  readonly learnCircuitBuildTimeout: boolean;
  /** The timeout where none is learned, in ms (CircuitBuildTimeout); undefined: the network's. */
  readonly circuitBuildTimeout: number | undefined;
}

/** What is known of build times, as it is shown (control-spec, BUILDTIMEOUT_SET). Times in ms. */
export interface BuildTimeStatistics {
  /** Where the timeouts come from. */
  readonly source: TimeoutSource;
  readonly timeout: number;
  readonly closeTimeout: number;
  /** How many times are kept, those of abandoned circuits included. */
  readonly total: number;
  readonly abandoned: number;
  /** The distribution that the timeouts were computed from. */
  readonly pareto: Pareto | undefined;
  /** The part of circuits since the last change of network that were too slow for use. */
  readonly timeoutRate: number;
  /** The part of them that were given up altogether. */
  readonly closeRate: number;
}

/**
 * Where the timeouts come from: none was learned yet; learned from build times; doubled because
 * nearly all circuits have timed out though nothing better was learned; learning is off.
 */
export type TimeoutSource = "initial" | "learned" | "doubled" | "fixed";

interface Timeouts {
  readonly source: TimeoutSource;
  readonly timeout: number;
  readonly closeTimeout: number;
}

/** The history is saved after so many new times (C tor: CBT_SAVE_STATE_EVERY). */
const SAVE_EVERY = 10;

const log = new Logger("circuit");

/**
 * The times in which circuits of three hops were built, kept in `circuit_build_times.json`, and the
 * two timeouts that follow from them: after {@link timeout} a circuit is too slow for use, after
 * {@link closeTimeout} it is closed; in between it is built for its measurement only.
 *
 * A builder makes a `BuildAttempt` for each circuit, which calls what concerns one circuit. The
 * rest is for those who know:
 *
 * | when                                                   | call                              |
 * | ------------------------------------------------------ | --------------------------------- |
 * | a consensus became current                             | {@link updateParameters}          |
 * | a channel was opened, or read something                | {@link noteNetworkAlive}          |
 * | looking which circuits are needed, as the last thing   | {@link testCircuitDelay}          |
 * | a circuit was built: how long it is kept without use   | {@link unusedTimeout}             |
 * | the client ends                                        | {@link close}                     |
 */
export class BuildTimes {
  readonly #clock: Clock;
  readonly #options: BuildTimeOptions;
  readonly #document: JsonDocument<BuildTimeDocument>;
  readonly #history = new BuildTimeHistory();
  readonly #recent = new RecentOutcomes();
  #parameters: BuildTimeParameters = buildTimeParameters();
  #learned: Timeouts;
  #pareto: Pareto | undefined;
  /** Outcomes since the last change of network. */
  #counts = { succeeded: 0, timedOut: 0, closed: 0 };
  #unsaved = 0;
  /** Monotonic times. */
  #lastLaunch = -Infinity;
  #lastAlive = -Infinity;
  /** Circuits since then in whose whole life nothing arrived from the network. */
  #deadCircuits = 0;

  private constructor(
    clock: Clock,
    options: BuildTimeOptions,
    document: JsonDocument<BuildTimeDocument>,
  ) {
    this.#clock = clock;
    this.#options = options;
    this.#document = document;
    this.#learned = this.#initial();
  }

  /**
   * Begins with what was learned in earlier runs, if learning is on. Until
   * {@link updateParameters} the defaults are in force.
   *
   * @throws StateError as `JsonDocument.load` does
   */
  static async load(
    data: DataDirectory,
    runtime: { readonly clock: Clock; readonly random: RandomSource },
    options: BuildTimeOptions,
  ): Promise<BuildTimes> {
    const document = await JsonDocument.load(data, runtime.clock, BUILD_TIME_DOCUMENT);
    const times = new BuildTimes(runtime.clock, options, document);
    if (options.learnCircuitBuildTimeout) {
      for (const time of decodeBuildTimes(document.value, runtime.random)) times.#history.add(time);
      times.#learn();
    }
    return times;
  }

  /** Whether build times are recorded and timeouts computed from them. */
  get isLearning(): boolean {
    return this.#options.learnCircuitBuildTimeout && !this.#parameters.disabled;
  }

  /** Whether there are enough build times to compute timeouts from. */
  get hasEnough(): boolean {
    return this.isLearning && this.#history.total >= this.#parameters.minCircuits;
  }

  /** Milliseconds from the CREATE message after which a circuit is too slow for use. */
  get timeout(): number {
    return this.#timeouts.timeout;
  }

  /** Milliseconds from the CREATE message after which a circuit is closed; `timeout` or more. */
  get closeTimeout(): number {
    return this.#timeouts.closeTimeout;
  }

  /**
   * How long a circuit that is built now is kept without use, in ms, while build times are wanting:
   * short, so that more are built. `undefined` when there are enough, or nothing is learned.
   */
  get unusedTimeout(): number | undefined {
    return this.#needsCircuits ? this.#parameters.learnTimeout : undefined;
  }

  /**
   * In how many ms a circuit should be launched only to be measured; 0 is now, `undefined` not as
   * things are: build times are not wanting, or there are too many unused circuits already.
   *
   * @param unusedCircuits those that are open or under construction
   */
  testCircuitDelay(unusedCircuits: number): number | undefined {
    if (!this.#needsCircuits || unusedCircuits >= this.#parameters.maxOpenCircuits) {
      return undefined;
    }
    const waited = this.#clock.monotonic() - this.#lastLaunch;
    return Math.max(0, this.#parameters.testInterval - waited);
  }

  /** What is known, to be shown. */
  statistics(): BuildTimeStatistics {
    const { succeeded, timedOut, closed } = this.#counts;
    const finished = succeeded + timedOut;
    return {
      ...this.#timeouts,
      total: this.#history.total,
      abandoned: this.#history.abandoned,
      pareto: this.#pareto,
      timeoutRate: finished === 0 ? 0 : timedOut / finished,
      closeRate: finished === 0 ? 0 : closed / finished,
    };
  }

  /** Follows a consensus. Learned timeouts stay until the next circuit is built. */
  updateParameters(source: ParameterSource): void {
    this.#parameters = buildTimeParameters(source);
    if (!this.isLearning) {
      this.#recent.clear();
      this.#learned = this.#initial();
    } else if (this.#learned.source === "initial") {
      this.#learned = this.#initial();
    }
  }

  /** Something arrived from a relay. Once per read is enough; it costs one look at the clock. */
  noteNetworkAlive(): void {
    const now = this.#clock.monotonic();
    if (this.#deadCircuits > 0) {
      log.notice(
        `The network answers again, after ${this.#deadCircuits} circuits without any answer: ` +
          "times of circuits are recorded again.",
      );
      this.#deadCircuits = 0;
    }
    this.#lastAlive = now;
  }

  /** A circuit, of however many hops, is about to be built. */
  noteLaunched(): void {
    this.#lastLaunch = this.#clock.monotonic();
  }

  /**
   * A circuit has reached its third hop.
   *
   * @param took milliseconds since its CREATE message was sent
   * @param isTooSlow whether it was too slow for use: {@link noteTimeout} was called for it
   */
  noteBuilt(took: number, isTooSlow: boolean): void {
    if (!this.isLearning) return;
    if (this.#deadCircuits === 0) {
      this.#add(Math.min(Math.max(1, Math.round(took)), LONGEST_TIME - 1));
    }
    if (isTooSlow) return;
    this.#counts.succeeded++;
    this.#recent.add(false, this.#parameters.recentCount);
  }

  /**
   * A circuit under construction has passed {@link timeout}; to be called once for a circuit.
   *
   * @param hasFirstHop whether its first hop was built: otherwise it says nothing about the network
   */
  noteTimeout(hasFirstHop: boolean): void {
    if (!this.isLearning) return;
    this.#counts.timedOut++;
    if (!hasFirstHop) return;
    this.#recent.add(true, this.#parameters.recentCount);
    if (this.#recent.timeouts >= this.#parameters.maxTimeouts) this.#networkChanged();
  }

  /**
   * A circuit has passed {@link closeTimeout} without its third hop. Not recorded when nothing at
   * all has arrived since it was launched: then it was not the circuit that was slow.
   *
   * @param launched the monotonic time at which it was launched
   */
  noteAbandoned(launched: number): void {
    if (!this.isLearning) return;
    this.#counts.closed++;
    if (this.#lastAlive < launched) {
      if (this.#deadCircuits++ === 0) {
        log.notice(
          "Nothing has arrived from the network while a circuit was being built: times of " +
            "circuits are not recorded until something does.",
        );
      }
    }
    if (this.#deadCircuits === 0) this.#add(ABANDONED);
  }

  /**
   * Saves what was learned; to be called before the end.
   *
   * @throws StateError `state-file-unwritable`
   */
  async close(): Promise<void> {
    if (this.#unsaved > 0) this.#save();
    await this.#document.flush();
  }

  get #needsCircuits(): boolean {
    return this.isLearning && !this.hasEnough;
  }

  get #timeouts(): Timeouts {
    return this.isLearning ? this.#learned : { ...this.#initial(), source: "fixed" };
  }

  #initial(): Timeouts {
    const { initialTimeout, minTimeout } = this.#parameters;
    const configured = this.#options.circuitBuildTimeout;
    let timeout = configured ?? initialTimeout;
    if (this.isLearning) timeout = Math.max(timeout, minTimeout);
    return { source: "initial", timeout, closeTimeout: timeout };
  }

  #add(time: number | typeof ABANDONED): void {
    this.#history.add(time);
    this.#learn();
    if (++this.#unsaved >= SAVE_EVERY) this.#save();
  }

  /** Computes the timeouts anew, if there are enough times. */
  #learn(): void {
    const completed = this.#history.completed();
    if (!this.hasEnough || completed.length === 0) return;
    const { timeout, closeTimeout, xm, alpha } = estimateBuildTimes(completed, this.#parameters);
    this.#pareto = { xm, alpha };
    this.#learned = { source: "learned", timeout, closeTimeout };
    log.debug(
      `From ${this.#history.total} build times: a circuit is too slow for use after ` +
        `${Math.round(timeout)} ms and closed after ${Math.round(closeTimeout)} ms ` +
        `(Xm ${xm} ms, alpha ${alpha.toFixed(3)})`,
    );
  }

  /** Nearly all circuits time out now: what was learned is of another network. */
  #networkChanged(): void {
    const { timeouts } = this.#recent;
    const { total } = this.#history;
    this.#history.clear();
    this.#recent.clear();
    this.#counts = { succeeded: 0, timedOut: 0, closed: 0 };
    this.#pareto = undefined;
    const initial = this.#initial();
    const { timeout, closeTimeout } = this.#learned;
    if (timeout < initial.timeout) {
      this.#learned = initial;
    } else if (2 * closeTimeout <= LONGEST_TIME) {
      // Even the initial time was too short: a very slow network gets a chance.
      this.#learned = {
        source: "doubled",
        timeout: 2 * timeout,
        closeTimeout: 2 * closeTimeout,
      };
    }
    log.notice(
      `${timeouts} circuits have timed out of late: the network seems to be another one. ${total} ` +
        `build times are forgotten, and circuits get ${
          Math.round(this.#learned.timeout)
        } ms again.`,
    );
    this.#save();
  }

  #save(): void {
    this.#unsaved = 0;
    this.#document.set(encodeBuildTimes(this.#history));
  }
}
