/**
 * The circuits under construction: which requests they will serve, and which of them take too long.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { ExitTarget } from "../path/exit_target.ts";
import type { BuildProgress } from "./circuit_builder.ts";
import type { CircuitRequest } from "./ready_circuits.ts";

/** Of so many builds that are overdue relays are suspected. */
const SUSPECTED_BUILDS = 3;

/** A circuit under construction. */
export interface Build {
  /** Whose request it was started for; undefined: ahead of need. */
  readonly request: CircuitRequest | undefined;
  readonly target: ExitTarget;
  /** Monotonic ms. */
  readonly since: number;
  /** Undefined until its path is chosen. */
  progress: BuildProgress | undefined;
}

/** The builds that are under way. */
export class PendingBuilds {
  readonly #builds = new Set<Build>();
  readonly #patience: () => number;

  /** @param patience how long a build may take until it is overdue, in ms; asked anew each time */
  constructor(patience: () => number) {
    this.#patience = patience;
  }

  /** How many there are, those included that are built and wait for better guards. */
  get size(): number {
    return this.#builds.size;
  }

  add(build: Build): void {
    this.#builds.add(build);
  }

  delete(build: Build): void {
    this.#builds.delete(build);
  }

  /** How many hops are being made for: all but those that only wait for better guards. */
  get unfinished(): number {
    return [...this.#builds].filter(({ progress }) => progress?.isBuilt !== true).length;
  }

  /** What those are for that were started ahead of need. */
  get aheadOfNeed(): readonly Build[] {
    return [...this.#builds].filter(({ request }) => request === undefined);
  }

  /** Those that take no longer than can be expected. */
  timely(now: number): Build[] {
    return [...this.#builds].filter((build) => !this.#isOverdue(build, now));
  }

  /** How many hops are being made for, and take too long. */
  overdue(now: number): number {
    return [...this.#builds].filter((build) =>
      build.progress?.isBuilt !== true && this.#isOverdue(build, now)
    ).length;
  }

  /**
   * The relays that may be why builds are overdue, of the latest few: a guard that lets circuits fail on
   * purpose must not be able to lead others to the relays that it wants.
   */
  suspects(now: number): RsaIdentity[] {
    return [...this.#builds].filter((build) => this.#isOverdue(build, now)).slice(-SUSPECTED_BUILDS)
      .flatMap(({ progress }) => progress?.suspects() ?? []);
  }

  /** In how many ms the next one becomes overdue; undefined if none will. */
  nextOverdue(now: number): number | undefined {
    const patience = this.#patience();
    const due = [...this.#builds].map(({ since }) => since + patience - now)
      .filter((delay) => delay > 0);
    // A whole number: what is lost in rounding must not be waited for again and again.
    return due.length === 0 ? undefined : Math.ceil(Math.min(...due));
  }

  #isOverdue({ since }: Build, now: number): boolean {
    return now - since >= this.#patience();
  }
}

/**
 * Whether one of the builds will serve the request: one that was started for its isolation, or a
 * free one, which is taken out of `free` then.
 */
export function isCovered(
  request: CircuitRequest,
  builds: readonly Build[],
  free: Set<Build>,
): boolean {
  for (const build of builds) {
    if (build.request?.isolationKey === request.isolationKey && isFor(build, request)) return true;
  }
  for (const build of free) {
    if (!isFor(build, request)) continue;
    free.delete(build);
    return true;
  }
  return false;
}

/** Whether no exit serves a request either, if none serves the other one. */
export function isNoWider(request: CircuitRequest, other: CircuitRequest | undefined): boolean {
  return JSON.stringify(request.target) === JSON.stringify(other?.target) &&
    other?.excludedExits.isSubsetOf(request.excludedExits) === true;
}

/** Whether a circuit under construction will serve a request, as far as that is known. */
function isFor(build: Build, { target, excludedExits }: CircuitRequest): boolean {
  const excluded = build.request?.excludedExits ?? new Set();
  return excludedExits.isSubsetOf(excluded) && isWithin(target, build.target);
}

/** Whether an exit for `built` will serve `wanted`. */
function isWithin(wanted: ExitTarget, built: ExitTarget): boolean {
  if (JSON.stringify(wanted) === JSON.stringify(built)) return true;
  switch (wanted.kind) {
    case "address":
      return wanted.family === 4 && isPortOf(built, wanted.port);
    case "name":
      return isPortOf(built, wanted.port);
    case "resolve":
      return built.kind !== "internal";
    default:
      return false;
  }
}

function isPortOf(built: ExitTarget, port: number): boolean {
  switch (built.kind) {
    case "any-port":
      return built.ports.includes(port);
    case "name":
      return built.port === port;
    case "address":
      return built.family === 4 && built.port === port;
    default:
      return false;
  }
}
