/**
 * The options whose new values are used when the configuration is read again while a client runs.
 * What the client itself was started with lasts as long as it runs.
 *
 * @module
 */
import type { OptionName } from "../config/options.ts";

/** About the log. */
export const LOG_OPTIONS: readonly OptionName[] = [
  "Log",
  "LogFormat",
  "LogMessageDomains",
  "LogMaxSize",
  "LogFiles",
  "SafeLogging",
];

/** About the monitor; SafeLogging says what it may tell of the log. */
export const MONITOR_OPTIONS: readonly OptionName[] = [
  "MetricsPort",
  "MetricsPortPolicy",
  "MetricsPortHosts",
  "SafeLogging",
];

/** Whether a new value is used without a restart. */
export function isReloadable(name: OptionName): boolean {
  return LOG_OPTIONS.includes(name) || MONITOR_OPTIONS.includes(name);
}
