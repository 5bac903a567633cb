/**
 * Which relays may stand in one circuit together (path-spec, "Path
 * selection and constraints").
 *
 * @module
 */
import { type FamilyRules, inSameFamily } from "../netdir/families.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import { inSameSubnet, isInternalAddress } from "../netdir/subnets.ts";

/** What is configured about paths; the names are those of the options. */
export interface PathOptions {
  /** No two relays of one IPv4 /16 or IPv6 /32 in a circuit. */
  readonly enforceDistinctSubnets: boolean;
  /** Relays with private addresses may be used. */
  readonly extendAllowPrivateAddresses: boolean;
  /**
   * Relays to be treated as families, whatever they say themselves: RSA identities, or nicknames
   * in lower case.
   */
  readonly nodeFamilies?: readonly (readonly string[])[];
}

/** The options joined with what the consensus says about families. */
export interface PathRules extends FamilyRules {
  readonly enforceDistinctSubnets: boolean;
  readonly allowPrivateAddresses: boolean;
  readonly nodeFamilies: readonly (readonly string[])[];
}

/** The rules for paths through the network of `netDir`. */
export function pathRules(netDir: NetDir, options: PathOptions): PathRules {
  const isOn = (name: string) => netDir.parameter(name, { default: 1, min: 0, max: 1 }) === 1;
  return {
    useFamilyLists: isOn("use-family-lists"),
    useFamilyIds: isOn("use-family-ids"),
    enforceDistinctSubnets: options.enforceDistinctSubnets,
    allowPrivateAddresses: options.extendAllowPrivateAddresses,
    nodeFamilies: options.nodeFamilies ?? [],
  };
}

/** Whether two relays must not stand in one circuit: they are the same, or of one family or subnet. */
export function conflicts(a: Relay, b: Relay, rules: PathRules): boolean {
  if (a.rsaIdentity === b.rsaIdentity) return true;
  if (a.ed25519Identity !== undefined && a.ed25519Identity === b.ed25519Identity) return true;
  return (rules.enforceDistinctSubnets && inSameSubnet(a, b)) ||
    inSameFamily(a, b, rules) ||
    rules.nodeFamilies.some((family) => isMember(a, family) && isMember(b, family));
}

function isMember(relay: Relay, family: readonly string[]): boolean {
  return family.includes(relay.rsaIdentity) || family.includes(relay.nickname.toLowerCase());
}

/** What a relay that is to be chosen for a path must agree with. */
export interface HopRequest {
  readonly rules: PathRules;
  /** The relays that are already in the path. */
  readonly path?: readonly Relay[];
  /** Relays that must not be chosen for another reason. */
  readonly excluded?: (relay: Relay) => boolean;
}

/** Whether `relay` may be the next one of the path. */
export function mayJoin(relay: Relay, request: HopRequest): boolean {
  const { rules, path = [], excluded } = request;
  return !excluded?.(relay) &&
    (rules.allowPrivateAddresses || !hasInternalAddress(relay)) &&
    !path.some((other) => conflicts(relay, other, rules));
}

function hasInternalAddress(relay: Relay): boolean {
  return isInternalAddress(relay.hostname) ||
    (relay.ipv6 !== undefined && isInternalAddress(relay.ipv6.hostname));
}
