/**
 * The numbers of Conflux: from the consensus, else C tor's defaults (C tor: conflux_params.c).
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import { hasFlags, type Relay, RelayFlag } from "../netdir/relay.ts";
import { congestionControlParameters } from "./congestion_control_parameters.ts";

/** What holds for the sets of a client. */
export interface ConfluxParameters {
  /** Sets that may be open, in use or not (cfx_max_linked_set). */
  readonly maxLinked: number;
  /** Unused sets that are kept ready, those under construction included. */
  readonly maxPrebuilt: number;
  /** Legs that may be built anew for one set until all are linked (cfx_max_unlinked_leg_retry). */
  readonly maxLegRetries: number;
}

/** Circuits of one set. C tor takes as many as cfx_num_legs_set says; the network says two. */
export const LEGS = 2;

/** In 10000ths, as the consensus has it. */
const WHOLE = 10_000;

/**
 * The parameters of a network; `undefined` when no sets are to be built.
 *
 * @param setting ConfluxEnabled
 */
export function confluxParameters(
  netDir: NetDir,
  setting: boolean | "auto",
): ConfluxParameters | undefined {
  const parameter = (name: string, byDefault: number, max: number) =>
    netDir.parameter(name, { default: byDefault, min: 0, max });
  const isEnabled = setting === "auto" ? parameter("cfx_enabled", 1, 1) === 1 : setting;
  if (!isEnabled || !congestionControlParameters("exit", netDir).enabled) return undefined;
  if (parameter("cfx_num_legs_set", LEGS, 255) < LEGS) return undefined;
  const ratio = confluxExits(netDir);
  if (ratio === 0) return undefined;
  // Where few exits have it, those few are not to be the only ones that are used.
  const isRare = ratio < parameter("cfx_low_exit_threshold", 6000, WHOLE) / WHOLE;
  return {
    maxLinked: parameter("cfx_max_linked_set", 10, 255),
    maxPrebuilt: isRare ? 1 : parameter("cfx_max_prebuilt_set", 3, 255),
    maxLegRetries: parameter("cfx_max_unlinked_leg_retry", 3, 255),
  };
}

/** Whether a relay can be the exit of a set (C tor: node_supports_conflux). */
export function supportsConflux(relay: Pick<Relay, "supports">): boolean {
  return relay.supports("Conflux", 1) && relay.supports("FlowCtrl", 2) &&
    relay.supports("Relay", 4);
}

const ratios = new WeakMap<NetDir, number>();

/** The share of exits that can be exits of sets, 0 to 1. */
function confluxExits(netDir: NetDir): number {
  let ratio = ratios.get(netDir);
  if (ratio === undefined) {
    const exits = netDir.relays.filter((relay) =>
      hasFlags(relay, RelayFlag.Exit) && !hasFlags(relay, RelayFlag.BadExit)
    );
    ratio = exits.length === 0 ? 0 : exits.filter(supportsConflux).length / exits.length;
    ratios.set(netDir, ratio);
  }
  return ratio;
}
