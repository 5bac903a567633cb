/**
 * What can go wrong in the crypto room.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  "certificate-malformed": { retry: "elsewhere" },
  "certificate-extension-unknown": { retry: "elsewhere" },
  "certificate-signature-bad": { retry: "elsewhere" },
  "der-malformed": { retry: "elsewhere" },
  "fast-digest-mismatch": { retry: "elsewhere" },
  "handshake-reply-length": { retry: "elsewhere" },
  "ntor-auth-mismatch": { retry: "elsewhere" },
  "ntor-zero-secret": { retry: "elsewhere" },
  "relay-crypto-disposed": { retry: "never" },
  "relay-crypto-memory-full": { retry: "later" },
  "rsa-key-refused": { retry: "elsewhere" },
  "x509-malformed": { retry: "elsewhere" },
} as const satisfies ErrorTable;

/** A failure of a handshake, a certificate or a key. */
export type CryptoErrorCode = keyof typeof FACTS;

/** Thrown by everything in `crypto/` for input of a peer that is not as the specification says. */
export class CryptoError extends TorError<CryptoErrorCode> {
  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
