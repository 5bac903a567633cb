/**
 * Which relays may stand in one circuit together (path-spec, "Path
 * selection and constraints").
 *
 * @module
 */
import type { Config } from "../config/config.ts";
import { type FamilyRules, inSameFamily } from "../netdir/families.ts";
import type { GeoIp } from "../netdir/geo_ip.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import { inSameSubnet } from "../netdir/subnets.ts";
import { NodeRules } from "./node_rules.ts";
import { NodeSet } from "./node_set.ts";

/** What is configured about paths, ready to be used; the names are those of the options. */
export interface PathOptions {
  /** No two relays of one IPv4 /16 or IPv6 /32 in a circuit. */
  readonly enforceDistinctSubnets: boolean;
  /** Relays with private addresses may be used. */
  readonly extendAllowPrivateAddresses: boolean;
  /** Relays to be treated as families, whatever they say themselves (NodeFamily). */
  readonly nodeFamilies: readonly NodeSet[];
  /** Which relays the user wishes where. */
  readonly nodes: NodeRules;
  /** Ports for which all relays of a circuit should be Stable (LongLivedPorts). */
  readonly longLivedPorts: ReadonlySet<number>;
}

/** The fields of a {@link Config} that say which paths are built. */
export type PathConfig = Pick<
  Config,
  | "enforceDistinctSubnets"
  | "extendAllowPrivateAddresses"
  | "nodeFamilies"
  | "nodes"
  | "longLivedPorts"
>;

/**
 * The options as configured. To be made once: they remember what they were asked about relays, and
 * with them the tables that relays are drawn from are kept.
 *
 * @param geoIp the country file, if the user gave one
 */
export function pathOptions(config: PathConfig, geoIp: GeoIp | undefined): PathOptions {
  return {
    enforceDistinctSubnets: config.enforceDistinctSubnets,
    extendAllowPrivateAddresses: config.extendAllowPrivateAddresses,
    nodeFamilies: config.nodeFamilies.map((patterns) => NodeSet.compile(patterns, geoIp)),
    nodes: NodeRules.compile(config.nodes, geoIp),
    longLivedPorts: new Set(config.longLivedPorts),
  };
}

/** The options joined with what the consensus says about families. */
export interface PathRules extends FamilyRules {
  readonly enforceDistinctSubnets: boolean;
  readonly allowPrivateAddresses: boolean;
  readonly nodeFamilies: readonly NodeSet[];
  readonly nodes: NodeRules;
  readonly longLivedPorts: ReadonlySet<number>;
}

/** The rules for paths through the network of `netDir`. */
export function pathRules(netDir: NetDir, options: PathOptions): PathRules {
  const isOn = (name: string) => netDir.parameter(name, { default: 1, min: 0, max: 1 }) === 1;
  return {
    useFamilyLists: isOn("use-family-lists"),
    useFamilyIds: isOn("use-family-ids"),
    enforceDistinctSubnets: options.enforceDistinctSubnets,
    allowPrivateAddresses: options.extendAllowPrivateAddresses,
    nodeFamilies: options.nodeFamilies,
    nodes: options.nodes,
    longLivedPorts: options.longLivedPorts,
  };
}

/** Whether two relays must not stand in one circuit: they are the same, or of one family or subnet. */
export function conflicts(a: Relay, b: Relay, rules: PathRules): boolean {
  if (a.rsaIdentity === b.rsaIdentity) return true;
  if (a.ed25519Identity !== undefined && a.ed25519Identity === b.ed25519Identity) return true;
  return (rules.enforceDistinctSubnets && inSameSubnet(a, b)) ||
    inSameFamily(a, b, rules) ||
    rules.nodeFamilies.some((family) => family.contains(a) && family.contains(b));
}

/** What a relay that is to be chosen for a path must agree with. */
export interface HopRequest {
  readonly rules: PathRules;
  /** The relays that are already in the path. */
  readonly path?: readonly Relay[];
  /** Whether Stable relays are preferred, whatever the circuit is for. */
  readonly stable?: boolean;
  /** Relays that must not be chosen for another reason. */
  readonly excluded?: (relay: Relay) => boolean;
}

/** Whether `relay`, which may be used at all, may be the next one of the path. */
export function mayJoin(relay: Relay, request: HopRequest): boolean {
  const { rules, path = [], excluded } = request;
  return !excluded?.(relay) && !path.some((other) => conflicts(relay, other, rules));
}
