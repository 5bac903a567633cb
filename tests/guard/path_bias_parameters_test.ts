import assert from "node:assert/strict";
import { pathBiasParameters } from "../../src/guard/path_bias_parameters.ts";
import { testNetDir } from "../path/test_network.ts";

const NETWORK = testNetDir({ relays: [] });
const DEFAULTS = {
  circuitThreshold: 150,
  noticeRate: 0.7,
  warnRate: 0.5,
  extremeRate: 0.3,
  dropGuards: false,
  scaleThreshold: 300,
  useThreshold: 20,
  noticeUseRate: 0.8,
  extremeUseRate: 0.6,
  scaleUseThreshold: 100,
  scaleRatio: 0.5,
};

Deno.test("the defaults are C tor's", () => {
  assert.deepEqual(pathBiasParameters(NETWORK, {}), DEFAULTS);
});

Deno.test("the consensus may say otherwise, within bounds", () => {
  const parameters = {
    pb_mincircs: 1,
    pb_noticepct: 71,
    pb_warnpct: 51,
    pb_extremepct: 31,
    pb_dropguards: 1,
    pb_scalecircs: 1,
    pb_minuse: 1,
    pb_noticeusepct: 81,
    pb_extremeusepct: 101,
    pb_scaleuse: 200,
    pb_multfactor: 9,
    pb_scalefactor: 4,
  };
  assert.deepEqual(pathBiasParameters(testNetDir({ relays: [], parameters }), {}), {
    circuitThreshold: 5,
    noticeRate: 0.71,
    warnRate: 0.51,
    extremeRate: 0.31,
    dropGuards: true,
    scaleThreshold: 10,
    useThreshold: 3,
    noticeUseRate: 0.81,
    extremeUseRate: 1,
    scaleUseThreshold: 200,
    scaleRatio: 1,
  });
});

Deno.test("the options go before the consensus, where they are not too small", () => {
  const options = {
    circuitThreshold: 5,
    noticeRate: 0,
    warnRate: 0.1,
    extremeRate: 0.2,
    dropGuards: true,
    scaleThreshold: 10,
    useThreshold: 3,
    noticeUseRate: 0.3,
    extremeUseRate: 0.4,
    scaleUseThreshold: 10,
  };
  assert.deepEqual(pathBiasParameters(NETWORK, options), { ...DEFAULTS, ...options });
  const tooSmall = {
    circuitThreshold: 4,
    noticeRate: -1,
    scaleThreshold: 9,
    useThreshold: 2,
    scaleUseThreshold: 9,
  };
  assert.deepEqual(pathBiasParameters(NETWORK, tooSmall), DEFAULTS);
});
