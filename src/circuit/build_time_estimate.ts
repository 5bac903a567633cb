/**
 * What the times of circuits that were built say of those to come: a Pareto distribution that is
 * fitted to them (path-spec, "Parameter estimation"; C tor: circuitstats.c). Pure.
 *
 * @module
 */
import type { BuildTimeParameters } from "./build_time_parameters.ts";

/** Width of a bin of the histogram, in ms. */
export const BIN_WIDTH = 10;
/** No time is longer, in ms: what fits 31 bits, as C tor bounds it. */
export const LONGEST_TIME = 2 ** 31 - 1;

/** A Pareto distribution: the part `1 - (xm / x) ** alpha` of its values is below `x`. */
export interface Pareto {
  /** Where the curve starts, in ms; whole, at least half a {@link BIN_WIDTH}. */
  readonly xm: number;
  /** Its exponent: above 0; Infinity if no time was above `xm`. */
  readonly alpha: number;
}

/** What is estimated from build times; timeouts in ms. */
export interface BuildTimeEstimate extends Pareto {
  /** After so long a circuit is too slow to be used. */
  readonly timeout: number;
  /** After so long it is not worth measuring any more. */
  readonly closeTimeout: number;
}

/** The number of the bin that a time in ms falls into, from 0. */
function binOf(time: number): number {
  return Math.floor(time / BIN_WIDTH);
}

/** The middle of a bin, in ms: what its times are taken for in Xm and on disk. */
function middleOf(bin: number): number {
  return bin * BIN_WIDTH + BIN_WIDTH / 2;
}

/** How many of the times, in ms, fall into each bin, keyed by the middle of the bin in ms. */
export function histogramOf(times: Iterable<number>): Map<number, number> {
  const histogram = new Map<number, number>();
  for (const time of times) {
    const middle = middleOf(binOf(time));
    histogram.set(middle, (histogram.get(middle) ?? 0) + 1);
  }
  return histogram;
}

/**
 * Where the curve starts: the average of the middles of the most frequent bins, weighted by how
 * many times are in each, cut to whole ms. Of two bins with equally many times the earlier counts.
 *
 * @param times in ms; at least one
 * @param modes how many bins
 */
export function estimateXm(times: readonly number[], modes: number): number {
  const mostFrequent = [...histogramOf(times)]
    .toSorted(([middle, count], [otherMiddle, otherCount]) =>
      otherCount - count || middle - otherMiddle
    )
    .slice(0, modes);
  let total = 0;
  let counted = 0;
  for (const [middle, count] of mostFrequent) {
    total += middle * count;
    counted += count;
  }
  return Math.floor(total / counted);
}

/**
 * The distribution with the greatest likelihood for these times. Those below Xm are taken for Xm,
 * because a Pareto distribution has none there.
 *
 * @param times in ms, without those of circuits that were given up; at least one
 */
export function estimatePareto(times: readonly number[], modes: number): Pareto {
  const xm = estimateXm(times, modes);
  const origin = Math.log(xm);
  let sum = 0;
  for (const time of times) {
    if (time > xm) sum += Math.log(time) - origin;
  }
  return { xm, alpha: times.length / sum };
}

/**
 * The time below which the part `quantile` of the distribution lies, in ms; at most
 * {@link LONGEST_TIME}.
 *
 * @param quantile from 0 to below 1
 */
export function paretoQuantile({ xm, alpha }: Pareto, quantile: number): number {
  return Math.min(xm / (1 - quantile) ** (1 / alpha), LONGEST_TIME);
}

/**
 * Both timeouts for circuits of three hops. The first is no longer than the longest time that was
 * ever seen, the second no longer than twice that, but not below the initial timeout.
 *
 * @param times in ms, without those of circuits that were given up; at least one
 */
export function estimateBuildTimes(
  times: readonly number[],
  parameters: Omit<BuildTimeParameters, "disabled">,
): BuildTimeEstimate {
  const { modes, quantile, closeQuantile, minTimeout, initialTimeout } = parameters;
  const pareto = estimatePareto(times, modes);
  const longest = times.reduce((max, time) => Math.max(max, time), 0);
  const timeout = Math.min(paretoQuantile(pareto, quantile), longest);
  const closeTimeout = Math.min(paretoQuantile(pareto, closeQuantile), 2 * longest);
  return {
    ...pareto,
    timeout: Math.max(timeout, minTimeout),
    closeTimeout: Math.max(closeTimeout, initialTimeout),
  };
}
