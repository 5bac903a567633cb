/**
 * The numbers of the guard specification: from the options, else from the consensus, else C tor's
 * defaults.
 *
 * @module
 */
import type { PathBiasOptions } from "../config/config.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import { type PathBiasParameters, pathBiasParameters } from "./path_bias_parameters.ts";

/** What is configured about guards; `undefined` leaves it to the consensus. */
export interface GuardOptions {
  /** Whether the first hop is always one of a few guards; if not, it is chosen for each circuit. */
  readonly useEntryGuards: boolean;
  /** How many guards circuits start at. */
  readonly numEntryGuards: number | undefined;
  /** How many guards directories are asked through. */
  readonly numDirectoryGuards: number | undefined;
  /** How many primary guards are kept. */
  readonly numPrimaryGuards: number | undefined;
  /** Milliseconds that a guard stays in the sample; less than a day is ignored, as C tor does. */
  readonly guardLifetime: number | undefined;
  /** Guards with private addresses may be used. */
  readonly extendAllowPrivateAddresses: boolean;
  /** Path bias detection; what is left out is as the consensus says. */
  readonly pathBias?: Partial<PathBiasOptions>;
}

/** What a circuit is for: streams of users, or one request to a directory cache. */
export type GuardUsage = "traffic" | "directory";

/** The parameters in force; times are in milliseconds (guard-spec A.1). */
export interface GuardParameters {
  /** The sample has at most this part of the possible guards, from 0 to 1... */
  readonly maxSampleThreshold: number;
  /** ...and at most this many guards. */
  readonly maxSampleSize: number;
  /** The sample is extended while fewer of its guards than this can be used. */
  readonly minFilteredSample: number;
  /** A guard that was not listed for so long is removed. */
  readonly removeUnlistedGuardsAfter: number;
  /** A guard that was sampled so long ago and never confirmed is removed. */
  readonly guardLifetime: number;
  /** A guard that was confirmed so long ago is removed; never more than 90 days. */
  readonly guardConfirmedMinLifetime: number;
  readonly numPrimaryGuards: number;
  /** Among how many of the usable primary guards a circuit's guard is chosen. */
  readonly numUsablePrimaryGuards: Readonly<Record<GuardUsage, number>>;
  /** Without a success for so long, the internet was probably gone. */
  readonly internetLikelyDownInterval: number;
  /** A better guard's circuit that is not ready after so long is not waited for. */
  readonly nonprimaryGuardConnectTimeout: number;
  /** A circuit that waits for better guards is given up after so long. */
  readonly nonprimaryGuardIdleTimeout: number;
  /** The "restricted" sample is used if less than this part of the guards passes the filter. */
  readonly meaningfulRestriction: number;
  /** A filter that fewer than this part of the guards passes makes the client stand out. */
  readonly extremeRestriction: number;
  readonly pathBias: PathBiasParameters;
}

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const MAX_DAYS = 3650;
const INT32_MAX = 2 ** 31 - 1;

/** No guard is kept for longer after it was confirmed, whatever the options and the consensus say. */
const MAX_CONFIRMED_LIFETIME = 90 * DAY;

/** The parameters for the network of `netDir`. */
export function guardParameters(netDir: NetDir, options: GuardOptions): GuardParameters {
  const parameter = (name: string, byDefault: number, max = INT32_MAX) =>
    netDir.parameter(name, { default: byDefault, min: 1, max });
  const lifetime = (options.guardLifetime ?? 0) >= DAY ? options.guardLifetime : undefined;
  return {
    maxSampleThreshold: parameter("guard-max-sample-threshold-percent", 20, 100) / 100,
    maxSampleSize: parameter("guard-max-sample-size", 60),
    minFilteredSample: parameter("guard-min-filtered-sample-size", 20),
    removeUnlistedGuardsAfter: parameter("guard-remove-unlisted-guards-after-days", 20, MAX_DAYS) *
      DAY,
    guardLifetime: lifetime ?? parameter("guard-lifetime-days", 120, MAX_DAYS) * DAY,
    guardConfirmedMinLifetime: Math.min(
      lifetime ?? parameter("guard-confirmed-min-lifetime-days", 60, MAX_DAYS) * DAY,
      MAX_CONFIRMED_LIFETIME,
    ),
    numPrimaryGuards: options.numPrimaryGuards ?? parameter("guard-n-primary-guards", 3),
    numUsablePrimaryGuards: {
      traffic: options.numEntryGuards ?? parameter("guard-n-primary-guards-to-use", 1),
      directory: options.numDirectoryGuards ?? parameter("guard-n-primary-dir-guards-to-use", 3),
    },
    internetLikelyDownInterval: parameter("guard-internet-likely-down-interval", 600) * SECOND,
    nonprimaryGuardConnectTimeout: parameter("guard-nonprimary-guard-connect-timeout", 15) *
      SECOND,
    nonprimaryGuardIdleTimeout: parameter("guard-nonprimary-guard-idle-timeout", 600) * SECOND,
    meaningfulRestriction: parameter("guard-meaningful-restriction-percent", 20) / 100,
    extremeRestriction: parameter("guard-extreme-restriction-percent", 1, 100) / 100,
    pathBias: pathBiasParameters(netDir, options.pathBias ?? {}),
  };
}
