/**
 * What can go wrong with a channel to a relay.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const CHECK_CLOCK =
  "If other relays fail in the same way, check this computer's clock, date and time zone.";

const FACTS = {
  // CERTS: the relay's certificates (see certs.ts).
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
} as const satisfies ErrorTable;

/** A failure of a channel. */
export type ChannelErrorCode = keyof typeof FACTS;

/** Thrown when a channel to a relay cannot be made, or must be closed. */
export class ChannelError extends TorError<ChannelErrorCode> {
  constructor(code: ChannelErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
