/**
 * Reasons in DESTROY cells and TRUNCATED messages (tor-spec, "Tearing down circuits").
 *
 * @module
 */

const REASONS = [
  "none",
  "protocol",
  "internal",
  "requested",
  "hibernating",
  "resource-limit",
  "connect-failed",
  "or-identity",
  "channel-closed",
  "finished",
  "timeout",
  "destroyed",
  "no-such-service",
] as const;

/** The reason that a client gives in every DESTROY: none, whatever happened. */
export const DESTROY_REASON_NONE = 0;

/** A destroy reason's name, for logs and errors. */
export function destroyReasonName(reason: number): string {
  return REASONS[reason] ?? `unknown reason ${reason}`;
}
