/**
 * The numbers of stream flow control by XON and XOFF: from the consensus, else C tor's defaults.
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";

/**
 * Bytes of data that every relay cell can carry, in whatever format: by these XOFF limits are
 * counted (C tor: RELAY_PAYLOAD_SIZE_MIN).
 */
const LEAST_CELL_DATA = 488;
/** The most bytes of data in a relay cell: by these rates are counted. */
const MOST_CELL_DATA = 498;

/** The parameters in force on a circuit (proposal 324, "Flow Control Parameters"). */
export interface StreamFlowControlParameters {
  /** A client sends XOFF when more bytes than these wait for its reader (cc_xoff_client). */
  readonly xoffClient: number;
  /** An exit sends XOFF when more bytes than these wait to be written (cc_xoff_exit). */
  readonly xoffExit: number;
  /** Bytes over which a drain rate is measured, and between changes of it (cc_xon_rate). */
  readonly xonRate: number;
  /** By how much a rate must change for another XON, in percent, 1 to 99 (cc_xon_change_pct). */
  readonly xonChangePct: number;
  /** Over how many measurements a rate is averaged, 2 to 100 (cc_xon_ewma_cnt). */
  readonly xonEwmaCnt: number;
}

/** The parameters of a network; of none, the defaults. */
export function streamFlowControlParameters(
  source?: Pick<NetDir, "parameter">,
): StreamFlowControlParameters {
  const parameter = (name: string, byDefault: number, min: number, max: number) =>
    source?.parameter(name, { default: byDefault, min, max }) ?? byDefault;
  return {
    xoffClient: parameter("cc_xoff_client", 500, 1, 10_000) * LEAST_CELL_DATA,
    xoffExit: parameter("cc_xoff_exit", 500, 1, 10_000) * LEAST_CELL_DATA,
    xonRate: parameter("cc_xon_rate", 500, 1, 5000) * MOST_CELL_DATA,
    xonChangePct: parameter("cc_xon_change_pct", 25, 1, 99),
    xonEwmaCnt: parameter("cc_xon_ewma_cnt", 2, 2, 100),
  };
}

/** The parameters where no consensus is known. */
export const DEFAULT_STREAM_FLOW_CONTROL: StreamFlowControlParameters =
  streamFlowControlParameters();
