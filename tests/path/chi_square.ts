/** Pearson's chi-square test of goodness of fit. */

/** How far what was observed is from what was expected. */
export interface GoodnessOfFit {
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  /** What the statistic exceeds once in a thousand times when the expectation is right. */
  readonly critical: number;
}

/** Less than this expected in a bin would spoil the approximation. */
export const LEAST_EXPECTED = 5;

/** The normal distribution's quantile for 1 - 0.001. */
const Z = 3.090232306;

/**
 * Compares counts with expected counts of the same sum. Items of which few are expected are put
 * together, in order of how many are, until a bin expects `leastExpected`: with the default, nearly
 * all items have their own; with more, fewer and larger bins notice what is wrong with many alike.
 */
export function goodnessOfFit(
  observed: ArrayLike<number>,
  expected: ArrayLike<number>,
  leastExpected = LEAST_EXPECTED,
): GoodnessOfFit {
  const order = Array.from(expected, (_, index) => index)
    .sort((a, b) => expected[b] - expected[a]);
  const bins: { observed: number; expected: number }[] = [];
  let bin = { observed: 0, expected: 0 };
  for (const index of order) {
    bin.observed += observed[index];
    bin.expected += expected[index];
    if (bin.expected < leastExpected) continue;
    bins.push(bin);
    bin = { observed: 0, expected: 0 };
  }
  const last = bins.at(-1);
  if (last !== undefined) {
    last.observed += bin.observed;
    last.expected += bin.expected;
  }
  const statistic = bins.reduce(
    (sum, { observed, expected }) => sum + (observed - expected) ** 2 / expected,
    0,
  );
  const degreesOfFreedom = bins.length - 1;
  return { statistic, degreesOfFreedom, critical: criticalValue(degreesOfFreedom) };
}

/** The chi-square distribution's quantile for 1 - 0.001, as Wilson and Hilferty approximate it. */
export function criticalValue(degreesOfFreedom: number): number {
  const spread = 2 / (9 * degreesOfFreedom);
  return degreesOfFreedom * (1 - spread + Z * Math.sqrt(spread)) ** 3;
}
