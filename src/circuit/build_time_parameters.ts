/**
 * The numbers by which the time for building circuits is learned: from the consensus, else C tor's
 * defaults.
 *
 * @module
 */
import type { NetDir } from "../netdir/net_dir.ts";

/** Where consensus parameters come from. */
export type ParameterSource = Pick<NetDir, "parameter">;

/** The parameters in force; times are in ms (path-spec, "Consensus parameters governing behavior"). */
export interface BuildTimeParameters {
  /** Nothing is learned: for emergencies of the network (cbtdisabled). */
  readonly disabled: boolean;
  /** How many of the most frequent bins make Xm (cbtnummodes). */
  readonly modes: number;
  /** Of how many circuits it is remembered whether they timed out (cbtrecentcount). */
  readonly recentCount: number;
  /** How many timeouts among those mean that the network has changed (cbtmaxtimeouts). */
  readonly maxTimeouts: number;
  /** How many circuits are measured before a time is estimated from them (cbtmincircs). */
  readonly minCircuits: number;
  /** The part of circuits, 0.1 to 0.99, that is to be fast enough for use (cbtquantile). */
  readonly quantile: number;
  /** The part of circuits, not below `quantile`, whose time is measured (cbtclosequantile). */
  readonly closeQuantile: number;
  /** The least time between the launch of any circuit and one for measuring (cbttestfreq). */
  readonly testInterval: number;
  /** No learned timeout is shorter (cbtmintimeout). */
  readonly minTimeout: number;
  /** The timeout before any is learned; not below `minTimeout` (cbtinitialtimeout). */
  readonly initialTimeout: number;
  /** How long unused circuits are kept while there are too few times (cbtlearntimeout). */
  readonly learnTimeout: number;
  /** With so many unused circuits none is built for measuring (cbtmaxopencircs). */
  readonly maxOpenCircuits: number;
}

const INT32_MAX = 2 ** 31 - 1;

/** No consensus is known: every parameter has its default. */
const NO_CONSENSUS: ParameterSource = { parameter: (_name, bounds) => bounds.default };

/** The parameters of a network; of none, the defaults. */
export function buildTimeParameters(source: ParameterSource = NO_CONSENSUS): BuildTimeParameters {
  const parameter = (name: string, byDefault: number, min: number, max: number) =>
    source.parameter(name, { default: byDefault, min, max });
  const quantile = parameter("cbtquantile", 80, 10, 99);
  const minTimeout = parameter("cbtmintimeout", 10, 10, INT32_MAX);
  return {
    disabled: parameter("cbtdisabled", 0, 0, 1) === 1,
    modes: parameter("cbtnummodes", 10, 1, 20),
    recentCount: parameter("cbtrecentcount", 20, 3, 1000),
    maxTimeouts: parameter("cbtmaxtimeouts", 18, 3, 10_000),
    minCircuits: parameter("cbtmincircs", 100, 1, 10_000),
    quantile: quantile / 100,
    closeQuantile: Math.max(quantile, parameter("cbtclosequantile", 99, 10, 99)) / 100,
    testInterval: parameter("cbttestfreq", 10, 1, INT32_MAX) * 1000,
    minTimeout,
    initialTimeout: Math.max(minTimeout, parameter("cbtinitialtimeout", 60_000, 10, INT32_MAX)),
    learnTimeout: parameter("cbtlearntimeout", 180, 10, 60_000) * 1000,
    maxOpenCircuits: parameter("cbtmaxopencircs", 10, 0, 14),
  };
}
