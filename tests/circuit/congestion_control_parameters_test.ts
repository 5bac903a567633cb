import assert from "node:assert/strict";
import { congestionControlParameters } from "../../src/circuit/congestion_control_parameters.ts";
import type { ParameterBounds } from "../../src/netdir/net_dir.ts";

/** A network whose consensus says this. */
function network(parameters: Readonly<Record<string, number>>) {
  return {
    parameter: (name: string, { default: byDefault, min, max }: ParameterBounds) =>
      Math.min(Math.max(parameters[name] ?? byDefault, min), max),
  };
}

Deno.test("CongestionControlParameters: C tor's defaults for paths to an exit", () => {
  const expected = {
    enabled: true,
    sendmeIncrement: 31,
    cwndInit: 124,
    cwndMin: 124,
    cwndMax: 2147483647,
    cwndInc: 1,
    cwndIncPctSs: 100,
    cwndIncRate: 31,
    cwndFullGap: 4,
    cwndFullMinPct: 25,
    cwndFullPerCwnd: true,
    ewmaCwndPct: 50,
    ewmaMax: 10,
    ewmaSs: 2,
    rttResetPct: 100,
    ssCap: 600,
    ssMax: 5000,
    alpha: 186,
    beta: 248,
    gamma: 186,
    delta: 310,
  };
  assert.deepEqual(congestionControlParameters("exit"), expected);
  assert.deepEqual(congestionControlParameters("exit", network({})), expected);
});

Deno.test("CongestionControlParameters: shorter queues for shorter paths", () => {
  const { ssCap, alpha, beta, gamma, delta, ...others } = congestionControlParameters("sbws");
  assert.deepEqual([ssCap, alpha, beta, gamma, delta], [400, 93, 155, 124, 248]);
  assert.deepEqual(congestionControlParameters("exit"), {
    ...others,
    ssCap: 600,
    alpha: 186,
    beta: 248,
    gamma: 186,
    delta: 310,
  });
});

Deno.test("CongestionControlParameters: what the consensus says, of each kind of path its own", () => {
  const source = network({
    cc_sendme_inc: 30,
    cc_cwnd_init: 200,
    cc_cwnd_min: 150,
    cc_cwnd_full_per_cwnd: 0,
    cc_sscap_exit: 500,
    cc_sscap_sbws: 501,
    cc_vegas_alpha_exit: 1,
    cc_vegas_alpha_sbws: 2,
    cc_vegas_delta_exit: 3,
  });
  const exit = congestionControlParameters("exit", source);
  assert.deepEqual([exit.sendmeIncrement, exit.cwndInit, exit.cwndMin], [30, 200, 150]);
  assert.equal(exit.cwndFullPerCwnd, false);
  assert.deepEqual([exit.ssCap, exit.alpha, exit.delta], [500, 1, 3]);
  const sbws = congestionControlParameters("sbws", source);
  assert.deepEqual([sbws.ssCap, sbws.alpha, sbws.delta], [501, 2, 248]);
});

Deno.test("CongestionControlParameters: held within C tor's bounds", () => {
  const names = [
    ["cc_sendme_inc", "sendmeIncrement", 1, 254],
    ["cc_cwnd_init", "cwndInit", 31, 10_000],
    ["cc_cwnd_min", "cwndMin", 31, 1000],
    ["cc_cwnd_max", "cwndMax", 500, 2147483647],
    ["cc_cwnd_inc", "cwndInc", 1, 1000],
    ["cc_cwnd_inc_pct_ss", "cwndIncPctSs", 1, 500],
    ["cc_cwnd_inc_rate", "cwndIncRate", 1, 250],
    ["cc_cwnd_full_gap", "cwndFullGap", 0, 32_767],
    ["cc_cwnd_full_minpct", "cwndFullMinPct", 0, 100],
    ["cc_ewma_cwnd_pct", "ewmaCwndPct", 1, 255],
    ["cc_ewma_max", "ewmaMax", 2, 255],
    ["cc_ewma_ss", "ewmaSs", 2, 255],
    ["cc_rtt_reset_pct", "rttResetPct", 0, 100],
    ["cc_sscap_exit", "ssCap", 100, 2147483647],
    ["cc_ss_max", "ssMax", 500, 2147483647],
    ["cc_vegas_alpha_exit", "alpha", 0, 1000],
    ["cc_vegas_beta_exit", "beta", 0, 1000],
    ["cc_vegas_gamma_exit", "gamma", 0, 1000],
    ["cc_vegas_delta_exit", "delta", 0, 65_535],
  ] as const;
  for (const [name, key, min, max] of names) {
    const low = congestionControlParameters("exit", network({ [name]: -(2 ** 31) }));
    const high = congestionControlParameters("exit", network({ [name]: 2 ** 31 - 1 }));
    assert.deepEqual([low[key], high[key]], [min, max], name);
  }
});

Deno.test("CongestionControlParameters: cc_alg 0 switches it off, others are Vegas", () => {
  const enabled = [-1, 0, 1, 2, 3, 4].map((value) =>
    congestionControlParameters("exit", network({ cc_alg: value })).enabled
  );
  assert.deepEqual(enabled, [false, false, true, true, true, true]);
});
