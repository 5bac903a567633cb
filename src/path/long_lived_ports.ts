/**
 * Ports whose connections tend to last.
 *
 * @module
 */

/**
 * The ports for which every relay of a circuit must have the flag Stable (C tor: the default of
 * LongLivedPorts).
 */
export const LONG_LIVED_PORTS: ReadonlySet<number> = new Set([
  21,
  22,
  706,
  1863,
  5050,
  5190,
  5222,
  5223,
  6523,
  6667,
  6697,
  8300,
]);
