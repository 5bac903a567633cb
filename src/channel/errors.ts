/**
 * Why a channel could not be opened or was closed.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const CHECK_CLOCK =
  "If other relays fail in the same way, check this computer's clock, date and time zone.";

const FACTS = {
  // The launch of the program.
  "tls-flag-missing": {
    retry: "never",
    advice:
      "Start with `deno task start`, or add --unsafely-ignore-certificate-errors=192.0.2.1 to deno run.",
  },
  "tls-flag-unscoped": {
    retry: "never",
    advice: "Give the flag its list: --unsafely-ignore-certificate-errors=192.0.2.1",
  },
  "tls-certificate-unreadable": { retry: "never", advice: "Use Deno 2.9.6." },
  // Opening.
  "network-unreachable": {
    retry: "later",
    advice: "Check this machine's network connection.",
  },
  "no-usable-address": {
    retry: "elsewhere",
    advice: "Check ClientUseIPv4 and ClientUseIPv6: this relay has no address that they allow.",
  },
  "too-many-channels": {
    retry: "later",
    advice: "All channels that may be open are in use: raise MaxOpenChannels.",
  },
  "identity-refused-before": { retry: "elsewhere" },
  "connect-failed": { retry: "elsewhere" },
  "connect-refused": { retry: "elsewhere" },
  "channel-timeout": { retry: "elsewhere" },
  "tls-handshake-failed": { retry: "elsewhere" },
  "tls-version": { retry: "elsewhere" },
  "tls-cipher-suite": { retry: "elsewhere" },
  "tls-signature": { retry: "elsewhere" },
  "link-handshake-failed": { retry: "elsewhere" },
  "link-handshake-cut-off": { retry: "elsewhere" },
  "no-common-link-protocol": { retry: "elsewhere" },
  "rsa-identity-differs": { retry: "elsewhere" },
  "ed25519-identity-differs": { retry: "elsewhere" },
  "unexpected-cell": { retry: "elsewhere" },
  // The certificate of the TLS link.
  "tls-certificate-algorithm": { retry: "elsewhere" },
  "tls-certificate-expired": { retry: "elsewhere", advice: CHECK_CLOCK },
  "tls-certificate-extended-key-usage": { retry: "elsewhere" },
  "tls-certificate-key": { retry: "elsewhere" },
  "tls-certificate-key-usage": { retry: "elsewhere" },
  "tls-certificate-malformed": { retry: "elsewhere" },
  "tls-certificate-not-yet-valid": { retry: "elsewhere", advice: CHECK_CLOCK },
  "tls-certificate-refused": { retry: "elsewhere" },
  "tls-certificate-signature": { retry: "elsewhere" },
  // The relay's certificates in its CERTS cell.
  "certs-cross-expired": { retry: "elsewhere", advice: CHECK_CLOCK },
  "certs-cross-mismatch": { retry: "elsewhere" },
  "certs-cross-signature": { retry: "elsewhere" },
  "certs-duplicate": { retry: "elsewhere" },
  "certs-id-expired": { retry: "elsewhere", advice: CHECK_CLOCK },
  "certs-id-key": { retry: "elsewhere" },
  "certs-id-not-yet-valid": { retry: "elsewhere", advice: CHECK_CLOCK },
  "certs-id-signature": { retry: "elsewhere" },
  "certs-link-expired": { retry: "elsewhere", advice: CHECK_CLOCK },
  "certs-link-mismatch": { retry: "elsewhere" },
  "certs-link-signature": { retry: "elsewhere" },
  "certs-malformed": { retry: "elsewhere" },
  "certs-missing-cross": { retry: "elsewhere" },
  "certs-missing-id": { retry: "elsewhere" },
  "certs-missing-link": { retry: "elsewhere" },
  "certs-missing-signing": { retry: "elsewhere" },
  "certs-signing-expired": { retry: "elsewhere", advice: CHECK_CLOCK },
  "certs-signing-no-identity": { retry: "elsewhere" },
  "certs-signing-signature": { retry: "elsewhere" },
  "certs-wrong-type": { retry: "elsewhere" },
  // The end.
  "channel-closed": { retry: "elsewhere" },
  "channel-closed-by-relay": { retry: "elsewhere" },
  "channel-lost": { retry: "elsewhere" },
  "channel-stuck": { retry: "elsewhere" },
  "channel-unused": { retry: "now" },
} as const satisfies ErrorTable;

/** The codes of {@link ChannelError}. */
export type ChannelErrorCode = keyof typeof FACTS;

/** A channel that could not be opened, or was closed. */
export class ChannelError extends TorError<ChannelErrorCode> {
  constructor(code: ChannelErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}

/** What only a relay that breaks the protocol, or somebody in its place, brings about. */
const VIOLATIONS: ReadonlySet<ChannelErrorCode> = new Set<ChannelErrorCode>([
  "no-common-link-protocol",
  "rsa-identity-differs",
  "ed25519-identity-differs",
  "tls-cipher-suite",
  "tls-signature",
  "tls-version",
  "unexpected-cell",
]);

/** Whether a code says that a relay's certificates are not what they must be. */
export function isCertificateCode(code: ChannelErrorCode): boolean {
  return code.startsWith("certs-") ||
    (code.startsWith("tls-certificate-") && code !== "tls-certificate-unreadable");
}

/**
 * Whether a channel failed because the relay broke the protocol, and not because it was not there,
 * fell silent or went away.
 */
export function isViolation({ code, cause }: ChannelError): boolean {
  switch (code) {
    case "tls-handshake-failed":
      // Deno's error for all that is wrong with what was said.
      return cause instanceof Deno.errors.InvalidData;
    case "link-handshake-failed":
      // A cell that does not hold what it must; else it is the connection that failed.
      return cause instanceof TorError;
    default:
      return VIOLATIONS.has(code) || isCertificateCode(code);
  }
}
