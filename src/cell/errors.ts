/**
 * What can be wrong with the bytes of a cell or of a relay message.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  "cell-truncated": { retry: "elsewhere" },
  "cell-malformed": { retry: "elsewhere" },
  "cell-too-long": { retry: "never" },
} as const satisfies ErrorTable;

/** The codes of {@link CellError}. */
export type CellErrorCode = keyof typeof FACTS;

/** Bytes that are not the cell or the relay message that they should be. */
export class CellError extends TorError<CellErrorCode> {
  constructor(code: CellErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
