/**
 * How often each relay of a consensus should be in each position of a path, worked out from the
 * text of the consensus and the formulas of dir-spec and path-spec, and not with the code under test.
 */
import assert from "node:assert/strict";
import ipaddr from "ipaddr.js";

/** One relay as the text says. */
export interface ListedNode {
  readonly index: number;
  /** In upper-case hexadecimal. */
  readonly identity: string;
  readonly flags: ReadonlySet<string>;
  /** Kilobytes per second. */
  readonly bandwidth: number;
  /** What no other relay of the path may have too: `4 1.2`, `6 2001:db8`. */
  readonly networks: readonly string[];
}

/** What the text of a consensus says of relays. */
export interface ListedNetwork {
  readonly nodes: readonly ListedNode[];
  /** "bandwidth-weights", by name; 10000 is 1. */
  readonly weights: ReadonlyMap<string, number>;
}

/** Reads the text of a microdescriptor consensus. */
export function readNetwork(consensus: string): ListedNetwork {
  const nodes = consensus.split(/^(?=r )/m).slice(1).map((entry, index): ListedNode => {
    const [, , identity, , , ipv4] = line(entry, "r").split(" ");
    const ipv6 = /^a \[(.*)\]:\d+$/m.exec(entry)?.[1];
    const networks = [`4 ${ipv4.split(".").slice(0, 2).join(".")}`];
    if (ipv6 !== undefined) {
      networks.push(`6 ${ipaddr.IPv6.parse(ipv6).toNormalizedString().split(":", 2).join(":")}`);
    }
    return {
      index,
      identity: Uint8Array.fromBase64(identity, { lastChunkHandling: "loose" }).toHex()
        .toUpperCase(),
      flags: new Set(line(entry, "s").split(" ").slice(1)),
      bandwidth: Number(/Bandwidth=(\d+)/.exec(line(entry, "w"))?.[1]),
      networks,
    };
  });
  const weights = line(consensus, "bandwidth-weights").split(" ").slice(1)
    .map((item) => item.split("="))
    .map(([name, value]) => [name, Number(value)] as const);
  return { nodes, weights: new Map(weights) };
}

function line(text: string, keyword: string): string {
  const found = new RegExp(`^${keyword} .*$`, "m").exec(text)?.[0];
  assert.ok(found !== undefined, keyword);
  return found;
}

/** A position of a path, by the letter that the weights have for it. */
export type PositionLetter = "g" | "m" | "e";

/**
 * The relay's bandwidth times its weight: Wxy for position x and a relay y (g: Guard, e: Exit, d:
 * both, m: neither), times Wyb if it is a directory (dir-spec, "bandwidth-weights"). An Exit that
 * is not also a Guard has no weight as a guard.
 */
export function weightOf(
  { flags, bandwidth }: ListedNode,
  position: PositionLetter,
  weights: ReadonlyMap<string, number>,
): number {
  const isExit = flags.has("Exit") && !flags.has("BadExit");
  const kind = flags.has("Guard") ? (isExit ? "d" : "g") : (isExit ? "e" : "m");
  if (position === "g" && kind === "e") return 0;
  const share = (name: string) => {
    const weight = weights.get(name);
    assert.ok(weight !== undefined, name);
    return weight / 10_000;
  };
  return bandwidth * share(`W${position}${kind}`) *
    (flags.has("V2Dir") ? share(`W${kind}b`) : 1);
}

/**
 * For each relay, itself and all that must not stand in a path with it.
 *
 * @param familiesOf names of families by a relay's index
 */
export function conflictLists(
  { nodes }: ListedNetwork,
  familiesOf: (index: number) => readonly string[],
): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  const groupsOf = nodes.map(({ index, networks }) => [...networks, ...familiesOf(index)]);
  groupsOf.forEach((names, index) => {
    for (const name of names) {
      const members = groups.get(name);
      if (members === undefined) groups.set(name, [index]);
      else members.push(index);
    }
  });
  return groupsOf.map((names, index) => [
    ...new Set([index, ...names.flatMap((name) => groups.get(name) ?? [])]),
  ]);
}

/**
 * Expected counts of a relay that is chosen by weight after others, which rule some out: summed over
 * the paths so far that were seen, w / (W - what is ruled out) for each relay that is not.
 */
export class ConditionalShares {
  readonly #weights: readonly number[];
  readonly #total: number;
  readonly #conflicts: readonly (readonly number[])[];
  /** Sum over all paths of 1 / the weight that is left. */
  #sum = 0;
  /** The part of that sum from paths that rule the relay out. */
  readonly #ruledOut: Float64Array;
  /** The last path that ruled the relay out. */
  readonly #mark: Uint32Array;
  #paths = 0;

  constructor(weights: readonly number[], conflicts: readonly (readonly number[])[]) {
    this.#weights = weights;
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#conflicts = conflicts;
    this.#ruledOut = new Float64Array(weights.length);
    this.#mark = new Uint32Array(weights.length);
  }

  /** One more choice after these relays. */
  add(...path: readonly number[]): void {
    const mark = ++this.#paths;
    let left = this.#total;
    const ruledOut: number[] = [];
    for (const earlier of path) {
      for (const index of this.#conflicts[earlier]) {
        if (this.#mark[index] === mark) continue;
        this.#mark[index] = mark;
        ruledOut.push(index);
        left -= this.#weights[index];
      }
    }
    this.#sum += 1 / left;
    for (const index of ruledOut) this.#ruledOut[index] += 1 / left;
  }

  /** How often each relay should have been chosen. */
  expected(): number[] {
    return this.#weights.map((weight, index) => weight * (this.#sum - this.#ruledOut[index]));
  }
}
