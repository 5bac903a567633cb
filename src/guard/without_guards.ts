/**
 * First hops when entry guards are not used (UseEntryGuards 0): a new choice for each circuit.
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";
import { hasFlags, type Relay, RelayFlag } from "../netdir/relay.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";
import { chooseByWeight } from "../path/weighted_choice.ts";
import type { RandomSource } from "../runtime/random.ts";

/** A relay by its weight as a guard, with the flags Guard and Fast if there is one. */
export function anyEntry(
  netDir: NetDir,
  random: RandomSource,
  excluded: ((relay: Relay) => boolean) | undefined,
): Relay | undefined {
  const choose = (flags: number) =>
    chooseByWeight(
      random,
      netDir.relays.filter((relay) => hasFlags(relay, flags)),
      (relay) => netDir.weight(relay, "guard"),
      (relay) => !excluded?.(relay),
    );
  return choose(RelayFlag.Guard | RelayFlag.Fast) ?? choose(0);
}

/** A directory cache by its weight for directory requests. */
export function anyDirectory(
  netDir: NetDir,
  random: RandomSource,
  excluded: ((router: RouterStatus) => boolean) | undefined,
): RouterStatus | undefined {
  const needed = RelayFlag.V2Dir | RelayFlag.Running | RelayFlag.Valid;
  return chooseByWeight(
    random,
    netDir.consensus.routers.filter(({ flags }) => (flags & needed) === needed),
    (router) => netDir.weight(router, "directory"),
    (router) => !excluded?.(router),
  );
}
