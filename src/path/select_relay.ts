/**
 * The choice that all positions of a circuit have in common.
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import { hasFlags, type Relay, RelayFlag } from "../netdir/relay.ts";
import { isInternalAddress } from "../netdir/subnets.ts";
import type { RandomSource } from "../runtime/random.ts";
import { rejectsAllExits } from "./exit_target.ts";
import type { NodeRules } from "./node_rules.ts";
import { type HopRequest, mayJoin, type PathRules } from "./path_rules.ts";
import { WeightedItems } from "./weighted_choice.ts";

/**
 * What a relay is chosen for:
 *
 * | role       | weight as | relays                                                            |
 * | ---------- | --------- | ----------------------------------------------------------------- |
 * | `middle`   | middle    | those of MiddleNodes                                              |
 * | `exit`     | exit      | those of ExitNodes that allow any exit, are not BadExit and not of ExcludeExitNodes |
 * | `internal` | middle    | all: the last relay of a circuit that stays inside of the network |
 *
 * All must be Running and Valid and not of ExcludeNodes, with public addresses unless
 * ExtendAllowPrivateAddresses is set.
 */
export type Role = "middle" | "exit" | "internal";

/** What is wanted of a relay beyond the {@link HopRequest}. */
export interface RelayWanted {
  readonly role: Role;
  /** Bits of RelayFlag that are needed unless no acceptable relay has them. */
  readonly preferredFlags: number;
  /** Whether a relay can do what it is wanted for; all can unless given. */
  readonly able?: (relay: Relay) => boolean;
}

/**
 * A relay for the role that has the flags, is able and agrees with the request, at random by its
 * weight.
 *
 * @returns `undefined` when there is none
 */
export function selectRelay(
  netDir: NetDir,
  random: RandomSource,
  wanted: RelayWanted,
  request: HopRequest,
): Relay | undefined {
  const { role, preferredFlags, able } = wanted;
  // Addresses are looked at only when a relay is drawn: few are refused for them, and reading those
  // of all relays takes long.
  const isAcceptable = (relay: Relay) =>
    (able?.(relay) ?? true) && mayJoin(relay, request) && hasFitAddress(relay, request.rules);
  const choose = (flags: number) =>
    relaysFor(netDir, request.rules, role, flags).choose(random, isAcceptable);
  return choose(preferredFlags) ?? (preferredFlags === 0 ? undefined : choose(0));
}

/** Whether the relay may have the role in any circuit. */
export function mayHaveRole(relay: Relay, role: Role, rules: PathRules): boolean {
  return hasFitAddress(relay, rules) && isFitFor(relay, role, rules);
}

function hasFitAddress(relay: Relay, rules: PathRules): boolean {
  return rules.allowPrivateAddresses || !hasInternalAddress(relay);
}

/** Whether the relay may have the role, if its addresses are no hindrance. */
function isFitFor(relay: Relay, role: Role, rules: PathRules): boolean {
  return hasFlags(relay, RelayFlag.Running | RelayFlag.Valid) &&
    (role !== "exit" || canExit(relay)) &&
    isWished(relay, role, rules.nodes);
}

/** Whether the relay can be an exit for anything. */
function canExit(relay: Relay): boolean {
  return !hasFlags(relay, RelayFlag.BadExit) && !rejectsAllExits(relay);
}

/** Whether one of the relay's addresses is not on the Internet. */
export function hasInternalAddress(relay: Relay): boolean {
  return isInternalAddress(relay.hostname) ||
    (relay.ipv6 !== undefined && isInternalAddress(relay.ipv6.hostname));
}

function isWished(relay: Relay, role: Role, nodes: NodeRules): boolean {
  switch (role) {
    case "middle":
      return nodes.mayBeMiddle(relay);
    case "exit":
      return nodes.mayBeExit(relay);
    case "internal":
      return !nodes.isExcluded(relay);
  }
}

/** Of each snapshot of the network, and for each set of wishes, the relays by role and flags. */
const tables = new WeakMap<NetDir, WeakMap<NodeRules, Map<string, WeightedItems<Relay>>>>();

/** The relays that may have the role, but for addresses, and have the flags; made once. */
function relaysFor(
  netDir: NetDir,
  rules: PathRules,
  role: Role,
  flags: number,
): WeightedItems<Relay> {
  let byNodes = tables.get(netDir);
  if (byNodes === undefined) tables.set(netDir, byNodes = new WeakMap());
  let byKey = byNodes.get(rules.nodes);
  if (byKey === undefined) byNodes.set(rules.nodes, byKey = new Map());
  const key = `${role} ${flags}`;
  let relays = byKey.get(key);
  if (relays === undefined) {
    const position = role === "exit" ? "exit" : "middle";
    relays = new WeightedItems(
      netDir.relays.filter((relay) => hasFlags(relay, flags) && isFitFor(relay, role, rules)),
      (relay) => netDir.weight(relay, position),
    );
    byKey.set(key, relays);
  }
  return relays;
}
