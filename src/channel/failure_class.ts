/**
 * What kind of failure a channel's was: whether it helps to try again, and who is to blame.
 *
 * @module
 */
import { ChannelError, type ChannelErrorCode, isCertificateCode, isViolation } from "./errors.ts";

/**
 * The kinds of failure to open a channel:
 *
 * | class         | meaning                                                                    |
 * | ------------- | -------------------------------------------------------------------------- |
 * | `refused`     | the relay's machine answered, but nobody listens                            |
 * | `unreachable` | no way to the relay's machine, though this machine has a network            |
 * | `timeout`     | nothing, or not enough, was heard in time                                   |
 * | `tls`         | the TLS handshake failed, without a doubt about who is there                 |
 * | `link`        | the link handshake failed, or the channel ended                             |
 * | `identity`    | somebody else is there, or the relay's certificates do not prove who it is  |
 * | `local`       | this machine or this client itself: no network, a limit, an option, the end |
 */
export type FailureClass =
  | "refused"
  | "unreachable"
  | "timeout"
  | "tls"
  | "link"
  | "identity"
  | "local";

const CLASSES: Partial<Record<ChannelErrorCode, FailureClass>> = {
  "connect-refused": "refused",
  "connect-failed": "unreachable",
  "channel-timeout": "timeout",
  "tls-handshake-failed": "tls",
  "tls-version": "tls",
  "tls-cipher-suite": "tls",
  "tls-signature": "identity",
  "rsa-identity-differs": "identity",
  "ed25519-identity-differs": "identity",
  "identity-refused-before": "identity",
  "network-unreachable": "local",
  "no-usable-address": "local",
  "too-many-channels": "local",
  "channel-closed": "local",
  "tls-flag-missing": "local",
  "tls-flag-unscoped": "local",
  "tls-certificate-unreadable": "local",
};

/** The class of a channel's failure. */
export function failureClass({ code }: ChannelError): FailureClass {
  return CLASSES[code] ?? (isCertificateCode(code) ? "identity" : "link");
}

/**
 * How often one use of a relay may fail in each class before it is given up. A relay that is just
 * being started again refuses connections or cuts them off; silence has taken long enough already;
 * who has proved to be somebody else will not be another one a second later.
 */
const FAILURES_PER_USE: Readonly<Record<FailureClass, number>> = {
  refused: 2,
  unreachable: 1,
  timeout: 1,
  tls: 2,
  link: 2,
  identity: 1,
  local: 1,
};
/** How often one use of a relay may fail in all classes together. */
const MOST_FAILURES_PER_USE = 3;

/** Decides, for one use of a relay, whether another attempt is worth it. */
export class AttemptLimit {
  readonly #failures = new Map<FailureClass, number>();
  #total = 0;

  /** Failures so far. */
  get failures(): number {
    return this.#total;
  }

  /** Counts a failure; returns whether the relay may be tried again within the same use. */
  allowsAnother(error: unknown): boolean {
    if (!(error instanceof ChannelError)) return false;
    const kind = failureClass(error);
    const failures = (this.#failures.get(kind) ?? 0) + 1;
    this.#failures.set(kind, failures);
    this.#total++;
    // A relay that speaks another version, or breaks the protocol, does so the next time as well.
    if (error.code !== "tls-handshake-failed" && isViolation(error)) return false;
    return failures < FAILURES_PER_USE[kind] && this.#total < MOST_FAILURES_PER_USE;
  }
}

/** The failures that another clock, ours or the relay's, would mend. */
const CLOCK_CODES: ReadonlySet<ChannelErrorCode> = new Set<ChannelErrorCode>([
  "tls-certificate-expired",
  "tls-certificate-not-yet-valid",
  "certs-cross-expired",
  "certs-id-expired",
  "certs-id-not-yet-valid",
  "certs-link-expired",
  "certs-signing-expired",
]);

/**
 * Whether a relay that failed like this is not to be asked again for long. Not for its certificates'
 * times: when this machine's clock is set right, all relays must be there again at once.
 */
export function lastsLong(error: ChannelError): boolean {
  return failureClass(error) === "identity" && !CLOCK_CODES.has(error.code);
}
