import assert from "node:assert/strict";
import {
  DEFAULT_STREAM_FLOW_CONTROL,
  streamFlowControlParameters,
} from "../../src/circuit/stream_flow_control_parameters.ts";
import { testNetDir } from "../path/test_network.ts";

const withParameters = (parameters: Record<string, number>) =>
  streamFlowControlParameters(testNetDir({ relays: [], parameters }));

Deno.test("StreamFlowControlParameters: C tor's defaults", () => {
  assert.deepEqual(DEFAULT_STREAM_FLOW_CONTROL, {
    xoffClient: 500 * 488,
    xoffExit: 500 * 488,
    xonRate: 500 * 498,
    xonChangePct: 25,
    xonEwmaCnt: 2,
  });
  assert.deepEqual(withParameters({}), DEFAULT_STREAM_FLOW_CONTROL);
});

Deno.test("StreamFlowControlParameters: what the consensus says, within C tor's bounds", () => {
  const values = {
    cc_xoff_client: 10,
    cc_xoff_exit: 20,
    cc_xon_rate: 30,
    cc_xon_change_pct: 40,
    cc_xon_ewma_cnt: 50,
  };
  assert.deepEqual(withParameters(values), {
    xoffClient: 10 * 488,
    xoffExit: 20 * 488,
    xonRate: 30 * 498,
    xonChangePct: 40,
    xonEwmaCnt: 50,
  });
  const all = (value: number) =>
    withParameters(Object.fromEntries(Object.keys(values).map((name) => [name, value])));
  assert.deepEqual(all(0), {
    xoffClient: 488,
    xoffExit: 488,
    xonRate: 498,
    xonChangePct: 1,
    xonEwmaCnt: 2,
  });
  assert.deepEqual(all(1e9), {
    xoffClient: 10_000 * 488,
    xoffExit: 10_000 * 488,
    xonRate: 5000 * 498,
    xonChangePct: 99,
    xonEwmaCnt: 100,
  });
});
