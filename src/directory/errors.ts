/**
 * What can go wrong with the directory, and what may be done about it.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const CLOCK_ADVICE =
  "Check this machine's date, time and time zone; Tor needs a clock that is right to within a few minutes.";

const FACTS = {
  "directory-open-failed": { retry: "elsewhere" },
  "directory-timeout": { retry: "elsewhere" },
  "directory-too-slow": { retry: "elsewhere" },
  "directory-http-invalid": { retry: "elsewhere" },
  "directory-http-too-large": { retry: "elsewhere" },
  "directory-http-cut-off": { retry: "elsewhere" },
  "directory-http-status": { retry: "elsewhere" },
  "directory-http-busy": { retry: "later" },
  "directory-encoding-invalid": { retry: "elsewhere" },
  "directory-encoding-unsupported": { retry: "elsewhere" },
  "directory-compression-bomb": { retry: "elsewhere" },
  "consensus-certificates-missing": { retry: "elsewhere" },
  "consensus-certificates-expired": { retry: "elsewhere", advice: CLOCK_ADVICE },
  "consensus-interval-too-short": { retry: "elsewhere" },
  "consensus-not-newer": { retry: "elsewhere" },
  "consensus-expired": { retry: "elsewhere", advice: CLOCK_ADVICE },
  "consensus-stale": { retry: "elsewhere" },
  "consensus-from-future": { retry: "elsewhere", advice: CLOCK_ADVICE },
  "microdescriptor-not-requested": { retry: "elsewhere" },
  "no-directory-servers": {
    retry: "never",
    advice: "Give at least one FallbackDir, or a DirAuthority with its orport and v3ident.",
  },
  "no-directory-authorities": {
    retry: "never",
    advice: "Give the v3ident of every DirAuthority; without one no consensus can be believed.",
  },
  "protocols-required": {
    retry: "never",
    advice: "This version is too old for the Tor network; upgrade chive.",
  },
} as const satisfies ErrorTable;

/** The codes of {@link DirectoryError}. */
export type DirectoryErrorCode = keyof typeof FACTS;

/** A directory document could not be fetched, or must not be believed. */
export class DirectoryError extends TorError<DirectoryErrorCode> {
  /**
   * @param code one of {@link DirectoryErrorCode}
   * @param message what happened; without the server's address
   */
  constructor(code: DirectoryErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
