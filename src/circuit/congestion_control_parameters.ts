/**
 * The numbers of congestion control: from the consensus, else C tor's defaults (proposal 324,
 * "Consensus Parameters"; where C tor has other defaults or bounds, C tor's).
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";

/** The kind of path that a circuit is, because longer ones have more queues. */
export type CongestionPath = "exit" | "sbws";

/** The parameters in force on a circuit; windows and queues are in cells. */
export interface CongestionControlParameters {
  /** Whether congestion control is to be negotiated at all (cc_alg). */
  readonly enabled: boolean;
  /** DATA messages that one SENDME answers, 1 to 254 (cc_sendme_inc). */
  readonly sendmeIncrement: number;
  /** The congestion window of a new circuit (cc_cwnd_init). */
  readonly cwndInit: number;
  /** The least congestion window after slow start (cc_cwnd_min). */
  readonly cwndMin: number;
  /** The largest congestion window (cc_cwnd_max). */
  readonly cwndMax: number;
  /** By how much the window is changed after slow start (cc_cwnd_inc). */
  readonly cwndInc: number;
  /** By how many percent of the SENDME increment it grows in slow start (cc_cwnd_inc_pct_ss). */
  readonly cwndIncPctSs: number;
  /** Changes for each window of SENDMEs after slow start (cc_cwnd_inc_rate). */
  readonly cwndIncRate: number;
  /** SENDME increments that a window may have free and still be full (cc_cwnd_full_gap). */
  readonly cwndFullGap: number;
  /** The part in percent, in use of which a window is no longer full (cc_cwnd_full_minpct). */
  readonly cwndFullMinPct: number;
  /** Fullness is forgotten once for each window, not at each change (cc_cwnd_full_per_cwnd). */
  readonly cwndFullPerCwnd: boolean;
  /** The part in percent of SENDMEs between changes that RTTs are averaged over (cc_ewma_cwnd_pct). */
  readonly ewmaCwndPct: number;
  /** The most RTTs that are averaged (cc_ewma_max). */
  readonly ewmaMax: number;
  /** How many are averaged in slow start (cc_ewma_ss). */
  readonly ewmaSs: number;
  /** How far the least RTT is raised to the average at the least window, in percent (cc_rtt_reset_pct). */
  readonly rttResetPct: number;
  /** The window from which slow start slows down (cc_sscap_exit, cc_sscap_sbws). */
  readonly ssCap: number;
  /** The window that ends slow start (cc_ss_max). */
  readonly ssMax: number;
  /** With shorter queues the window grows (cc_vegas_alpha_exit, ..._sbws). */
  readonly alpha: number;
  /** With longer queues it shrinks (cc_vegas_beta_exit, ..._sbws). */
  readonly beta: number;
  /** The queue that ends slow start (cc_vegas_gamma_exit, ..._sbws). */
  readonly gamma: number;
  /** The longest queue after slow start (cc_vegas_delta_exit, ..._sbws). */
  readonly delta: number;
}

/** The fixed windows of before, instead of congestion control (cc_alg 0). */
const CC_ALG_SENDME = 0;
const CC_ALG_VEGAS = 2;

/** Cells that fit into one TLS record: the SENDME increment by default. */
const TLS_RECORD_CELLS = 31;
/** Cells that wait at each relay on the way before it is congested. */
const OUTBUF_CELLS = 2 * TLS_RECORD_CELLS;

const INT32_MAX = 2 ** 31 - 1;
/** C tor keeps these in one byte or two. */
const UINT8_MAX = 255;
const UINT16_MAX = 65_535;

/** Where the queues of each kind of path begin to be long: C tor's defaults, in cells. */
const QUEUES = {
  exit: {
    ssCap: 600,
    alpha: 3 * OUTBUF_CELLS,
    beta: 4 * OUTBUF_CELLS,
    gamma: 3 * OUTBUF_CELLS,
    delta: 5 * OUTBUF_CELLS,
  },
  sbws: {
    ssCap: 400,
    alpha: 2 * OUTBUF_CELLS - TLS_RECORD_CELLS,
    beta: 2 * OUTBUF_CELLS + TLS_RECORD_CELLS,
    gamma: 2 * OUTBUF_CELLS,
    delta: 4 * OUTBUF_CELLS,
  },
} as const;

/** The parameters of a network; of none, the defaults. */
export function congestionControlParameters(
  path: CongestionPath,
  source?: Pick<NetDir, "parameter">,
): CongestionControlParameters {
  const parameter = (name: string, byDefault: number, min: number, max: number) =>
    source?.parameter(name, { default: byDefault, min, max }) ?? byDefault;
  const queues = QUEUES[path];
  return {
    // The other algorithms of the proposal were given up; C tor takes Vegas for them.
    enabled: parameter("cc_alg", CC_ALG_VEGAS, 0, 3) !== CC_ALG_SENDME,
    sendmeIncrement: parameter("cc_sendme_inc", TLS_RECORD_CELLS, 1, 254),
    cwndInit: parameter("cc_cwnd_init", 4 * TLS_RECORD_CELLS, TLS_RECORD_CELLS, 10_000),
    cwndMin: parameter("cc_cwnd_min", 4 * TLS_RECORD_CELLS, TLS_RECORD_CELLS, 1000),
    cwndMax: parameter("cc_cwnd_max", INT32_MAX, 500, INT32_MAX),
    cwndInc: parameter("cc_cwnd_inc", 1, 1, 1000),
    cwndIncPctSs: parameter("cc_cwnd_inc_pct_ss", 100, 1, 500),
    cwndIncRate: parameter("cc_cwnd_inc_rate", TLS_RECORD_CELLS, 1, 250),
    cwndFullGap: parameter("cc_cwnd_full_gap", 4, 0, 32_767),
    cwndFullMinPct: parameter("cc_cwnd_full_minpct", 25, 0, 100),
    cwndFullPerCwnd: parameter("cc_cwnd_full_per_cwnd", 1, 0, 1) === 1,
    ewmaCwndPct: parameter("cc_ewma_cwnd_pct", 50, 1, UINT8_MAX),
    ewmaMax: parameter("cc_ewma_max", 10, 2, UINT8_MAX),
    ewmaSs: parameter("cc_ewma_ss", 2, 2, UINT8_MAX),
    rttResetPct: parameter("cc_rtt_reset_pct", 100, 0, 100),
    ssCap: parameter(`cc_sscap_${path}`, queues.ssCap, 100, INT32_MAX),
    ssMax: parameter("cc_ss_max", 5000, 500, INT32_MAX),
    alpha: parameter(`cc_vegas_alpha_${path}`, queues.alpha, 0, 1000),
    beta: parameter(`cc_vegas_beta_${path}`, queues.beta, 0, 1000),
    gamma: parameter(`cc_vegas_gamma_${path}`, queues.gamma, 0, 1000),
    delta: parameter(`cc_vegas_delta_${path}`, queues.delta, 0, UINT16_MAX),
  };
}
