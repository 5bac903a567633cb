/**
 * Why there is no relay for a position of a path, so that the user can be told what to change.
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import { hasFlags, type Relay, RelayFlag } from "../netdir/relay.ts";
import { exitAllows, type ExitTarget } from "./exit_target.ts";
import type { HopRequest, PathRules } from "./path_rules.ts";
import { hasInternalAddress } from "./select_relay.ts";

/**
 * Why no relay was found; the first that applies:
 *
 * | reason           | meaning                                                                   |
 * | ---------------- | ------------------------------------------------------------------------- |
 * | `no-relays`      | no relay is known that could be used at all                               |
 * | `no-exit-policy` | no relay's exit policy allows the target                                  |
 * | `all-excluded`   | ExcludeNodes (for exits, or ExcludeExitNodes) excludes all that remain    |
 * | `none-chosen`    | none that remains is in ExitNodes, or MiddleNodes                         |
 * | `all-refused`    | the request refuses all that remain, as they conflict with the path or were tried |
 */
export type NoRelayReason =
  | "no-relays"
  | "no-exit-policy"
  | "all-excluded"
  | "none-chosen"
  | "all-refused";

/** Why `selectExit` found no relay. It looks at all relays: to be asked only when there is none. */
export function explainNoExit(
  netDir: NetDir,
  target: ExitTarget,
  { rules }: Pick<HopRequest, "rules">,
): NoRelayReason {
  const { nodes } = rules;
  const usable = usableRelays(netDir, rules);
  if (usable.length === 0) return "no-relays";
  if (target.kind === "internal") {
    return usable.every((relay) => nodes.isExcluded(relay)) ? "all-excluded" : "all-refused";
  }
  // Where the expected ports cannot be had, an exit for any others would have done.
  const asked: ExitTarget = target.kind === "any-port" ? { kind: "resolve" } : target;
  const able = usable.filter((relay) => exitAllows(relay, asked));
  if (able.length === 0) return "no-exit-policy";
  const allowed = able.filter((relay) => !nodes.isExcludedExit(relay));
  if (allowed.length === 0) return "all-excluded";
  return allowed.some((relay) => nodes.isExitNode(relay)) ? "all-refused" : "none-chosen";
}

/** Why `selectMiddle` found no relay. It looks at all relays: to be asked only when there is none. */
export function explainNoMiddle(
  netDir: NetDir,
  { rules }: Pick<HopRequest, "rules">,
): Exclude<NoRelayReason, "no-exit-policy"> {
  const { nodes } = rules;
  const usable = usableRelays(netDir, rules);
  if (usable.length === 0) return "no-relays";
  const allowed = usable.filter((relay) => !nodes.isExcluded(relay));
  if (allowed.length === 0) return "all-excluded";
  return allowed.some((relay) => nodes.isMiddleNode(relay)) ? "all-refused" : "none-chosen";
}

/** The relays that could stand somewhere in a circuit if the user had no wishes. */
function usableRelays(netDir: NetDir, rules: PathRules): readonly Relay[] {
  return netDir.relays.filter((relay) =>
    hasFlags(relay, RelayFlag.Running | RelayFlag.Valid) &&
    (rules.allowPrivateAddresses || !hasInternalAddress(relay))
  );
}
