/**
 * The library's front door; mod.ts in the project's folder leads here.
 *
 * @module
 */
export {
  type ConnectOptions,
  type ResolvedRecord,
  type ResolveOptions,
  TorClient,
} from "./library.ts";
export type { RequestOptions } from "./process_door.ts";
export type { OptionValue, StartOptions } from "./start_options.ts";
export { TorConnection } from "./tor_connection.ts";
export type { FetchInit } from "./tor_fetch.ts";
export type {
  CircuitBuilt,
  CircuitClosed,
  ClientEventMap,
  GuardsChanged,
} from "./client_events.ts";
export type {
  BootstrapProgress,
  CircuitSummary,
  ClientStatus,
  GuardSummary,
  RelaySummary,
  StreamSummary,
  WarningSummary,
} from "./client_summary.ts";
export { ClientError, type ClientErrorCode } from "./errors.ts";
export { ConfigError, type ConfigErrorCode, type Origin } from "../config/errors.ts";
export { type ErrorFacts, type RetryAdvice, TorError } from "../errors/tor_error.ts";
