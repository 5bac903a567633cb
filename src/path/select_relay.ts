/**
 * The choice that all positions of a circuit have in common.
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import { hasFlags, type Relay, RelayFlag } from "../netdir/relay.ts";
import type { RandomSource } from "../runtime/random.ts";
import { type HopRequest, mayJoin } from "./path_rules.ts";
import { chooseByWeight } from "./weighted_choice.ts";

/** What is wanted of a relay beyond the {@link HopRequest}. */
export interface RelayWanted {
  /** Whose bandwidth weights decide. */
  readonly position: "middle" | "exit" | "directory";
  /** Bits of RelayFlag that are needed besides Running and Valid. */
  readonly flags: number;
  /** Bits of RelayFlag that are needed unless no acceptable relay has them. */
  readonly preferredFlags: number;
  /** Whether a relay can do what it is wanted for; all can unless given. */
  readonly able?: (relay: Relay) => boolean;
}

/**
 * A relay that has the flags, is able and agrees with the request, at random by its weight for the
 * position.
 *
 * @returns `undefined` when there is none
 */
export function selectRelay(
  netDir: NetDir,
  random: RandomSource,
  wanted: RelayWanted,
  request: HopRequest,
): Relay | undefined {
  const { position, able = () => true } = wanted;
  const needed = wanted.flags | RelayFlag.Running | RelayFlag.Valid;
  const choose = (flags: number) =>
    chooseByWeight(
      random,
      netDir.relays.filter((relay) => hasFlags(relay, flags) && able(relay)),
      (relay) => netDir.weight(relay, position),
      (relay) => mayJoin(relay, request),
    );
  return choose(needed | wanted.preferredFlags) ??
    (wanted.preferredFlags === 0 ? undefined : choose(needed));
}
