/**
 * Why a circuit could not be built or did not live on.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  "circuit-closed": { retry: "elsewhere" },
  "circuit-destroyed": { retry: "elsewhere" },
  "circuit-silent": { retry: "elsewhere" },
  "circuit-truncated": { retry: "elsewhere" },
  "circuit-timeout": { retry: "elsewhere" },
  "circuit-channel-lost": { retry: "elsewhere" },
  "circuit-handshake-failed": { retry: "elsewhere" },
  "circuit-protocol-violation": { retry: "elsewhere" },
  "circuit-full": { retry: "elsewhere" },
  "conflux-queue-full": { retry: "elsewhere" },
  "conflux-leg-lost": { retry: "elsewhere" },
  "no-guard": {
    retry: "later",
    advice: "No guard can be reached: check this machine's network connection.",
  },
  "no-path": { retry: "later" },
  "no-exit": { retry: "later" },
  "not-bootstrapped": { retry: "later", advice: "The client is still starting; try again soon." },
} as const satisfies ErrorTable;

/** The codes of {@link CircuitError}. */
export type CircuitErrorCode = keyof typeof FACTS;

/** A circuit that could not be built, or was closed. */
export class CircuitError extends TorError<CircuitErrorCode> {
  constructor(code: CircuitErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
