/**
 * What can go wrong with the log itself.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  "log-file-unwritable": {
    retry: "never",
    advice: "Choose a log file that this user, and chive's permissions, may write.",
  },
} as const satisfies ErrorTable;

/** The codes of {@link ObserveError}. */
export type ObserveErrorCode = keyof typeof FACTS;

/** A failure to set up what is observed. */
export class ObserveError extends TorError<ObserveErrorCode> {
  constructor(code: ObserveErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
