/**
 * The flags that authorities give to relays.
 *
 * @module
 */

/** The consensus flags a client acts on, as bits of one number (dir-spec, consensus "s"). */
export const RelayFlag = {
  Authority: 1 << 0,
  BadExit: 1 << 1,
  Exit: 1 << 2,
  Fast: 1 << 3,
  Guard: 1 << 4,
  HSDir: 1 << 5,
  MiddleOnly: 1 << 6,
  NoEdConsensus: 1 << 7,
  Running: 1 << 8,
  Stable: 1 << 9,
  StaleDesc: 1 << 10,
  Sybil: 1 << 11,
  V2Dir: 1 << 12,
  Valid: 1 << 13,
} as const;

const BITS: ReadonlyMap<string, number> = new Map(Object.entries(RelayFlag));

/** The bits for the names on an "s" line; names that are not known have none. */
export function parseRelayFlags(names: string): number {
  let flags = 0;
  for (const name of names.split(" ")) flags |= BITS.get(name) ?? 0;
  return flags;
}
