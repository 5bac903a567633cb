/**
 * Choosing the last relay of a circuit, which is done first (path-spec, "Choosing an exit").
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import { type Relay, RelayFlag } from "../netdir/relay.ts";
import type { RandomSource } from "../runtime/random.ts";
import { exitAllows, type ExitTarget, needsStableRelays } from "./exit_target.ts";
import type { HopRequest, PathRules } from "./path_rules.ts";
import { mayHaveRole, selectRelay } from "./select_relay.ts";

/**
 * A relay that can serve the target, by its weight as an exit (or as a middle, for an internal
 * circuit): Running, Valid, not BadExit, one that the user's wishes allow, and Fast (and Stable, for
 * long-lived ports) unless only others are left. When no relay allows any of the ports of a target
 * "any-port", one that allows any exit at all.
 *
 * @returns `undefined` when there is none; `explainNoExit` tells why
 */
export function selectExit(
  netDir: NetDir,
  random: RandomSource,
  target: ExitTarget,
  request: HopRequest,
): Relay | undefined {
  const isLongLived = request.stable ||
    needsStableRelays(target, request.rules.longLivedPorts);
  const exit = selectRelay(netDir, random, {
    role: target.kind === "internal" ? "internal" : "exit",
    preferredFlags: RelayFlag.Fast | (isLongLived ? RelayFlag.Stable : 0),
    able: (relay) => exitAllows(relay, target),
  }, request);
  if (exit !== undefined || target.kind !== "any-port") return exit;
  return selectExit(netDir, random, { kind: "resolve" }, request);
}

/**
 * Whether a circuit that ends at this relay can serve the target and is allowed to: to be asked
 * before a stream is put on a circuit that was built for something else.
 */
export function mayServe(relay: Relay, target: ExitTarget, rules: PathRules): boolean {
  return exitAllows(relay, target) &&
    mayHaveRole(relay, target.kind === "internal" ? "internal" : "exit", rules);
}
