/**
 * What the client is given instead of reaching for globals: time, randomness and the network.
 * Files come through `state/`, which is given a directory.
 *
 * @module
 */
import { type Clock, SystemClock } from "./clock.ts";
import { type Network, SystemNetwork } from "./network.ts";
import { type RandomSource, SystemRandom } from "./random.ts";

/** Everything from outside that a room may use. */
export interface Runtime {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly network: Network;
}

/** The machine's own clock, random generator and network. */
export function systemRuntime(): Runtime {
  return { clock: new SystemClock(), random: new SystemRandom(), network: new SystemNetwork() };
}
