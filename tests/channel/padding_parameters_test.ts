import assert from "node:assert/strict";
import fc from "fast-check";
import {
  circuitsAvailableTimeout,
  DEFAULT_PADDING_PARAMETERS,
  paddingTimeout,
  type ParameterReader,
  readPaddingParameters,
  unusedChannelTimeout,
} from "../../src/channel/padding_parameters.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

const MINUTE = 60_000;

/** As a NetDir reads them. */
function reader(values: Readonly<Record<string, number>>): ParameterReader {
  return (name, { default: byDefault, min, max }) =>
    Math.min(Math.max(values[name] ?? byDefault, min), max);
}

/** The least, the mean and the greatest of many draws. */
function draws(draw: (random: SeededRandom) => number) {
  const random = new SeededRandom(1);
  const values = Array.from({ length: 20_000 }, () => draw(random));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { least: Math.min(...values), mean, greatest: Math.max(...values) };
}

Deno.test("readPaddingParameters: the specification's defaults", () => {
  assert.deepEqual(DEFAULT_PADDING_PARAMETERS, {
    low: 1500,
    high: 9500,
    reducedLow: 9000,
    reducedHigh: 14_000,
    beforeUsage: true,
    circuitsAvailable: 30 * MINUTE,
  });
  assert.deepEqual(readPaddingParameters(reader({})), DEFAULT_PADDING_PARAMETERS);
});

Deno.test("readPaddingParameters: within bounds, and no range backwards", () => {
  const read = readPaddingParameters(reader({
    nf_ito_low: 70_000,
    nf_ito_high: 100,
    nf_ito_low_reduced: 20_000,
    nf_pad_before_usage: 0,
    nf_conntimeout_clients: 1,
  }));
  assert.deepEqual(read, {
    low: 60_000,
    high: 60_000,
    reducedLow: 20_000,
    reducedHigh: 20_000,
    beforeUsage: false,
    circuitsAvailable: MINUTE,
  });
});

Deno.test("paddingTimeout: the larger one of two uniform draws", () => {
  const { least, mean, greatest } = draws((random) =>
    paddingTimeout(DEFAULT_PADDING_PARAMETERS, false, random)
  );
  assert.ok(least >= 1500 && least < 1700, `${least}`);
  assert.ok(greatest <= 9499 && greatest > 9480, `${greatest}`);
  // Of the range of 8,000 ms two thirds (padding-spec's table: 5,332.8).
  assert.ok(Math.abs(mean - 1500 - 5332.8) < 40, `${mean}`);
});

Deno.test("paddingTimeout: reduced, but never less than the network's own", () => {
  const reduced = draws((random) => paddingTimeout(DEFAULT_PADDING_PARAMETERS, true, random));
  assert.ok(reduced.least >= 9000 && reduced.greatest < 14_000);
  assert.ok(Math.abs(reduced.mean - 12_332.8) < 30, `${reduced.mean}`);
  const slow = { ...DEFAULT_PADDING_PARAMETERS, low: 20_000, high: 20_000 };
  assert.equal(paddingTimeout(slow, true, new SeededRandom(1)), 20_000);
  const none = { ...DEFAULT_PADDING_PARAMETERS, reducedLow: 0, reducedHigh: 0 };
  assert.ok(paddingTimeout(none, true, new SeededRandom(1)) < 9500);
});

Deno.test("paddingTimeout: never outside of the range", () => {
  const time = fc.nat(60_000);
  fc.assert(
    fc.property(time, time, time, time, fc.boolean(), (a, b, c, d, reduced) => {
      const parameters = {
        ...DEFAULT_PADDING_PARAMETERS,
        low: Math.min(a, b),
        high: Math.max(a, b, 1),
        reducedLow: Math.min(c, d),
        reducedHigh: Math.max(c, d),
      };
      const timeout = paddingTimeout(parameters, reduced, new SeededRandom(a));
      assert.ok(timeout >= parameters.low);
      assert.ok(timeout <= Math.max(parameters.high, reduced ? parameters.reducedHigh : 0));
    }),
    { seed: 1 },
  );
});

Deno.test("circuitsAvailableTimeout: 30 to 60 minutes, half of it if reduced, or as configured", () => {
  const timeout = (configured: number | undefined, reducedPadding: boolean) =>
    draws((random) =>
      circuitsAvailableTimeout(
        DEFAULT_PADDING_PARAMETERS,
        { circuitsAvailableTimeout: configured, reducedPadding },
        random,
      )
    );
  const byDefault = timeout(undefined, false);
  assert.ok(byDefault.least >= 30 * MINUTE && byDefault.greatest < 60 * MINUTE);
  assert.ok(Math.abs(byDefault.mean - 45 * MINUTE) < MINUTE / 4);
  const reduced = timeout(undefined, true);
  assert.ok(reduced.least >= 15 * MINUTE && reduced.greatest < 30 * MINUTE);
  const configured = timeout(2 * MINUTE, true);
  assert.ok(configured.least >= 2 * MINUTE && configured.greatest < 4 * MINUTE);
  assert.equal(timeout(0, false).greatest, 0);
});

Deno.test("unusedChannelTimeout: 3 to 4.5 minutes, half of it if reduced", () => {
  const full = draws((random) => unusedChannelTimeout(false, random));
  assert.ok(full.least >= 3 * MINUTE && full.greatest < 4.5 * MINUTE);
  assert.ok(Math.abs(full.mean - 3.75 * MINUTE) < MINUTE / 20);
  const half = draws((random) => unusedChannelTimeout(true, random));
  assert.ok(half.least >= 1.5 * MINUTE && half.greatest < 2.25 * MINUTE);
});
