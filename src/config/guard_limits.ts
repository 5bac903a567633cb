/**
 * How many guards there are, how long they are kept, and when one is suspected.
 *
 * @module
 */
import type { Config, PathBiasOptions } from "./config.ts";
import type { OptionOfKind } from "./options.ts";
import type { Remarks, Settings } from "./settings.ts";

/** What {@link readGuards} reads. */
export type GuardLimits = Pick<
  Config,
  | "useEntryGuards"
  | "numEntryGuards"
  | "numPrimaryGuards"
  | "numDirectoryGuards"
  | "guardLifetime"
  | "pathBias"
>;

/**
 * Reads what guards are limited by.
 *
 * @throws ConfigError for a value outside of C tor's limits
 */
export function readGuards(settings: Settings, remarks: Remarks): GuardLimits {
  return {
    useEntryGuards: settings.boolean("UseEntryGuards"),
    ...readGuardNumbers(settings),
    guardLifetime: settings.interval("GuardLifetime") || undefined,
    pathBias: readPathBias(settings, remarks),
  };
}

function readGuardNumbers(
  settings: Settings,
): Pick<Config, "numEntryGuards" | "numPrimaryGuards" | "numDirectoryGuards"> {
  const numEntryGuards = settings.count("NumEntryGuards") || undefined;
  const numPrimaryGuards = settings.count("NumPrimaryGuards") || undefined;
  const numDirectoryGuards = settings.count("NumDirectoryGuards") || undefined;
  if ((numEntryGuards ?? 0) > (numPrimaryGuards ?? Infinity)) {
    throw settings.conflict(
      "NumEntryGuards",
      "must not be more than NumPrimaryGuards.",
    );
  }
  return { numEntryGuards, numPrimaryGuards, numDirectoryGuards };
}

function readPathBias(settings: Settings, remarks: Remarks): PathBiasOptions {
  const dropGuards = settings.autoBoolean("PathBiasDropGuards");
  return {
    circuitThreshold: readThreshold("PathBiasCircThreshold", 5, settings, remarks),
    noticeRate: readRate("PathBiasNoticeRate", settings),
    warnRate: readRate("PathBiasWarnRate", settings),
    extremeRate: readRate("PathBiasExtremeRate", settings),
    dropGuards: dropGuards === "auto" ? undefined : dropGuards,
    scaleThreshold: readThreshold("PathBiasScaleThreshold", 10, settings, remarks),
    useThreshold: readThreshold("PathBiasUseThreshold", 3, settings, remarks),
    noticeUseRate: readRate("PathBiasNoticeUseRate", settings),
    extremeUseRate: readRate("PathBiasExtremeUseRate", settings),
    scaleUseThreshold: readThreshold("PathBiasScaleUseThreshold", 10, settings, remarks),
  };
}

/** C tor passes over a value below `least`; so that nobody misses it, that is told here. */
function readThreshold(
  name: OptionOfKind<"count-or-network">,
  least: number,
  settings: Settings,
  remarks: Remarks,
): number | undefined {
  const value = settings.countOrNetwork(name);
  if (value === undefined || value >= least) return value;
  remarks.notices.push(`${name} is less than ${least}: the network's value is used.`);
  return undefined;
}

function readRate(name: OptionOfKind<"fraction">, settings: Settings): number | undefined {
  const value = settings.fraction(name);
  if (value === undefined || value <= 1) return value;
  throw settings.refusal(name, "must be between 0 and 1.");
}
