/**
 * Choosing the middle relay of a circuit, which is done last.
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import { type Relay, RelayFlag } from "../netdir/relay.ts";
import type { RandomSource } from "../runtime/random.ts";
import type { HopRequest } from "./path_rules.ts";
import { selectRelay } from "./select_relay.ts";

/** A {@link HopRequest} for a middle. */
export interface MiddleRequest extends HopRequest {
  /** The circuit is for long-lived connections: Stable is preferred to everything else. */
  readonly stable: boolean;
}

/**
 * A relay by its weight as a middle: Running, Valid, one that the user's wishes allow, and Fast (and
 * Stable, where asked for) unless only others are left. Of relays that the user chose (MiddleNodes)
 * no flags are asked, as in C tor: there may be few of them.
 *
 * @returns `undefined` when there is none; `explainNoMiddle` tells why
 */
export function selectMiddle(
  netDir: NetDir,
  random: RandomSource,
  request: MiddleRequest,
): Relay | undefined {
  const preferred = RelayFlag.Fast | (request.stable ? RelayFlag.Stable : 0);
  return selectRelay(netDir, random, {
    role: "middle",
    preferredFlags: request.rules.nodes.choosesMiddles ? 0 : preferred,
  }, request);
}
