import assert from "node:assert/strict";
import { BandwidthWeights, type WeightPosition } from "../../src/netdir/bandwidth_weights.ts";
import { RelayFlag } from "../../src/netdir/relay.ts";

/** Every weight differs, so that none can be taken for another. */
const ALL = new Map<string, number>(Object.entries({
  Wgg: 6000,
  Wgm: 5000,
  Wgd: 500,
  Wmg: 4000,
  Wmm: 10000,
  Wme: 1000,
  Wmd: 300,
  Weg: 2000,
  Wem: 9000,
  Wee: 8000,
  Wed: 7000,
  Wbg: 3000,
  Wbm: 3500,
  Wbe: 3700,
  Wbd: 100,
  Wgb: 8000,
  Wmb: 9000,
  Web: 5000,
  Wdb: 1000,
}));
const SCALE = 10000;
const { Guard, Exit, BadExit, V2Dir } = RelayFlag;

function assertWeights(
  weights: BandwidthWeights,
  position: WeightPosition,
  expected: readonly [flags: number, weight: number][],
): void {
  for (const [flags, weight] of expected) {
    const actual = weights.weight({ flags, bandwidth: 200 }, position);
    assert.ok(Math.abs(actual - weight) < 1e-9, `${position} ${flags}: ${actual}, not ${weight}`);
  }
}

Deno.test("the bandwidth of 200 is weighted by position and flags", () => {
  const weights = new BandwidthWeights(ALL, SCALE);
  assertWeights(weights, "guard", [[0, 100], [Guard, 120], [Exit, 0], [Guard | Exit, 10]]);
  assertWeights(weights, "middle", [[0, 200], [Guard, 80], [Exit, 20], [Guard | Exit, 6]]);
  assertWeights(weights, "exit", [[0, 180], [Guard, 40], [Exit, 160], [Guard | Exit, 140]]);
  assertWeights(weights, "directory", [[0, 70], [Guard, 60], [Exit, 74], [Guard | Exit, 2]]);
});

Deno.test("a directory's weight is multiplied once more, but not as a directory", () => {
  const weights = new BandwidthWeights(ALL, SCALE);
  assertWeights(weights, "guard", [[V2Dir, 90], [V2Dir | Guard, 96], [V2Dir | Exit, 0]]);
  assertWeights(weights, "middle", [[V2Dir, 180], [V2Dir | Guard, 64], [V2Dir | Exit, 10]]);
  assertWeights(weights, "exit", [[V2Dir | Exit, 80], [V2Dir | Guard | Exit, 14]]);
  assertWeights(weights, "directory", [[V2Dir, 70], [V2Dir | Guard, 60], [V2Dir | Exit, 74]]);
});

Deno.test("a bad exit is no exit", () => {
  const weights = new BandwidthWeights(ALL, SCALE);
  assertWeights(weights, "exit", [[Exit | BadExit, 180], [Guard | Exit | BadExit, 40]]);
  assertWeights(weights, "middle", [[Exit | BadExit, 200]]);
});

Deno.test("weights are in units of the scale, and none is above it", () => {
  const doubled = new Map([...ALL].map(([name, weight]) => [name, weight / 2]));
  assertWeights(new BandwidthWeights(doubled, SCALE / 2), "guard", [[Guard, 120]]);
  assertWeights(new BandwidthWeights(new Map(ALL).set("Wgg", 99999), SCALE), "guard", [
    [Guard, 200],
  ]);
});

Deno.test("a position with an absent or negative weight is not weighted", () => {
  const without = (name: string) => new Map([...ALL].filter(([other]) => other !== name));
  for (const weights of [without("Wgd"), without("Web"), new Map(ALL).set("Wgg", -1)]) {
    const position = new BandwidthWeights(weights, SCALE);
    assertWeights(position, "guard", [[0, 200], [Guard, 200], [Exit, 200], [Exit | V2Dir, 200]]);
  }
  assertWeights(new BandwidthWeights(without("Wgd"), SCALE), "exit", [[Exit, 160]]);
  assertWeights(new BandwidthWeights(without("Web"), SCALE), "directory", [[Exit, 74]]);
});

Deno.test("a bandwidth counts for no more than C tor can hold", () => {
  const weights = new BandwidthWeights(ALL, SCALE);
  const largest = (2 ** 31 - 1) / 1000;
  assert.equal(weights.weight({ flags: 0, bandwidth: 2 ** 32 - 1 }, "middle"), largest);
});
