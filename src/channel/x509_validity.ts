/**
 * Whether an X.509 certificate is valid now, with C tor's tolerance for clocks that are wrong.
 *
 * @module
 */
import type { X509Certificate } from "../crypto/x509.ts";

const DAY = 86_400_000;
/** How long after its end a certificate is still accepted, in ms. */
const PAST_TOLERANCE = 2 * DAY;
/** How long before its beginning a certificate is already accepted, in ms. */
const FUTURE_TOLERANCE = 30 * DAY;

/** What a certificate's times say of a moment. */
export type X509Validity = "valid" | "expired" | "not-yet-valid";

/**
 * Compares a certificate's times with `now`: 2 days past its end and 30 days before its beginning
 * are forgiven.
 *
 * @param now milliseconds since the epoch
 */
export function x509Validity(
  certificate: Pick<X509Certificate, "notBefore" | "notAfter">,
  now: number,
): X509Validity {
  if (certificate.notBefore > now + FUTURE_TOLERANCE) return "not-yet-valid";
  if (certificate.notAfter < now - PAST_TOLERANCE) return "expired";
  return "valid";
}
