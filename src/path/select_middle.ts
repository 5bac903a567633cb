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
 * A relay by its weight as a middle: Running, Valid, and Fast (and Stable, where asked for) unless
 * only others are left.
 *
 * @returns `undefined` when there is none
 */
export function selectMiddle(
  netDir: NetDir,
  random: RandomSource,
  request: MiddleRequest,
): Relay | undefined {
  return selectRelay(netDir, random, {
    position: "middle",
    flags: 0,
    preferredFlags: RelayFlag.Fast | (request.stable ? RelayFlag.Stable : 0),
  }, request);
}
