/**
 * The numbers of path bias detection: from the options, else from the consensus, else C tor's
 * defaults.
 *
 * @module
 */
import type { PathBiasOptions } from "../config/config.ts";
import type { NetDir } from "../netdir/net_dir.ts";

/** The parameters in force; rates are fractions from 0 to 1, and a rate of 0 switches a level off. */
export interface PathBiasParameters {
  /** Circuits are judged once more than this many were attempted. */
  readonly circuitThreshold: number;
  readonly noticeRate: number;
  readonly warnRate: number;
  readonly extremeRate: number;
  /** Whether a guard below an extreme rate is not used any more. */
  readonly dropGuards: boolean;
  /** Counts of circuits are scaled down once more than this many were attempted. */
  readonly scaleThreshold: number;
  /** Use is judged once more than this many circuits were to be used. */
  readonly useThreshold: number;
  readonly noticeUseRate: number;
  readonly extremeUseRate: number;
  /** Counts of use are scaled down once more than this many circuits were to be used. */
  readonly scaleUseThreshold: number;
  /** What counts are multiplied with when they are scaled down; more than 0, at most 1. */
  readonly scaleRatio: number;
}

const INT32_MAX = 2 ** 31 - 1;

/** The least that an option may be; below it, it is ignored (C tor: PathBias*). */
const MIN_CIRCUITS = 5;
const MIN_USES = 3;
const MIN_SCALE = 10;

/** The parameters for the network of `netDir`. */
export function pathBiasParameters(
  netDir: NetDir,
  options: Partial<PathBiasOptions>,
): PathBiasParameters {
  const parameter = (name: string, byDefault: number, min: number, max = INT32_MAX) =>
    netDir.parameter(name, { default: byDefault, min, max });
  const count = (option: number | undefined, min: number, name: string, byDefault: number) =>
    option !== undefined && option >= min ? option : parameter(name, byDefault, min);
  const rate = (option: number | undefined, name: string, byDefault: number) =>
    option !== undefined && option >= 0 ? option : parameter(name, byDefault, 0, 100) / 100;
  const denominator = parameter("pb_scalefactor", 2, 2);
  return {
    circuitThreshold: count(options.circuitThreshold, MIN_CIRCUITS, "pb_mincircs", 150),
    noticeRate: rate(options.noticeRate, "pb_noticepct", 70),
    warnRate: rate(options.warnRate, "pb_warnpct", 50),
    extremeRate: rate(options.extremeRate, "pb_extremepct", 30),
    dropGuards: options.dropGuards ?? parameter("pb_dropguards", 0, 0, 1) === 1,
    scaleThreshold: count(options.scaleThreshold, MIN_SCALE, "pb_scalecircs", 300),
    useThreshold: count(options.useThreshold, MIN_USES, "pb_minuse", 20),
    noticeUseRate: rate(options.noticeUseRate, "pb_noticeusepct", 80),
    extremeUseRate: rate(options.extremeUseRate, "pb_extremeusepct", 60),
    scaleUseThreshold: count(options.scaleUseThreshold, MIN_SCALE, "pb_scaleuse", 100),
    scaleRatio: parameter("pb_multfactor", 1, 1, denominator) / denominator,
  };
}
