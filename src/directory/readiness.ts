/**
 * Whether enough of the network is known to build circuits for users. Nothing may be built for
 * them before: a directory that shows a client only the attacker's relays would choose its paths.
 *
 * @module
 */
import type { GuardSample } from "../guard/guard_sample.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import { NodeRules } from "../path/node_rules.ts";
import { minPathsForCircuits, pathFraction } from "../path/path_fraction.ts";
import { isUsable, liveness } from "./consensus_times.ts";

/** Whether circuits may be built for users; if not, why not, as a sentence. */
export type Readiness =
  | { readonly ready: true }
  | {
    readonly ready: false;
    readonly reason:
      | "no-consensus"
      | "consensus-not-live"
      | "too-few-microdescriptors"
      | "primary-guards-unknown";
    readonly why: string;
  };

/** The guards as far as this question goes. */
export type PrimaryGuards = Pick<GuardSample, "missingPrimaryMicrodescriptors">;

/** Answers the question; the fraction of each snapshot is computed once. */
export class ReadinessCheck {
  readonly #guards: PrimaryGuards;
  readonly #pathsNeeded: number | undefined;
  readonly #nodes: NodeRules;
  readonly #progress = new WeakMap<NetDir, { readonly paths: number; readonly needed: number }>();

  /**
   * @param pathsNeeded the configured fraction of paths, instead of the consensus's
   * @param nodes which relays paths may go through
   */
  constructor(
    guards: PrimaryGuards,
    pathsNeeded: number | undefined,
    nodes: NodeRules = NodeRules.none,
  ) {
    this.#guards = guards;
    this.#nodes = nodes;
    this.#pathsNeeded = pathsNeeded;
  }

  /** @param now ms since 1970 */
  check(netDir: NetDir | undefined, now: number): Readiness {
    if (netDir === undefined) {
      return { ready: false, reason: "no-consensus", why: "We have no consensus yet." };
    }
    if (!isUsable(liveness(netDir.consensus, now))) {
      const why = "The consensus that we have is too old or too new to be used.";
      return { ready: false, reason: "consensus-not-live", why };
    }
    const { paths, needed } = this.#progressOf(netDir);
    if (paths < needed) {
      const why = `We know the microdescriptors for ${percent(paths)} of likely paths, and need ` +
        `${percent(needed)}.`;
      return { ready: false, reason: "too-few-microdescriptors", why };
    }
    const missing = this.#guards.missingPrimaryMicrodescriptors(netDir).length;
    if (missing > 0) {
      const why = `We lack the microdescriptors of ${missing} primary guards.`;
      return { ready: false, reason: "primary-guards-unknown", why };
    }
    return { ready: true };
  }

  /** How much of what is needed is known, from 0 to 1. */
  progress(netDir: NetDir): number {
    const { paths, needed } = this.#progressOf(netDir);
    return Math.min(paths / needed, 1);
  }

  #progressOf(netDir: NetDir): { readonly paths: number; readonly needed: number } {
    let progress = this.#progress.get(netDir);
    if (progress === undefined) {
      const needed = this.#pathsNeeded ?? minPathsForCircuits(netDir);
      progress = { paths: pathFraction(netDir, this.#nodes).paths, needed };
      this.#progress.set(netDir, progress);
    }
    return progress;
  }
}

/** Rounded down, so that what is not enough does not look so. */
function percent(fraction: number): string {
  return `${Math.floor(fraction * 100)} %`;
}
