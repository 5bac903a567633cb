/**
 * The sets of guards that the guard specification keeps (sections 4.1 to 4.5), and how they change
 * with time and with the consensus:
 *
 * ```text
 * possible guards of the consensus
 *   SAMPLED          chosen by weight, kept on disk, in the order of sampling
 *     CONFIRMED      a circuit was built through them
 *     FILTERED       listed and allowed
 *       USABLE       not known to be unreachable
 *       PRIMARY      the few that are used when nothing is wrong
 * ```
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";
import { Logger } from "../observe/log.ts";
import { isPossibleGuard, selectGuardCandidate } from "../path/select_guard_candidate.ts";
import { formatAddress } from "../runtime/network.ts";
import type { RandomSource } from "../runtime/random.ts";
import type { SelectionName } from "./guard_filter.ts";
import type { GuardParameters } from "./guard_parameters.ts";
import { type CircuitPathBias, NO_COUNTS, type PathBiasContext } from "./path_bias.ts";
import { logPathBias } from "./path_bias_messages.ts";
import { randomPastDate, startOfDay } from "./random_date.ts";
import { describeGuard, SampledGuard, type SampledGuardFacts } from "./sampled_guard.ts";

/** A consensus is believed about guards for so long before and after its validity, in ms. */
const REASONABLY_LIVE = 24 * 3_600_000;

const logger = new Logger("guard");

/** What the sets are made for. */
export interface GuardNetwork {
  readonly netDir: NetDir;
  readonly parameters: GuardParameters;
  /** Whether the configuration allows a guard. */
  readonly passesFilter: (router: RouterStatus) => boolean;
}

/** What the sets are made with. */
export interface GuardSetsParts {
  readonly name: SelectionName;
  readonly random: RandomSource;
  /** The guards of earlier runs, in the order of sampling. */
  readonly facts: readonly SampledGuardFacts[];
  /** Other guards are primary now, because of `reason`. */
  readonly onPrimaryChange?: (reason: string) => void;
  /** A path-bias count has changed. */
  readonly onPathBias?: () => void;
}

/** The sets, for one network at a time. Times are milliseconds since 1970. */
export class GuardSets {
  readonly #parts: GuardSetsParts;
  #sampled: SampledGuard[];
  #primary: SampledGuard[] = [];
  #network: GuardNetwork | undefined;

  constructor(parts: GuardSetsParts) {
    this.#parts = parts;
    this.#sampled = parts.facts.map((guard) => new SampledGuard(guard));
    this.#renumberConfirmed();
  }

  /** SAMPLED_GUARDS, in the order of sampling. */
  get sampled(): readonly SampledGuard[] {
    return this.#sampled;
  }

  /** CONFIRMED_GUARDS in the order of sampling, in which C tor prefers them. */
  get confirmed(): readonly SampledGuard[] {
    return this.#sampled.filter((guard) => guard.isConfirmed);
  }

  /** PRIMARY_GUARDS, the most preferred one first. */
  get primary(): readonly SampledGuard[] {
    return this.#primary;
  }

  /** The network and its parameters; `undefined` before the first consensus. */
  get network(): GuardNetwork | undefined {
    return this.#network;
  }

  /** Takes a new consensus, or one with more microdescriptors (guard-spec 4.10). */
  update(network: GuardNetwork, now: number): void {
    const reasons = this.maintain(network, now);
    for (const guard of this.#sampled) {
      guard.pathBias.judge(this.#pathBiasContext(guard));
      guard.isFiltered = this.#isAllowed(guard, network);
    }
    this.#updatePrimary(now, reasons.join("; "));
  }

  /**
   * As {@link update}, but for sets that are not in use: only who is listed, and who is too old.
   *
   * @returns why guards that were primary are removed
   */
  maintain(network: GuardNetwork, now: number): string[] {
    this.#network = network;
    if (!isReasonablyLive(network.netDir, now)) return [];
    for (const guard of this.#sampled) this.#updateListing(guard, network, now);
    const reasons = this.#removeObsolete(network.parameters, now);
    this.#renumberConfirmed();
    return reasons;
  }

  /** Removes whose time is over, as it must be before a guard is selected. */
  refresh(now: number): void {
    if (this.#network === undefined) return;
    const { netDir, parameters } = this.#network;
    const reasons = isReasonablyLive(netDir, now) ? this.#removeObsolete(parameters, now) : [];
    if (this.#sampled.every((guard) => !guard.isPrimary || guard.isFiltered)) {
      if (reasons.length === 0) return;
    }
    this.#renumberConfirmed();
    this.#updatePrimary(now, reasons.join("; "));
  }

  /** What counts how one circuit through the guard fares. */
  pathBiasOf(guard: SampledGuard): CircuitPathBias {
    return guard.pathBias.circuit(this.#pathBiasContext(guard));
  }

  #pathBiasContext(guard: SampledGuard): PathBiasContext {
    return {
      parameters: () => this.#network?.parameters.pathBias,
      changed: () => this.#parts.onPathBias?.(),
      sank: (level, isDisabled) => logPathBias(guard, level, isDisabled),
      // Another primary guard takes its place when the next circuit asks for one.
      disabled: () => guard.isFiltered = false,
    };
  }

  /** Whether the guard is still in the sample. */
  has(guard: SampledGuard): boolean {
    return this.#sampled.includes(guard);
  }

  /**
   * The first guard by order of sampling that is usable, obeys the restriction and is not passed
   * over. When too few obey, the sample is extended before, if it may be.
   */
  firstUsable(
    now: number,
    obeys: (guard: SampledGuard) => boolean,
    passOver: (guard: SampledGuard) => boolean,
    mayExtend = true,
  ): SampledGuard | undefined {
    const isCandidate = (guard: SampledGuard) => guard.isUsable(now) && obeys(guard);
    const minimum = this.#network?.parameters.minFilteredSample ?? 0;
    if (mayExtend && this.#sampled.filter(isCandidate).length < minimum) this.#extend(now);
    return this.#sampled.find((guard) => isCandidate(guard) && !passOver(guard));
  }

  /** Notes the day on which the guard worked. */
  noteUsed(guard: SampledGuard, now: number): void {
    const lastUsed = startOfDay(now);
    if (guard.facts.lastUsed !== lastUsed) guard.facts = { ...guard.facts, lastUsed };
  }

  /** Makes the guard a confirmed one, if it is not, and perhaps a primary one. */
  confirm(guard: SampledGuard, now: number): void {
    if (guard.isConfirmed || this.#network === undefined) return;
    const { guardLifetime, guardConfirmedMinLifetime } = this.#network.parameters;
    // The second is for lifetimes beyond 90 days: else it might be over before it began.
    const slop = Math.min(guardLifetime / 10, guardConfirmedMinLifetime / 5);
    const on = randomPastDate(this.#parts.random, now, slop);
    guard.facts = { ...guard.facts, confirmed: { on, index: this.confirmed.length } };
    this.#updatePrimary(now, "a circuit was built through another guard");
  }

  #updateListing(guard: SampledGuard, network: GuardNetwork, now: number): void {
    const router = network.netDir.listed(guard.rsaIdentity);
    guard.facts = withoutFuture(guard.facts, now);
    const { facts } = guard;
    if (router !== undefined && isPossibleGuard(router)) {
      guard.facts = { ...facts, ...namesOf(router), unlistedSince: undefined };
    } else if (facts.unlistedSince === undefined) {
      const slop = network.parameters.removeUnlistedGuardsAfter / 5;
      guard.facts = { ...facts, unlistedSince: randomPastDate(this.#parts.random, now, slop) };
      logger.info(`Guard ${describeGuard(guard)} is not listed any more.`);
    }
  }

  #removeObsolete(parameters: GuardParameters, now: number): string[] {
    const reasons: string[] = [];
    this.#sampled = this.#sampled.filter((guard) => {
      const reason = obsolescence(guard.facts, parameters, now);
      if (reason === undefined) return true;
      logger.info(`Guard ${describeGuard(guard)} leaves the sample: ${reason}.`);
      if (guard.isPrimary) reasons.push(`one left because ${reason}`);
      return false;
    });
    return reasons;
  }

  #isAllowed(guard: SampledGuard, network: GuardNetwork): boolean {
    const router = network.netDir.listed(guard.rsaIdentity);
    return guard.facts.unlistedSince === undefined && !guard.pathBias.isDisabled &&
      router !== undefined && network.passesFilter(router);
  }

  /** Closes the gaps that removed guards left in the order of confirmation. */
  #renumberConfirmed(): void {
    const order = (guard: SampledGuard) => guard.facts.confirmed?.index ?? 0;
    this.confirmed.toSorted((a, b) => order(a) - order(b)).forEach((guard, index) => {
      const { confirmed } = guard.facts;
      if (confirmed !== undefined && confirmed.index !== index) {
        guard.facts = { ...guard.facts, confirmed: { on: confirmed.on, index } };
      }
    });
  }

  #updatePrimary(now: number, reason: string): void {
    const before = this.#primary;
    const size = this.#network?.parameters.numPrimaryGuards ?? 0;
    const primary = this.confirmed.filter((guard) => guard.isFiltered).slice(0, size);
    for (const guard of before) {
      if (
        primary.length < size && this.has(guard) && guard.isFiltered && !primary.includes(guard)
      ) {
        primary.push(guard);
      }
    }
    while (primary.length < size) {
      const next = this.firstUsable(
        now,
        () => true,
        (guard) => guard.isConfirmed || primary.includes(guard),
      );
      if (next === undefined) break;
      primary.push(next);
    }
    // Extending the sample appends to it, so its order is final only here.
    this.#primary = this.#sampled.filter((guard) => primary.includes(guard));
    for (const guard of this.#sampled) guard.isPrimary = primary.includes(guard);
    if (before.length !== primary.length || before.some((guard) => !primary.includes(guard))) {
      this.#announcePrimary(before, reason);
    }
  }

  #announcePrimary(before: readonly SampledGuard[], reason: string): void {
    const lost = before.filter((guard) => !guard.isPrimary);
    const why = reason !== ""
      ? reason
      : before.length === 0
      ? "a network is known now"
      : lost.map((guard) => `one left because ${reasonOfLoss(guard)}`).join("; ") ||
        "there was room for more";
    const text = `The primary guards are ${this.#primary.map(describeGuard).join(", ")}: ${why}.`;
    // At the start it is no change.
    if (before.length === 0) logger.info(text);
    else logger.notice(text);
    this.#parts.onPrimaryChange?.(why);
  }

  /** Adds guards until enough are usable or the sample has its greatest size (guard-spec 4.1). */
  #extend(now: number): void {
    if (this.#network === undefined || !isReasonablyLive(this.#network.netDir, now)) return;
    const { netDir, parameters, passesFilter } = this.#network;
    const { name, random } = this.#parts;
    // Where few relays pass the filter, a sample of all would hold too few of them, or none.
    const possible = netDir.consensus.routers.filter((router) =>
      isPossibleGuard(router) && (name === "default" || passesFilter(router))
    );
    const sampled = new Set(this.#sampled.map((guard) => netDir.listed(guard.rsaIdentity)));
    const maximum = maximumSampleSize(possible.length, parameters);
    let usable = this.#sampled.filter((guard) => guard.isUsable(now)).length;
    while (usable < parameters.minFilteredSample && this.#sampled.length < maximum) {
      // The same list each time: to weigh thousands anew for each guard would take long.
      const router = selectGuardCandidate(
        netDir,
        random,
        possible,
        (candidate) => !sampled.has(candidate),
      );
      if (router === undefined) return;
      sampled.add(router);
      const guard = new SampledGuard({
        ...namesOf(router),
        selection: name,
        rsaIdentity: router.rsaIdentity,
        sampledOn: randomPastDate(random, now, parameters.guardLifetime / 10),
        unlistedSince: undefined,
        confirmed: undefined,
        lastUsed: undefined,
        pathBias: NO_COUNTS,
      });
      guard.isFiltered = this.#isAllowed(guard, this.#network);
      if (guard.isFiltered) usable++;
      this.#sampled.push(guard);
      logger.debug(`Guard ${describeGuard(guard)} is new in the sample.`);
    }
  }
}

/** Whether the consensus is valid, give or take a day, so that a wrong clock is no obstacle. */
export function isReasonablyLive(netDir: NetDir, now: number): boolean {
  const { validAfter, validUntil } = netDir.consensus;
  return validAfter - REASONABLY_LIVE <= now && now <= validUntil + REASONABLY_LIVE;
}

function maximumSampleSize(possibleGuards: number, parameters: GuardParameters): number {
  const byThreshold = Math.floor(possibleGuards * parameters.maxSampleThreshold);
  const maximum = Math.min(byThreshold, parameters.maxSampleSize);
  return Math.max(maximum, parameters.minFilteredSample);
}

/**
 * Why a guard must leave the sample; `undefined` when it need not. Unlike the specification, C tor
 * does not look at the date of sampling of a confirmed guard.
 */
function obsolescence(
  facts: SampledGuardFacts,
  parameters: GuardParameters,
  now: number,
): string | undefined {
  const { unlistedSince, confirmed, sampledOn } = facts;
  if (unlistedSince !== undefined && unlistedSince < now - parameters.removeUnlistedGuardsAfter) {
    return "it has not been listed for too long";
  }
  if (confirmed !== undefined) {
    return confirmed.on < now - parameters.guardConfirmedMinLifetime
      ? "it was confirmed too long ago"
      : undefined;
  }
  return sampledOn < now - parameters.guardLifetime
    ? "it was sampled too long ago and never used"
    : undefined;
}

function namesOf(router: RouterStatus): Pick<SampledGuardFacts, "nickname" | "address"> {
  return { nickname: router.nickname, address: formatAddress(router) };
}

/** Why a guard that is still in the sample is not primary any more. */
function reasonOfLoss(guard: SampledGuard): string {
  if (guard.facts.unlistedSince !== undefined) return "it is not listed any more";
  if (guard.pathBias.isDisabled) return "too many of its circuits failed";
  if (!guard.isFiltered) return "the configuration does not allow it";
  return "a guard that was used before took its place";
}

/**
 * Dates to come were written when the clock was wrong, and would make a guard stay for too long. The
 * consensus vouches for the clock now.
 */
function withoutFuture(facts: SampledGuardFacts, now: number): SampledGuardFacts {
  const { confirmed, sampledOn, unlistedSince, lastUsed } = facts;
  return {
    ...facts,
    sampledOn: Math.min(sampledOn, now),
    unlistedSince: unlistedSince && Math.min(unlistedSince, now),
    confirmed: confirmed && { ...confirmed, on: Math.min(confirmed.on, now) },
    lastUsed: lastUsed && Math.min(lastUsed, startOfDay(now)),
  };
}
