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
import { isInternalAddress } from "../netdir/subnets.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";
import { Logger, scrub } from "../observe/log.ts";
import { isPossibleGuard, selectGuardCandidate } from "../path/select_guard_candidate.ts";
import { formatAddress } from "../runtime/network.ts";
import type { RandomSource } from "../runtime/random.ts";
import { type GuardOptions, type GuardParameters, guardParameters } from "./guard_parameters.ts";
import { randomPastDate, startOfDay } from "./random_date.ts";
import { SampledGuard, type SampledGuardFacts } from "./sampled_guard.ts";

/** A consensus is believed about guards for so long before and after its validity, in ms. */
const REASONABLY_LIVE = 24 * 3_600_000;

const logger = new Logger("guard");

/** The sets, for one network at a time. Times are milliseconds since 1970. */
export class GuardSets {
  readonly #random: RandomSource;
  readonly #options: GuardOptions;
  #sampled: SampledGuard[];
  #primary: SampledGuard[] = [];
  #network: { readonly netDir: NetDir; readonly parameters: GuardParameters } | undefined;

  constructor(
    random: RandomSource,
    options: GuardOptions,
    facts: readonly SampledGuardFacts[],
  ) {
    this.#random = random;
    this.#options = options;
    this.#sampled = facts.map((guard) => new SampledGuard(guard));
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
  get network(): { readonly netDir: NetDir; readonly parameters: GuardParameters } | undefined {
    return this.#network;
  }

  /** Takes a new consensus, or one with more microdescriptors (guard-spec 4.10). */
  update(netDir: NetDir, now: number): void {
    const parameters = guardParameters(netDir, this.#options);
    this.#network = { netDir, parameters };
    if (isReasonablyLive(netDir, now)) {
      for (const guard of this.#sampled) this.#updateListing(guard, netDir, parameters, now);
      this.#removeObsolete(parameters, now);
    }
    for (const guard of this.#sampled) guard.isFiltered = this.#isAllowed(guard, netDir);
    this.#renumberConfirmed();
    this.#updatePrimary(now);
  }

  /** Whether the guard is still in the sample. */
  has(guard: SampledGuard): boolean {
    return this.#sampled.includes(guard);
  }

  /**
   * The first guard by order of sampling that is usable, obeys the restriction and is not passed
   * over. When too few obey, the sample is extended before.
   */
  firstUsable(
    now: number,
    obeys: (guard: SampledGuard) => boolean,
    passOver: (guard: SampledGuard) => boolean,
  ): SampledGuard | undefined {
    const isCandidate = (guard: SampledGuard) => guard.isUsable(now) && obeys(guard);
    const minimum = this.#network?.parameters.minFilteredSample ?? 0;
    if (this.#sampled.filter(isCandidate).length < minimum) this.#extend(now);
    return this.#sampled.find((guard) => isCandidate(guard) && !passOver(guard));
  }

  /** Notes that a circuit was built through the guard: it is confirmed, and perhaps primary now. */
  noteUsed(guard: SampledGuard, now: number): void {
    guard.facts = { ...guard.facts, lastUsed: startOfDay(now) };
    if (guard.isConfirmed || this.#network === undefined) return;
    const { guardLifetime } = this.#network.parameters;
    const on = randomPastDate(this.#random, now, guardLifetime / 10);
    guard.facts = { ...guard.facts, confirmed: { on, index: this.confirmed.length } };
    this.#updatePrimary(now);
  }

  #updateListing(
    guard: SampledGuard,
    netDir: NetDir,
    parameters: GuardParameters,
    now: number,
  ): void {
    const router = netDir.listed(guard.rsaIdentity);
    const { facts } = guard;
    if (router !== undefined && isPossibleGuard(router)) {
      guard.facts = { ...facts, ...namesOf(router), unlistedSince: undefined };
    } else if (facts.unlistedSince === undefined) {
      const slop = parameters.removeUnlistedGuardsAfter / 5;
      guard.facts = { ...facts, unlistedSince: randomPastDate(this.#random, now, slop) };
      logger.info(`Guard ${describe(guard)} is not listed any more.`);
    }
  }

  #removeObsolete(parameters: GuardParameters, now: number): void {
    this.#sampled = this.#sampled.filter((guard) => {
      const reason = obsolescence(guard.facts, parameters, now);
      if (reason === undefined) return true;
      logger.info(`Guard ${describe(guard)} leaves the sample: ${reason}.`);
      return false;
    });
    this.#primary = this.#primary.filter((guard) => this.has(guard));
  }

  #isAllowed(guard: SampledGuard, netDir: NetDir): boolean {
    const router = netDir.listed(guard.rsaIdentity);
    return guard.facts.unlistedSince === undefined && router !== undefined &&
      (this.#options.extendAllowPrivateAddresses || !isInternalAddress(router.hostname));
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

  #updatePrimary(now: number): void {
    const before = this.#primary;
    const size = this.#network?.parameters.numPrimaryGuards ?? 0;
    const primary = this.confirmed.filter((guard) => guard.isFiltered).slice(0, size);
    for (const guard of before) {
      if (primary.length < size && guard.isFiltered && !primary.includes(guard)) {
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
      logger.info(`The primary guards are ${this.#primary.map(describe).join(", ")}.`);
    }
  }

  /** Adds guards until enough are usable or the sample has its greatest size (guard-spec 4.1). */
  #extend(now: number): void {
    if (this.#network === undefined || !isReasonablyLive(this.#network.netDir, now)) return;
    const { netDir, parameters } = this.#network;
    const possible = netDir.consensus.routers.filter(isPossibleGuard);
    const sampledIdentities = new Set(this.#sampled.map((guard) => guard.rsaIdentity));
    let candidates = possible.filter(({ rsaIdentity }) => !sampledIdentities.has(rsaIdentity));
    const maximum = maximumSampleSize(possible.length, parameters);
    let usable = this.#sampled.filter((guard) => guard.isUsable(now)).length;
    while (usable < parameters.minFilteredSample && this.#sampled.length < maximum) {
      const router = selectGuardCandidate(netDir, this.#random, candidates);
      if (router === undefined) return;
      candidates = candidates.filter((candidate) => candidate !== router);
      const guard = new SampledGuard({
        ...namesOf(router),
        rsaIdentity: router.rsaIdentity,
        sampledOn: randomPastDate(this.#random, now, parameters.guardLifetime / 10),
        unlistedSince: undefined,
        confirmed: undefined,
        lastUsed: undefined,
      });
      guard.isFiltered = this.#isAllowed(guard, netDir);
      if (guard.isFiltered) usable++;
      this.#sampled.push(guard);
      logger.debug(`Guard ${describe(guard)} is new in the sample.`);
    }
  }
}

/** Whether the consensus is valid, give or take a day, so that a wrong clock is no obstacle. */
function isReasonablyLive(netDir: NetDir, now: number): boolean {
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

/** The guard for a log: guards identify a user, so their names are scrubbed as addresses are. */
function describe(guard: SampledGuard): string {
  return scrub(`${guard.facts.nickname} ($${guard.rsaIdentity})`);
}
