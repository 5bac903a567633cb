/**
 * How channels are opened in tests, where nothing else is said.
 *
 * @module
 */
import type { ConnectionOptions } from "../../src/config/config.ts";

/** As by default: pauses of 1 s, more or less by a quarter; a keepalive every 5 minutes. */
export const TEST_CONNECTIONS: ConnectionOptions = {
  useIpv4: true,
  useIpv6: false,
  preferIpv6: "auto",
  padding: "auto",
  reducedPadding: false,
  keepalivePeriod: 300_000,
  backoff: { initial: 1000, multiplier: 2, longest: 30_000, jitter: 0.25 },
  maxOpen: 100,
  maxConnecting: 10,
};
