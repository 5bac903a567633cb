/**
 * What can go wrong on the way from the command line to the client.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const WHICH_FILE =
  "Name the file 'state' in the data directory of C tor, or that directory; a copy " +
  "in chive's own data directory can always be read.";

const FACTS = {
  "tor-state-unreadable": { retry: "never", advice: WHICH_FILE },
  "tor-state-too-large": { retry: "never", advice: WHICH_FILE },
} as const satisfies ErrorTable;

/** The codes of {@link CliError}. */
export type CliErrorCode = keyof typeof FACTS;

/** A failure of what the command line asked for. */
export class CliError extends TorError<CliErrorCode> {
  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
