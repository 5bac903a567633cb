/**
 * What can be wrong with a directory document.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  "document-malformed": { retry: "elsewhere" },
  "document-cut-off": { retry: "elsewhere" },
  "document-line-too-long": { retry: "elsewhere" },
  "document-object-too-long": { retry: "elsewhere" },
  "consensus-malformed": { retry: "elsewhere" },
  "consensus-unsupported": { retry: "elsewhere" },
  "consensus-not-sorted": { retry: "elsewhere" },
  "consensus-diff-malformed": { retry: "elsewhere" },
  "consensus-diff-too-large": { retry: "elsewhere" },
  "consensus-diff-wrong-base": { retry: "elsewhere" },
  "consensus-diff-wrong-result": { retry: "elsewhere" },
  "too-few-signatures": { retry: "elsewhere" },
  "certificate-malformed": { retry: "elsewhere" },
  "certificate-not-verified": { retry: "elsewhere" },
  "microdescriptor-malformed": { retry: "elsewhere" },
  "protocols-malformed": { retry: "elsewhere" },
} as const satisfies ErrorTable;

/** A stable name for what is wrong with a directory document. */
export type NetdocErrorCode = keyof typeof FACTS;

/** A directory document that cannot be used. */
export class NetdocError extends TorError<NetdocErrorCode> {
  constructor(code: NetdocErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
