/**
 * What can go wrong with guards that a person brings along.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  "guards-already-confirmed": {
    retry: "never",
    advice:
      "This data directory has guards that were used already, and changing guards harms anonymity: import into a new data directory, or say that the guards are to be replaced.",
  },
  "no-guards-to-import": {
    retry: "never",
    advice: "Choose the file named state in the data directory of a C tor client that was used.",
  },
} as const satisfies ErrorTable;

/** The codes of {@link GuardError}. */
export type GuardErrorCode = keyof typeof FACTS;

/** A failure of the guard room. */
export class GuardError extends TorError<GuardErrorCode> {
  constructor(code: GuardErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
