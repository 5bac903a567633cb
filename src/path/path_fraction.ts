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

/** The fraction of likely paths through the consensus's relays that can be built now. */
export function pathFraction(netDir: NetDir): PathFraction {
  const isKnown = (router: RouterStatus) => netDir.relay(router.rsaIdentity) !== undefined;
  const fraction = (routers: readonly RouterStatus[], position: "guard" | "middle" | "exit") =>
    knownFraction(routers, isKnown, (router) => netDir.weight(router, position));

  const usable = netDir.consensus.routers.filter(isUsable);
  const guards = fraction(usable.filter(({ flags }) => flags & RelayFlag.Guard), "guard");
  const middles = fraction(usable, "middle");
  // A flagged exit whose policy turned out to reject everything is nobody's exit.
  const flaggedExits = usable.filter(({ flags, rsaIdentity }) => {
    const relay = netDir.relay(rsaIdentity);
    return (flags & RelayFlag.Exit) && !(relay !== undefined && rejectsAllExits(relay));
  });
  const exits = flaggedExits.length === 0 ? middles : fraction(flaggedExits, "exit");
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
