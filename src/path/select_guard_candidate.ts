/**
 * Choosing a relay to become one of the guards. Which guard a circuit then gets is not chosen by
 * weight, but by the guard specification.
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import { RelayFlag } from "../netdir/relay.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";
import type { RandomSource } from "../runtime/random.ts";
import { chooseByWeight } from "./weighted_choice.ts";

const GUARD_FLAGS = RelayFlag.Guard | RelayFlag.Stable | RelayFlag.Fast | RelayFlag.V2Dir |
  RelayFlag.Running | RelayFlag.Valid;

/** Whether a relay can be a guard for all circuits and directory requests (guard-spec 4.0). */
export function isPossibleGuard(router: { readonly flags: number }): boolean {
  return (router.flags & GUARD_FLAGS) === GUARD_FLAGS;
}

/**
 * One of the candidates, by its weight as a guard.
 *
 * @returns `undefined` when there is none
 */
export function selectGuardCandidate(
  netDir: NetDir,
  random: RandomSource,
  candidates: readonly RouterStatus[],
): RouterStatus | undefined {
  return chooseByWeight(random, candidates, (router) => netDir.weight(router, "guard"));
}
