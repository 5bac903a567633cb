/**
 * Choosing a relay to ask for directory documents, where that is not left to the guards.
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import { type Relay, RelayFlag } from "../netdir/relay.ts";
import type { RandomSource } from "../runtime/random.ts";
import type { HopRequest } from "./path_rules.ts";
import { selectRelay } from "./select_relay.ts";

/**
 * A Running and Valid directory cache (flag V2Dir), by its weight for directory requests.
 *
 * @returns `undefined` when there is none
 */
export function selectDirectoryCache(
  netDir: NetDir,
  random: RandomSource,
  request: HopRequest,
): Relay | undefined {
  return selectRelay(netDir, random, {
    position: "directory",
    flags: RelayFlag.V2Dir,
    preferredFlags: 0,
  }, request);
}
