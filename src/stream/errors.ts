/**
 * Why a stream could not be opened or was cut off.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  // The exit's reasons (tor-spec, "Closing streams"); which of them another exit may mend is C
  // tor's judgement.
  "end-misc": { retry: "elsewhere" },
  "end-resolve-failed": { retry: "elsewhere" },
  "end-connection-refused": { retry: "never" },
  "end-exit-policy": { retry: "elsewhere" },
  "end-destroy": { retry: "elsewhere" },
  "end-done": { retry: "never" },
  "end-timeout": { retry: "never" },
  "end-no-route": { retry: "elsewhere" },
  "end-hibernating": { retry: "elsewhere" },
  "end-internal": { retry: "never" },
  "end-resource-limit": { retry: "elsewhere" },
  "end-connection-reset": { retry: "never" },
  "end-tor-protocol": { retry: "elsewhere" },
  "end-not-directory": { retry: "elsewhere" },
  // Our own.
  "stream-closed": { retry: "never" },
  "stream-circuit-closed": { retry: "elsewhere" },
  "stream-timeout": { retry: "elsewhere" },
  "resolve-failed": { retry: "never" },
  "resolve-failed-for-now": { retry: "later" },
  "internal-address-refused": {
    retry: "never",
    advice: "An exit relay cannot reach addresses of a private network.",
  },
  "internal-answer-refused": { retry: "elsewhere" },
  "onion-unsupported": {
    retry: "never",
    advice: "chive does not reach onion services yet.",
  },
  "target-refused": { retry: "never" },
} as const satisfies ErrorTable;

/** The codes of {@link StreamError}. */
export type StreamErrorCode = keyof typeof FACTS;

/** A stream that could not be opened or was cut off. */
export class StreamError extends TorError<StreamErrorCode> {
  constructor(code: StreamErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
