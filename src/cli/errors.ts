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
  "no-metrics-port": {
    retry: "never",
    advice:
      "Start the client with --metrics-port 9035, for example, and give the same option, or " +
      "the same file, to status.",
  },
  "client-unreachable": {
    retry: "later",
    advice: "Is a client running, with --metrics-port? Otherwise name its port with --metrics.",
  },
  "client-starting": { retry: "later" },
  "client-refused": {
    retry: "never",
    advice: "Is it the MetricsPort of chive? Name it with --metrics.",
  },
  "url-malformed": { retry: "never", advice: "Write it as https://HOST/PATH." },
  "url-scheme-unsupported": { retry: "never", advice: "Use http: or https:." },
  "output-unwritable": { retry: "never" },
  "fetch-not-permitted": { retry: "never" },
  "fetch-too-slow": { retry: "later", advice: "Give it more time with --max-time." },
  "fetch-interrupted": { retry: "never" },
  "fetch-failed": { retry: "later" },
  "fetch-http-error": { retry: "never" },
} as const satisfies ErrorTable;

/** The codes of {@link CliError}. */
export type CliErrorCode = keyof typeof FACTS;

/** A failure of what the command line asked for. */
export class CliError extends TorError<CliErrorCode> {
  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
