/**
 * Exit policy summaries: the ports that an exit allows to most addresses (dir-spec, "p" and "p6").
 *
 * ```text
 * accept 80,443,6660-6667
 * ```
 *
 * @module
 */

/** A port range, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** An exit policy summary: all ports of the list are accepted, or all but those of the list. */
export interface PortPolicy {
  readonly accept: boolean;
  readonly ranges: readonly PortRange[];
}

/** The policy of a relay that is no exit, and of one whose summary is absent or unreadable. */
export const REJECT_ALL_PORTS: PortPolicy = {
  accept: false,
  ranges: [{ first: 1, last: 65535 }],
};

const MAX_RANGES = 1000;

/**
 * Reads a summary: "accept" or "reject", a space, and ranges of ports parted by commas.
 *
 * @returns `undefined` when it cannot be read
 */
export function parsePortPolicy(text: string): PortPolicy | undefined {
  const match = /^(accept|reject) (.+)$/.exec(text);
  if (match === null) return undefined;
  const [, verb, list] = match;
  const ranges: PortRange[] = [];
  for (const item of list.split(",")) {
    // An item of a kind that is not known yet says nothing about ports.
    if (!/^\d/.test(item)) continue;
    const range = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item);
    if (range === null || ranges.length === MAX_RANGES) return undefined;
    const first = Number(range[1]);
    const last = range[2] === undefined ? first : Number(range[2]);
    if (first < 1 || last < first || last > 65535) return undefined;
    ranges.push({ first, last });
  }
  return ranges.length === 0 ? undefined : { accept: verb === "accept", ranges };
}

/** Whether the policy allows connections to `port` (1 to 65535) at most addresses. */
export function portPolicyAllows(policy: PortPolicy, port: number): boolean {
  const listed = policy.ranges.some(({ first, last }) => first <= port && port <= last);
  return listed === policy.accept;
}
