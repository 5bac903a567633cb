/**
 * When directory documents are asked for.
 *
 * @module
 */
import type { DownloadSchedule } from "./config.ts";
import type { Settings } from "./settings.ts";

const SECOND = 1000;

/**
 * Reads the schedule.
 *
 * @throws ConfigError for a value that is too small to work
 */
export function readDownloads(settings: Settings): DownloadSchedule {
  const testing = settings.boolean("TestingTorNetwork");
  return {
    bootstrapAuthorityDelay: settings.firstInterval(
      "ClientBootstrapConsensusAuthorityDownloadInitialDelay",
    ),
    bootstrapFallbackDelay: settings.firstInterval(
      "ClientBootstrapConsensusFallbackDownloadInitialDelay",
    ),
    bootstrapAuthorityOnlyDelay: settings.firstInterval(
      "ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay",
    ),
    bootstrapMaxInProgress: settings.positive(
      "ClientBootstrapConsensusMaxInProgressTries",
      settings.count("ClientBootstrapConsensusMaxInProgressTries"),
    ),
    consensusDelay: settings.firstInterval("TestingClientConsensusDownloadInitialDelay"),
    documentDelay: settings.firstInterval("TestingClientDownloadInitialDelay"),
    maxIntervalWithoutRequest: settings.positive(
      "TestingClientMaxIntervalWithoutRequest",
      settings.interval("TestingClientMaxIntervalWithoutRequest"),
    ),
    maxStall: readMaxStall(settings),
    // The next two have no option of their own: C tor ties them to TestingTorNetwork.
    consensusCheckInterval: testing ? SECOND : 60 * SECOND,
    minConsensusInterval: testing ? 5 * SECOND : 300 * SECOND,
  };
}

function readMaxStall(settings: Settings): number {
  const value = settings.interval("TestingDirConnectionMaxStall");
  if (value >= 5 * SECOND) return value;
  throw settings.refusal("TestingDirConnectionMaxStall", "must be at least 5 seconds.");
}
