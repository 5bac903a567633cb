/**
 * What can go wrong when the client tells about itself.
 *
 * @module
 */
import { type ErrorTable, TorError } from "../errors/tor_error.ts";

const FACTS = {
  "metrics-port-taken": {
    retry: "never",
    advice: "Stop the program that listens there, or choose another MetricsPort.",
  },
  "metrics-port-unusable": {
    retry: "never",
    advice: "Choose a MetricsPort at an address of this machine that this user, and chive's " +
      "permissions, may listen at.",
  },
  "status-unreadable": {
    retry: "never",
    advice: "Is it a MetricsPort of chive, of the same version?",
  },
} as const satisfies ErrorTable;

/** The codes of {@link MonitorError}. */
export type MonitorErrorCode = keyof typeof FACTS;

/** A failure to tell about the client, or to understand what it told. */
export class MonitorError extends TorError<MonitorErrorCode> {
  /** What the process must exit with when a port could not be opened: its option is wrong. */
  readonly exitCode = 2;

  constructor(code: MonitorErrorCode, message: string, options?: ErrorOptions) {
    super(FACTS, code, message, options);
  }
}
