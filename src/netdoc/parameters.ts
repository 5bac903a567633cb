/**
 * The consensus parameters that matter to a client: what each is when a consensus does not say, and
 * what it is held within whatever a consensus says (param-spec; path-spec for those of circuit build
 * times; where these differ from C tor, C tor).
 *
 * Bounds that depend on another parameter (such as the lower one of `cbtclosequantile`, which is
 * `cbtquantile`) are the widest here.
 *
 * @module
 */

/** What a consensus parameter is when it is absent, and what it is held within. */
export interface ParameterFacts {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

const INT32_MAX = 2 ** 31 - 1;

const fact = (byDefault: number, min: number, max: number): ParameterFacts => ({
  default: byDefault,
  min,
  max,
});

/** The known parameters by their names, in the order of consensuses. */
export const PARAMETERS = {
  "ExtendByEd25519ID": fact(0, 0, 1),
  "bwweightscale": fact(10_000, 1, INT32_MAX),
  "cbtclosequantile": fact(99, 10, 99),
  "cbtdisabled": fact(0, 0, 1),
  "cbtinitialtimeout": fact(60_000, 10, INT32_MAX),
  "cbtlearntimeout": fact(180, 10, 60_000),
  "cbtmaxopencircs": fact(10, 0, 14),
  "cbtmaxtimeouts": fact(18, 3, 10_000),
  "cbtmincircs": fact(100, 1, 10_000),
  "cbtmintimeout": fact(10, 10, INT32_MAX),
  "cbtnummodes": fact(10, 1, 20),
  "cbtquantile": fact(80, 10, 99),
  "cbtrecentcount": fact(20, 3, 1000),
  "cbttestfreq": fact(10, 1, INT32_MAX),
  "circwindow": fact(1000, 100, 1000),
  "guard-confirmed-min-lifetime-days": fact(60, 1, 3650),
  "guard-extreme-restriction-percent": fact(1, 1, 100),
  "guard-internet-likely-down-interval": fact(600, 1, INT32_MAX),
  "guard-lifetime-days": fact(120, 1, 3650),
  "guard-max-sample-size": fact(60, 1, INT32_MAX),
  "guard-max-sample-threshold-percent": fact(20, 1, 100),
  "guard-meaningful-restriction-percent": fact(20, 1, 100),
  "guard-min-filtered-sample-size": fact(20, 1, INT32_MAX),
  "guard-n-primary-dir-guards-to-use": fact(3, 1, INT32_MAX),
  "guard-n-primary-guards": fact(3, 1, INT32_MAX),
  "guard-n-primary-guards-to-use": fact(1, 1, INT32_MAX),
  "guard-nonprimary-guard-connect-timeout": fact(15, 1, INT32_MAX),
  "guard-nonprimary-guard-idle-timeout": fact(600, 1, INT32_MAX),
  "guard-remove-unlisted-guards-after-days": fact(20, 1, 3650),
  "min_paths_for_circs_pct": fact(60, 25, 95),
  "nf_conntimeout_clients": fact(1800, 60, 86_400),
  "nf_ito_high": fact(9500, 0, 60_000),
  "nf_ito_high_reduced": fact(14_000, 0, 60_000),
  "nf_ito_low": fact(1500, 0, 60_000),
  "nf_ito_low_reduced": fact(9000, 0, 60_000),
  "nf_pad_before_usage": fact(1, 0, 1),
  "pb_dropguards": fact(0, 0, 1),
  "pb_extremepct": fact(30, 0, 100),
  "pb_extremeusepct": fact(60, 0, 100),
  "pb_mincircs": fact(150, 5, INT32_MAX),
  "pb_minuse": fact(20, 3, INT32_MAX),
  "pb_multfactor": fact(1, 1, INT32_MAX),
  "pb_noticepct": fact(70, 0, 100),
  "pb_noticeusepct": fact(80, 0, 100),
  "pb_scalecircs": fact(300, 10, INT32_MAX),
  "pb_scalefactor": fact(2, 2, INT32_MAX),
  "pb_scaleuse": fact(100, 10, INT32_MAX),
  "pb_warnpct": fact(50, 0, 100),
  "sendme_accept_min_version": fact(0, 0, 255),
  "sendme_emit_min_version": fact(0, 0, 255),
  "try-diff-for-consensus-newer-than": fact(72, 0, 8192),
} as const satisfies Readonly<Record<string, ParameterFacts>>;

/** A parameter that is known. */
export type ParameterName = keyof typeof PARAMETERS;

/**
 * What a consensus sets a parameter to: the default where it is absent, and never out of bounds.
 *
 * @param parameters Consensus.parameters
 */
export function consensusParameter(
  parameters: ReadonlyMap<string, number>,
  name: ParameterName,
): number {
  const { default: byDefault, min, max } = PARAMETERS[name];
  return Math.min(Math.max(parameters.get(name) ?? byDefault, min), max);
}
