import assert from "node:assert/strict";
import { confluxParameters, supportsConflux } from "../../src/circuit/conflux_parameters.ts";
import { RelayFlag } from "../../src/netdir/relay.ts";
import { ProtocolVersions } from "../../src/netdoc/protocols.ts";
import { GUARD_FLAGS, testNetDir } from "../path/test_network.ts";

const CONFLUX = "Conflux=1 FlowCtrl=1-2 Relay=1-4";
const EXIT = GUARD_FLAGS | RelayFlag.Exit;

/** A network with so many exits that have Conflux, and so many that have not. */
function network(has: number, lacks: number, parameters: Readonly<Record<string, number>> = {}) {
  const relays = Array.from({ length: has + lacks }, (_, index) => ({
    number: index + 1,
    flags: EXIT,
    protocols: index < has ? CONFLUX : "FlowCtrl=1-2 Relay=1-4",
  }));
  // Neither counts: one that is no exit, and a bad one.
  const others = [
    { number: 100, protocols: CONFLUX },
    { number: 101, flags: EXIT | RelayFlag.BadExit, protocols: CONFLUX },
  ];
  return testNetDir({ relays: [...relays, ...others], parameters });
}

const DEFAULTS = { maxLinked: 10, maxPrebuilt: 3, maxLegRetries: 3 };

Deno.test("ConfluxParameters: C tor's defaults", () => {
  assert.deepEqual(confluxParameters(network(2, 0), "auto"), DEFAULTS);
});

Deno.test("ConfluxParameters: what the consensus says, within C tor's bounds", () => {
  const netDir = network(2, 0, {
    cfx_max_linked_set: 20,
    cfx_max_prebuilt_set: 300,
    cfx_max_unlinked_leg_retry: 0,
  });
  const expected = { maxLinked: 20, maxPrebuilt: 255, maxLegRetries: 0 };
  assert.deepEqual(confluxParameters(netDir, "auto"), expected);
});

Deno.test("ConfluxParameters: one set is kept ready where few exits have it, none where no exit has", () => {
  assert.equal(confluxParameters(network(6, 4), "auto")?.maxPrebuilt, 3);
  assert.equal(confluxParameters(network(5, 5), "auto")?.maxPrebuilt, 1);
  const lower = network(5, 5, { cfx_low_exit_threshold: 5000 });
  assert.equal(confluxParameters(lower, "auto")?.maxPrebuilt, 3);
  assert.equal(confluxParameters(network(0, 3), true), undefined);
});

Deno.test("ConfluxParameters: ConfluxEnabled counts more than the consensus, but not than what it needs", () => {
  const off = network(2, 0, { cfx_enabled: 0 });
  assert.equal(confluxParameters(off, "auto"), undefined);
  assert.deepEqual(confluxParameters(off, true), DEFAULTS);
  assert.equal(confluxParameters(network(2, 0), false), undefined);
  assert.equal(confluxParameters(network(2, 0, { cc_alg: 0 }), true), undefined);
  assert.equal(confluxParameters(network(2, 0, { cfx_num_legs_set: 1 }), true), undefined);
});

Deno.test("supportsConflux: Conflux=1 and what congestion control needs", () => {
  const supports = (text: string) => supportsConflux(ProtocolVersions.parse(text));
  assert.equal(supports(CONFLUX), true);
  assert.equal(supports("FlowCtrl=1-2 Relay=1-4"), false);
  assert.equal(supports("Conflux=1 FlowCtrl=1 Relay=1-4"), false);
  assert.equal(supports("Conflux=1 FlowCtrl=1-2 Relay=1-3"), false);
});
