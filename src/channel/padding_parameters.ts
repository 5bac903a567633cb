/**
 * The numbers of netflow padding, and of how long unused circuits are kept, which together decide
 * what padding costs (padding-spec, "Consensus Parameters Governing Behavior").
 *
 * Those for channels between relays and for single onion services mean nothing to a client.
 *
 * @module
 */
import type { ParameterBounds } from "../netdir/net_dir.ts";
import { randomBelow, type RandomSource } from "../runtime/random.ts";

/** Gives a consensus parameter, as a NetDir does. */
export type ParameterReader = (name: string, bounds: ParameterBounds) => number;

/** What the consensus says of a client's padding. All times are in ms. */
export interface PaddingParameters {
  /** The range of the time that a channel is silent before padding is sent; 0 and 0: never. */
  readonly low: number;
  readonly high: number;
  /** The same for a client with ReducedConnectionPadding. */
  readonly reducedLow: number;
  readonly reducedHigh: number;
  /** Whether a channel is padded before its circuits have carried anything. */
  readonly beforeUsage: boolean;
  /** The least time for which unused circuits are kept. */
  readonly circuitsAvailable: number;
}

const LONGEST_TIMEOUT = 60_000;
const MINUTE = 60;

/** Reads the parameters from a consensus. */
export function readPaddingParameters(parameter: ParameterReader): PaddingParameters {
  const timeout = (name: string, byDefault: number, min = 0) =>
    parameter(name, { default: Math.max(byDefault, min), min, max: LONGEST_TIMEOUT });
  const low = timeout("nf_ito_low", 1500);
  const reducedLow = timeout("nf_ito_low_reduced", 9000);
  const seconds = { default: 30 * MINUTE, min: MINUTE, max: 24 * 60 * MINUTE };
  return {
    low,
    high: timeout("nf_ito_high", 9500, low),
    reducedLow,
    reducedHigh: timeout("nf_ito_high_reduced", 14_000, reducedLow),
    beforeUsage: parameter("nf_pad_before_usage", { default: 1, min: 0, max: 1 }) === 1,
    circuitsAvailable: parameter("nf_conntimeout_clients", seconds) * 1000,
  };
}

/** What holds before there is a consensus. */
export const DEFAULT_PADDING_PARAMETERS: PaddingParameters = readPaddingParameters(
  (_name, bounds) => bounds.default,
);

/**
 * A random time of silence after which padding is sent, in ms: the larger one of two uniform draws
 * from the range, because both ends of the channel draw (padding-spec, "Padding Cell Timeout
 * Distribution Statistics").
 *
 * @param parameters whose `high` is not 0, which would mean that the network does without padding
 */
export function paddingTimeout(
  parameters: PaddingParameters,
  reduced: boolean,
  random: RandomSource,
): number {
  let { low, high } = parameters;
  const { reducedLow, reducedHigh } = parameters;
  if (reduced && reducedLow > 0 && reducedHigh > 0) {
    low = Math.max(low, reducedLow);
    high = Math.max(high, reducedHigh);
  }
  if (low >= high) return low;
  return low + Math.max(randomBelow(random, high - low), randomBelow(random, high - low));
}

/**
 * For how long unused circuits are kept ready, and built ahead of use, in ms: random, from the
 * configured time, or else the consensus's, to twice as long. ReducedConnectionPadding halves the
 * consensus's (C tor: CircuitsAvailableTimeout). By default that is 30 to 60 minutes.
 */
export function circuitsAvailableTimeout(
  parameters: Pick<PaddingParameters, "circuitsAvailable">,
  options: {
    /** As configured, in ms; undefined: as the network says. */
    readonly circuitsAvailableTimeout: number | undefined;
    readonly reducedPadding: boolean;
  },
  random: RandomSource,
): number {
  const least = Math.floor(
    options.circuitsAvailableTimeout ??
      parameters.circuitsAvailable / (options.reducedPadding ? 2 : 1),
  );
  return least + (least > 0 ? randomBelow(random, least) : 0);
}

/** How long a channel without circuits is kept, in ms, before a random half is added. */
const UNUSED_TIMEOUT = 180_000;

/**
 * For how long a channel without circuits is kept, in ms: 3 to 4.5 minutes, and half as long with
 * ReducedConnectionPadding (padding-spec, "Implementation").
 */
export function unusedChannelTimeout(reducedPadding: boolean, random: RandomSource): number {
  const timeout = UNUSED_TIMEOUT + randomBelow(random, UNUSED_TIMEOUT / 2);
  return reducedPadding ? timeout / 2 : timeout;
}
