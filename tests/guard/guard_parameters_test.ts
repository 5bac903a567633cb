import assert from "node:assert/strict";
import { type GuardOptions, guardParameters } from "../../src/guard/guard_parameters.ts";
import { pathBiasParameters } from "../../src/guard/path_bias_parameters.ts";
import { testNetDir } from "../path/test_network.ts";

const DAY = 86_400_000;
const OPTIONS: GuardOptions = {
  useEntryGuards: true,
  numEntryGuards: undefined,
  numDirectoryGuards: undefined,
  numPrimaryGuards: undefined,
  guardLifetime: undefined,
  extendAllowPrivateAddresses: false,
};

Deno.test("the defaults are C tor's", () => {
  assert.deepEqual(guardParameters(testNetDir({ relays: [] }), OPTIONS), {
    maxSampleThreshold: 0.2,
    maxSampleSize: 60,
    minFilteredSample: 20,
    removeUnlistedGuardsAfter: 20 * DAY,
    guardLifetime: 120 * DAY,
    guardConfirmedMinLifetime: 60 * DAY,
    numPrimaryGuards: 3,
    numUsablePrimaryGuards: { traffic: 1, directory: 3 },
    internetLikelyDownInterval: 600_000,
    nonprimaryGuardConnectTimeout: 15_000,
    nonprimaryGuardIdleTimeout: 600_000,
    meaningfulRestriction: 0.2,
    extremeRestriction: 0.01,
    pathBias: pathBiasParameters(testNetDir({ relays: [] }), {}),
  });
});

const PARAMETERS = {
  "guard-max-sample-threshold-percent": 30,
  "guard-max-sample-size": 50,
  "guard-min-filtered-sample-size": 10,
  "guard-remove-unlisted-guards-after-days": 5,
  "guard-lifetime-days": 100,
  "guard-confirmed-min-lifetime-days": 40,
  "guard-n-primary-guards": 4,
  "guard-n-primary-guards-to-use": 2,
  "guard-n-primary-dir-guards-to-use": 5,
  "guard-internet-likely-down-interval": 60,
  "guard-nonprimary-guard-connect-timeout": 7,
  "guard-nonprimary-guard-idle-timeout": 8,
  "guard-meaningful-restriction-percent": 30,
  "guard-extreme-restriction-percent": 2,
  "pb_mincircs": 77,
};
const FROM_CONSENSUS = {
  maxSampleThreshold: 0.3,
  maxSampleSize: 50,
  minFilteredSample: 10,
  removeUnlistedGuardsAfter: 5 * DAY,
  guardLifetime: 100 * DAY,
  guardConfirmedMinLifetime: 40 * DAY,
  numPrimaryGuards: 4,
  numUsablePrimaryGuards: { traffic: 2, directory: 5 },
  internetLikelyDownInterval: 60_000,
  nonprimaryGuardConnectTimeout: 7000,
  nonprimaryGuardIdleTimeout: 8000,
  meaningfulRestriction: 0.3,
  extremeRestriction: 0.02,
  pathBias: pathBiasParameters(testNetDir({ relays: [], parameters: { "pb_mincircs": 77 } }), {}),
};

Deno.test("the consensus may say otherwise", () => {
  const netDir = testNetDir({ relays: [], parameters: PARAMETERS });
  assert.deepEqual(guardParameters(netDir, OPTIONS), FROM_CONSENSUS);
});

Deno.test("the options go before the consensus", () => {
  const netDir = testNetDir({ relays: [], parameters: PARAMETERS });
  const options = {
    ...OPTIONS,
    numEntryGuards: 6,
    numDirectoryGuards: 7,
    numPrimaryGuards: 8,
    guardLifetime: 30 * DAY,
  };
  assert.deepEqual(guardParameters(netDir, options), {
    ...FROM_CONSENSUS,
    guardLifetime: 30 * DAY,
    guardConfirmedMinLifetime: 30 * DAY,
    numPrimaryGuards: 8,
    numUsablePrimaryGuards: { traffic: 6, directory: 7 },
  });
  assert.deepEqual(
    guardParameters(netDir, { ...OPTIONS, guardLifetime: DAY - 1 }),
    FROM_CONSENSUS,
  );
});

Deno.test("a confirmed guard stays at most 90 days, whoever says otherwise", () => {
  const long = testNetDir({
    relays: [],
    parameters: { "guard-confirmed-min-lifetime-days": 91, "guard-lifetime-days": 200 },
  });
  assert.equal(guardParameters(long, OPTIONS).guardConfirmedMinLifetime, 90 * DAY);
  assert.equal(guardParameters(long, OPTIONS).guardLifetime, 200 * DAY);
  const configured = guardParameters(long, { ...OPTIONS, guardLifetime: 365 * DAY });
  assert.equal(configured.guardConfirmedMinLifetime, 90 * DAY);
  assert.equal(configured.guardLifetime, 365 * DAY);
  const short = guardParameters(long, { ...OPTIONS, guardLifetime: 89 * DAY });
  assert.equal(short.guardConfirmedMinLifetime, 89 * DAY);
});

Deno.test("options about path bias go before the consensus", () => {
  const pathBias = { circuitThreshold: 9 };
  const { circuitThreshold } = guardParameters(testNetDir({ relays: [], parameters: PARAMETERS }), {
    ...OPTIONS,
    pathBias,
  }).pathBias;
  assert.equal(circuitThreshold, 9);
});
