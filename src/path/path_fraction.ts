/**
 * How much of the network is known well enough to build circuits through it (path-spec; C
 * tor: compute_frac_paths_available). A client that built circuits while its
 * directory knows few relays could be led through the attacker's.
 *
 * @module
 */
import { isUsable, type NetDir } from "../netdir/net_dir.ts";
import { RelayFlag } from "../netdir/relay.ts";
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
  const { routers } = netDir.consensus;
  const isKnown = (place: number) => netDir.relayAt(place) !== undefined;
  const fraction = (places: readonly number[], position: "guard" | "middle" | "exit") =>
    knownFraction(places, isKnown, (place) => netDir.weight(routers[place], position));
  // A relay whose policy turned out to reject everything is nobody's exit.
  const mayExit = (place: number) => {
    const relay = netDir.relayAt(place);
    return relay === undefined || !rejectsAllExits(relay);
  };
  const hasFlag = (flag: number) => (place: number) => (routers[place].flags & flag) !== 0;

  const usable = Array.from(routers.keys()).filter((place) => isUsable(routers[place]));
  const entries = nodes.choosesEntries
    ? usable.filter((place) => nodes.isEntryNode(routers[place]))
    : [];
  const guards = fraction(
    entries.length > 0 ? entries : usable.filter(hasFlag(RelayFlag.Guard)),
    "guard",
  );
  const chosenMiddles = nodes.choosesMiddles
    ? usable.filter((place) => nodes.isMiddleNode(routers[place]))
    : [];
  const middles = fraction(chosenMiddles.length > 0 ? chosenMiddles : usable, "middle");
  const flaggedExits = usable.filter(hasFlag(RelayFlag.Exit)).filter(mayExit);
  let exits = flaggedExits.length === 0 ? middles : fraction(flaggedExits, "exit");
  if (nodes.choosesExits) {
    const flagged = flaggedExits.filter((place) => nodes.isExitNode(routers[place]));
    const chosen = flagged.length > 0
      ? flagged
      : usable.filter((place) => nodes.isExitNode(routers[place]) && mayExit(place));
    if (chosen.length > 0) exits = Math.min(exits, fraction(chosen, "exit"));
  }
  return { guards, middles, exits, paths: guards * middles * exits };
}

/** The fraction of the weight that is known; of the number, where nothing has weight. */
function knownFraction(
  places: readonly number[],
  isKnown: (place: number) => boolean,
  weight: (place: number) => number,
): number {
  if (places.length === 0) return 0;
  let known = 0;
  let total = 0;
  for (const place of places) {
    const share = weight(place);
    total += share;
    if (isKnown(place)) known += share;
  }
  return total > 0 ? known / total : places.filter(isKnown).length / places.length;
}

/** The fraction of paths below which no circuit is built for users (min_paths_for_circs_pct). */
export function minPathsForCircuits(netDir: NetDir): number {
  return netDir.parameter("min_paths_for_circs_pct", { default: 60, min: 25, max: 95 }) / 100;
}
