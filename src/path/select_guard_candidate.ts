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
import { WeightedItems } from "./weighted_choice.ts";

const GUARD_FLAGS = RelayFlag.Guard | RelayFlag.Stable | RelayFlag.Fast | RelayFlag.V2Dir |
  RelayFlag.Running | RelayFlag.Valid;

/** Whether a relay can be a guard for all circuits and directory requests (guard-spec 4.0). */
export function isPossibleGuard(router: { readonly flags: number }): boolean {
  return (router.flags & GUARD_FLAGS) === GUARD_FLAGS;
}

/** Of each snapshot of the network, the candidates that were chosen from. */
const tables = new WeakMap<
  NetDir,
  WeakMap<readonly RouterStatus[], WeightedItems<RouterStatus>>
>();

/**
 * One of the acceptable candidates, by its weight as a guard.
 *
 * @param candidates which must not change: the table made for them serves their next choice too
 * @param acceptable should refuse few of them
 * @returns `undefined` when there is none
 */
export function selectGuardCandidate(
  netDir: NetDir,
  random: RandomSource,
  candidates: readonly RouterStatus[],
  acceptable?: (router: RouterStatus) => boolean,
): RouterStatus | undefined {
  let byCandidates = tables.get(netDir);
  if (byCandidates === undefined) tables.set(netDir, byCandidates = new WeakMap());
  let table = byCandidates.get(candidates);
  if (table === undefined) {
    table = new WeightedItems(candidates, (router) => netDir.weight(router, "guard"));
    byCandidates.set(candidates, table);
  }
  return table.choose(random, acceptable);
}
