/**
 * How much a relay's bandwidth counts for each position of a path (dir-spec, "bandwidth-weights";
 * path-spec, "Choosing an exit" and after).
 *
 * Which weight of a relay counts depends on its flags; an exit that is also a BadExit is no exit.
 *
 * | position    | neither | Guard | Exit | both |
 * | ----------- | ------- | ----- | ---- | ---- |
 * | `guard`     | Wgm     | Wgg   | 0    | Wgd  |
 * | `middle`    | Wmm     | Wmg   | Wme  | Wmd  |
 * | `exit`      | Wem     | Weg   | Wee  | Wed  |
 * | `directory` | Wbm     | Wbg   | Wbe  | Wbd  |
 *
 * For a directory (V2Dir) in the first three positions, Wmb, Wgb, Web or Wdb multiplies it.
 *
 * @module
 */
import { RelayFlag } from "../netdoc/relay_flag.ts";

/** What a relay is chosen for. */
export type WeightPosition = "guard" | "middle" | "exit" | "directory";

/** What is weighed: a relay, or a consensus entry whose microdescriptor is missing. */
export interface Weighable {
  /** Bits of RelayFlag. */
  readonly flags: number;
  /** Kilobytes per second. */
  readonly bandwidth: number;
}

/** Names of the weights for a relay that is neither guard nor exit, guard, exit, and both. */
const NAMES: Readonly<Record<WeightPosition, readonly (string | undefined)[]>> = {
  guard: ["Wgm", "Wgg", undefined, "Wgd"],
  middle: ["Wmm", "Wmg", "Wme", "Wmd"],
  exit: ["Wem", "Weg", "Wee", "Wed"],
  directory: ["Wbm", "Wbg", "Wbe", "Wbd"],
};
const DIRECTORY_NAMES = ["Wmb", "Wgb", "Web", "Wdb"] as const;

const GUARD = 1;
const EXIT = 2;
const DIRECTORY = 4;

// C tor reckons in bytes with 32 bits.
const MAX_BANDWIDTH = (2 ** 31 - 1) / 1000;

/** The weights of one consensus. */
export class BandwidthWeights {
  /** For each position, the factors for the 8 kinds of relays: bits GUARD, EXIT and DIRECTORY. */
  readonly #factors: Readonly<Record<WeightPosition, readonly number[]>>;

  /**
   * @param weights the "bandwidth-weights" of the consensus, in units of 1 / `scale`; a position for
   * which any of them is absent is not weighted
   */
  constructor(weights: ReadonlyMap<string, number>, scale: number) {
    const read = (name: string | undefined) =>
      name === undefined ? 0 : Math.min(weights.get(name) ?? -1, scale) / scale;
    const factorsFor = (position: WeightPosition): number[] => {
      const own = NAMES[position].map(read);
      const directory = position === "directory" ? [1, 1, 1, 1] : DIRECTORY_NAMES.map(read);
      if ([...own, ...directory].some((weight) => weight < 0)) return Array(8).fill(1);
      return [...own, ...own.map((weight, kind) => weight * directory[kind])];
    };
    this.#factors = {
      guard: factorsFor("guard"),
      middle: factorsFor("middle"),
      exit: factorsFor("exit"),
      directory: factorsFor("directory"),
    };
  }

  /** The relay's bandwidth in kilobytes per second times its weight for the position. */
  weight(relay: Weighable, position: WeightPosition): number {
    const { flags } = relay;
    const kind = (flags & RelayFlag.Guard ? GUARD : 0) |
      ((flags & (RelayFlag.Exit | RelayFlag.BadExit)) === RelayFlag.Exit ? EXIT : 0) |
      (flags & RelayFlag.V2Dir ? DIRECTORY : 0);
    return this.#factors[position][kind] * Math.min(relay.bandwidth, MAX_BANDWIDTH);
  }
}
