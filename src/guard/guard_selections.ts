/**
 * The two samples, and which of them is in use (guard-spec 2).
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import { isInternalAddress } from "../netdir/subnets.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";
import { Logger } from "../observe/log.ts";
import { isPossibleGuard } from "../path/select_guard_candidate.ts";
import type { RandomSource } from "../runtime/random.ts";
import { type GuardFilter, type GuardFilterMaker, type SelectionName } from "./guard_filter.ts";
import { type GuardOptions, type GuardParameters, guardParameters } from "./guard_parameters.ts";
import { GuardSets, isReasonablyLive } from "./guard_sets.ts";
import type { SampledGuardFacts } from "./sampled_guard.ts";

/** How far beyond the threshold the filter must be for a change, so that it does not flap. */
const STICKINESS = 0.05;

const logger = new Logger("guard");

/** What the selections are made with. */
export interface GuardSelectionsParts {
  readonly random: RandomSource;
  readonly options: GuardOptions;
  readonly filterFor: GuardFilterMaker;
  /** The guards of earlier runs, of each selection in the order of sampling. */
  readonly facts: readonly SampledGuardFacts[];
  /** Other guards of the selection in use are primary now, because of `reason`. */
  readonly onPrimaryChange: (reason: string) => void;
  readonly onPathBias: () => void;
}

/** Both samples; times are milliseconds since 1970. */
export class GuardSelections {
  readonly #parts: GuardSelectionsParts;
  readonly #sets: Readonly<Record<SelectionName, GuardSets>>;
  #current: SelectionName = "default";
  /** Whether the current one was chosen, and is not just that of before the first consensus. */
  #isChosen = false;
  #hasWarned = false;

  constructor(parts: GuardSelectionsParts) {
    this.#parts = parts;
    const { random, facts, onPathBias } = parts;
    const setsOf = (name: SelectionName) =>
      new GuardSets({
        name,
        random,
        facts: facts.filter(({ selection }) => selection === name),
        onPathBias,
        onPrimaryChange: parts.onPrimaryChange,
      });
    this.#sets = { default: setsOf("default"), restricted: setsOf("restricted") };
  }

  /** The name of the sample in use. */
  get name(): SelectionName {
    return this.#current;
  }

  /** The sets of the sample in use. */
  get current(): GuardSets {
    return this.#sets[this.#current];
  }

  /** All guards of both samples, as they are kept on disk. */
  get stored(): SampledGuardFacts[] {
    return [this.#sets.default, this.#sets.restricted].flatMap(({ sampled }) =>
      sampled.map((guard) => guard.stored)
    );
  }

  /** The same without counts, each as the object that it is: another one where anything changed. */
  get facts(): SampledGuardFacts[] {
    return [this.#sets.default, this.#sets.restricted].flatMap(({ sampled }) =>
      sampled.map((guard) => guard.facts)
    );
  }

  /**
   * Takes a new consensus, or one with more microdescriptors.
   *
   * @returns whether another sample is in use now than for an earlier consensus
   */
  update(netDir: NetDir, now: number): boolean {
    const { options, filterFor } = this.#parts;
    const parameters = guardParameters(netDir, options);
    const network = { netDir, parameters, passesFilter: passes(filterFor(netDir), options) };
    const before = this.#current;
    const wasChosen = this.#isChosen;
    // An old consensus says nothing about the filter. C tor goes back to "default" then.
    if (isReasonablyLive(netDir, now)) {
      this.#choose(netDir, parameters, network.passesFilter);
      this.#isChosen = true;
    }
    for (const sets of [this.#sets.default, this.#sets.restricted]) {
      if (sets === this.current) sets.update(network, now);
      else sets.maintain(network, now);
    }
    return wasChosen && before !== this.#current;
  }

  #choose(
    netDir: NetDir,
    parameters: GuardParameters,
    passesFilter: (router: RouterStatus) => boolean,
  ): void {
    const possible = netDir.consensus.routers.filter(isPossibleGuard);
    const passing = possible.filter(passesFilter).length;
    this.#warnOnce(passing, possible.length, parameters.extremeRestriction);
    const threshold = (factor: number) =>
      Math.floor(possible.length * parameters.meaningfulRestriction * factor);
    const before = this.#current;
    if (!this.#isChosen) {
      this.#current = passing >= threshold(1) ? "default" : "restricted";
    } else if (passing >= threshold(1 + STICKINESS)) {
      this.#current = "default";
    } else if (passing < threshold(1 - STICKINESS)) {
      this.#current = "restricted";
    }
    if (before !== this.#current) {
      const text =
        `The ${this.#current} guards are used: ${passing} of ${possible.length} possible ` +
        `guards are allowed by the configuration.`;
      if (this.#isChosen) logger.notice(text);
      else logger.info(text);
    }
  }

  #warnOnce(passing: number, possible: number, extremeRestriction: number): void {
    if (this.#hasWarned || passing >= Math.floor(possible * extremeRestriction)) return;
    this.#hasWarned = true;
    const percent = Math.floor((100 * (possible - passing)) / possible);
    logger.warn(
      `The configuration excludes ${percent} % of all possible guards: that is likely to make you ` +
        `stand out from other users.`,
    );
  }
}

/** Whether a relay passes the filter of the configuration. */
function passes(
  filter: GuardFilter,
  options: GuardOptions,
): (router: RouterStatus) => boolean {
  return (router) =>
    filter.isAllowed(router) && (filter.isEntryNode?.(router) ?? true) &&
    (options.extendAllowPrivateAddresses || !isInternalAddress(router.hostname));
}
