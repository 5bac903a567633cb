import assert from "node:assert/strict";
import { buildTimeParameters } from "../../src/circuit/build_time_parameters.ts";
import { testNetDir } from "../path/test_network.ts";

const withParameters = (parameters: Record<string, number>) =>
  buildTimeParameters(testNetDir({ relays: [], parameters }));

Deno.test("build time parameters: without a consensus, and with one that says nothing, C tor's defaults", () => {
  const defaults = {
    disabled: false,
    modes: 10,
    recentCount: 20,
    maxTimeouts: 18,
    minCircuits: 100,
    quantile: 0.8,
    closeQuantile: 0.99,
    testInterval: 10_000,
    minTimeout: 10,
    initialTimeout: 60_000,
    learnTimeout: 180_000,
    maxOpenCircuits: 10,
  };
  assert.deepEqual(buildTimeParameters(), defaults);
  assert.deepEqual(withParameters({}), defaults);
});

Deno.test("build time parameters: each is read by its name, seconds become milliseconds", () => {
  assert.deepEqual(
    withParameters({
      cbtdisabled: 1,
      cbtnummodes: 3,
      cbtrecentcount: 30,
      cbtmaxtimeouts: 25,
      cbtmincircs: 50,
      cbtquantile: 60,
      cbtclosequantile: 95,
      cbttestfreq: 7,
      cbtmintimeout: 1500,
      cbtinitialtimeout: 30_000,
      cbtlearntimeout: 120,
      cbtmaxopencircs: 5,
    }),
    {
      disabled: true,
      modes: 3,
      recentCount: 30,
      maxTimeouts: 25,
      minCircuits: 50,
      quantile: 0.6,
      closeQuantile: 0.95,
      testInterval: 7000,
      minTimeout: 1500,
      initialTimeout: 30_000,
      learnTimeout: 120_000,
      maxOpenCircuits: 5,
    },
  );
});

Deno.test("build time parameters: out of bounds they are drawn to the bound", () => {
  const names = [
    "cbtdisabled",
    "cbtnummodes",
    "cbtrecentcount",
    "cbtmaxtimeouts",
    "cbtmincircs",
    "cbtquantile",
    "cbtclosequantile",
    "cbttestfreq",
    "cbtmintimeout",
    "cbtinitialtimeout",
    "cbtlearntimeout",
    "cbtmaxopencircs",
  ];
  const all = (value: number) =>
    Object.values(withParameters(Object.fromEntries(names.map((name) => [name, value]))));
  const INT32_MAX = 2147483647;
  assert.deepEqual(all(-5), [false, 1, 3, 3, 1, 0.1, 0.1, 1000, 10, 10, 10_000, 0]);
  assert.deepEqual(
    all(INT32_MAX),
    [true, 20, 1000, 10_000, 10_000, 0.99, 0.99, INT32_MAX * 1000, INT32_MAX, INT32_MAX]
      .concat([60_000_000, 14]),
  );
});

Deno.test("build time parameters: what must not be below another is raised to it", () => {
  const raised = withParameters({
    cbtquantile: 90,
    cbtclosequantile: 80,
    cbtmintimeout: 5000,
    cbtinitialtimeout: 4000,
  });
  assert.equal(raised.closeQuantile, 0.9);
  assert.equal(raised.initialTimeout, 5000);
});
