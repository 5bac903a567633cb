/**
 * What can be wrong with a configuration.
 *
 * @module
 */
import { type ErrorFacts, TorError } from "../errors/tor_error.ts";

/** The codes of {@link ConfigError}. */
export type ConfigErrorCode =
  | "config-syntax"
  | "config-unknown-option"
  | "config-no-value"
  | "config-bad-value"
  | "config-relay-only"
  | "config-unsupported"
  | "config-conflict"
  | "config-unreadable"
  | "config-country-file-unreadable";

const FACTS: Readonly<Record<ConfigErrorCode, ErrorFacts>> = {
  "config-syntax": { retry: "never" },
  "config-unknown-option": {
    retry: "never",
    advice: "Run with --help to see all options.",
  },
  "config-no-value": { retry: "never" },
  "config-bad-value": { retry: "never" },
  "config-relay-only": {
    retry: "never",
    advice: "Remove the option here; to run a relay, use C tor.",
  },
  "config-unsupported": {
    retry: "never",
    advice: "Remove the option, if its effect is not needed.",
  },
  "config-conflict": { retry: "never" },
  "config-unreadable": { retry: "never" },
  "config-country-file-unreadable": {
    retry: "never",
    advice: "Check GeoIPFile and GeoIPv6File, or name no countries.",
  },
};

/** Where a setting was written. */
export interface Origin {
  /** The file's path as it was given; undefined for the command line and for defaults. */
  readonly file: string | undefined;
  /** Counted from 1; undefined for the command line and for defaults. */
  readonly line: number | undefined;
}

/** Where a setting was written, as text to begin a message with. */
export function describeOrigin(origin: Origin): string {
  if (origin.file === undefined) return "command line";
  return origin.line === undefined ? origin.file : `${origin.file}, line ${origin.line}`;
}

/** A configuration that cannot be used. The program ends with {@link ConfigError.exitCode}. */
export class ConfigError extends TorError<ConfigErrorCode> {
  /** What the process must exit with. */
  readonly exitCode = 2;
  /** Where the mistake stands, if it stands in one place. */
  readonly origin: Origin | undefined;

  /**
   * Says what is wrong, and where.
   *
   * @param message what is wrong; the place is put in front of it
   */
  constructor(
    code: ConfigErrorCode,
    message: string,
    origin?: Origin,
    options?: ErrorOptions,
  ) {
    super(
      FACTS,
      code,
      origin === undefined ? message : `${describeOrigin(origin)}: ${message}`,
      options,
    );
    this.origin = origin;
  }
}
