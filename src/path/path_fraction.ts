/**
 * How much of the network is known well enough to build circuits through it (path-spec; C
 * tor: compute_frac_paths_available). A client that built circuits while its
 * directory knows few relays could be led through the attacker's.
 *
 * @module
 */
import { isUsable, type NetDir } from "../netdir/net_dir.ts";
import { RelayFlag } from "../netdir/relay.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";
import { rejectsAllExits } from "./exit_target.ts";
import { NodeRules } from "./node_rules.ts";

/** Fractions from 0 to 1, by the relays' weights in the position. */
export interface PathFraction {
  /** Of the possible guards, those whose microdescriptors are known. */
  readonly guards: number;
  /** Of all relays as middles, those whose microdescriptors are known. */
  readonly middles: number;
  /** Of the exits, those whose microdescriptors are known; of the middles if there is no exit. */
  readonly exits: number;
  /** Of all likely paths, those that can be built: the product of the others. */
  readonly paths: number;
}

/**
 * The fraction of likely paths through the consensus's relays that can be built now. Where the user
 * has chosen relays for a position (EntryNodes, MiddleNodes, ExitNodes), only they count there; for
 * the exits all must be known well enough too, lest directories that send few at a time learn from
 * when the client is content which were chosen. A choice that no listed relay agrees with does not
 * count: there is nothing to wait for.
 */
export function pathFraction(netDir: NetDir, nodes: NodeRules = NodeRules.none): PathFraction {
  const isKnown = (router: RouterStatus) => netDir.relay(router.rsaIdentity) !== undefined;
  const fraction = (routers: readonly RouterStatus[], position: "guard" | "middle" | "exit") =>
    knownFraction(routers, isKnown, (router) => netDir.weight(router, position));
  // A relay whose policy turned out to reject everything is nobody's exit.
  const mayExit = ({ rsaIdentity }: RouterStatus) => {
    const relay = netDir.relay(rsaIdentity);
    return relay === undefined || !rejectsAllExits(relay);
  };

  const usable = netDir.consensus.routers.filter(isUsable);
  const entries = nodes.choosesEntries ? usable.filter((router) => nodes.isEntryNode(router)) : [];
  const guards = fraction(
    entries.length > 0 ? entries : usable.filter(({ flags }) => flags & RelayFlag.Guard),
    "guard",
  );
  const chosenMiddles = usable.filter((router) => nodes.isMiddleNode(router));
  const middles = fraction(chosenMiddles.length > 0 ? chosenMiddles : usable, "middle");
  const flaggedExits = usable.filter((router) => router.flags & RelayFlag.Exit && mayExit(router));
  let exits = flaggedExits.length === 0 ? middles : fraction(flaggedExits, "exit");
  if (nodes.choosesExits) {
    const flagged = flaggedExits.filter((router) => nodes.isExitNode(router));
    const chosen = flagged.length > 0
      ? flagged
      : usable.filter((router) => nodes.isExitNode(router) && mayExit(router));
    if (chosen.length > 0) exits = Math.min(exits, fraction(chosen, "exit"));
  }
  return { guards, middles, exits, paths: guards * middles * exits };
}

/** The fraction of the weight that is known; of the number, where nothing has weight. */
function knownFraction(
  routers: readonly RouterStatus[],
  isKnown: (router: RouterStatus) => boolean,
  weight: (router: RouterStatus) => number,
): number {
  if (routers.length === 0) return 0;
  let known = 0;
  let total = 0;
  for (const router of routers) {
    const share = weight(router);
    total += share;
    if (isKnown(router)) known += share;
  }
  return total > 0 ? known / total : routers.filter(isKnown).length / routers.length;
}

/** The fraction of paths below which no circuit is built for users (min_paths_for_circs_pct). */
export function minPathsForCircuits(netDir: NetDir): number {
  return netDir.parameter("min_paths_for_circs_pct", { default: 60, min: 25, max: 95 }) / 100;
}
