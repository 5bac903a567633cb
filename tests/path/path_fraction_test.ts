import assert from "node:assert/strict";
import { RelayFlag } from "../../src/netdir/relay.ts";
import { minPathsForCircuits, pathFraction } from "../../src/path/path_fraction.ts";
import { NodeRules, type NodeWishes } from "../../src/path/node_rules.ts";
import { GUARD_FLAGS, NO_WISHES, testNetDir } from "./test_network.ts";

const MIDDLE = RelayFlag.Running | RelayFlag.Valid;
const EXIT = MIDDLE | RelayFlag.Exit;
const exitPolicy = "accept 443";

Deno.test("the fraction of paths is the product of the positions' weighted fractions", () => {
  const relays = [
    { number: 1, bandwidth: 300 },
    { number: 2, bandwidth: 100, isUnknown: true },
    { number: 3, flags: EXIT, bandwidth: 100, exitPolicy },
    { number: 4, flags: EXIT, bandwidth: 300, isUnknown: true },
    { number: 5, flags: MIDDLE, bandwidth: 200 },
  ];
  const fraction = pathFraction(testNetDir({ relays }));
  assert.deepEqual(fraction, {
    guards: 0.75,
    middles: 0.6,
    exits: 0.25,
    paths: 0.75 * 0.6 * 0.25,
  });
});

Deno.test("the weights of the positions count", () => {
  const relays = [
    { number: 1, isUnknown: true },
    { number: 2, flags: EXIT, exitPolicy },
  ];
  const names = ["Wmg", "Wmm", "Wme", "Wmd", "Wgb", "Wmb", "Web", "Wdb"];
  const weights = Object.fromEntries(names.map((name) => [name, 10_000]));
  const { middles } = pathFraction(testNetDir({ relays, weights: { ...weights, Wme: 2500 } }));
  assert.equal(middles, 0.2);
});

Deno.test("relays that cannot be used do not count", () => {
  const relays = [
    { number: 1 },
    { number: 2, flags: EXIT, exitPolicy },
    { number: 3, flags: GUARD_FLAGS & ~RelayFlag.Running, isUnknown: true },
    { number: 4, flags: GUARD_FLAGS & ~RelayFlag.Valid, isUnknown: true },
  ];
  assert.equal(pathFraction(testNetDir({ relays })).paths, 1);
});

Deno.test("a flagged exit that rejects everything is none", () => {
  const relays = [
    { number: 1 },
    { number: 2, flags: EXIT, exitPolicy },
    { number: 3, flags: EXIT, bandwidth: 5000 },
    { number: 4, flags: EXIT, isUnknown: true },
  ];
  assert.equal(pathFraction(testNetDir({ relays })).exits, 0.5);
});

Deno.test("where no exit is known although some are listed, no path can be built", () => {
  const relays = [{ number: 1 }, { number: 2, flags: EXIT, isUnknown: true }];
  assert.equal(pathFraction(testNetDir({ relays })).paths, 0);
});

Deno.test("in a network without exits the middles end the paths", () => {
  const relays = [{ number: 1 }, { number: 2, flags: MIDDLE, isUnknown: true }];
  const { exits, paths } = pathFraction(testNetDir({ relays }));
  assert.deepEqual({ exits, paths }, { exits: 0.5, paths: 0.25 });
});

Deno.test("relays are counted where none has weight, and nothing is known of an empty network", () => {
  const relays = [
    { number: 1, bandwidth: 0 },
    { number: 2, bandwidth: 0, isUnknown: true },
    { number: 3, bandwidth: 0, isUnknown: true },
    { number: 4, bandwidth: 0 },
  ];
  assert.equal(pathFraction(testNetDir({ relays })).guards, 0.5);
  assert.equal(pathFraction(testNetDir({ relays: [] })).paths, 0);
});

/** Fractions of a network whose relays differ in who is known. */
function fractionsWith(wishes: Partial<Record<"entry" | "middle" | "exit", readonly number[]>>) {
  const netDir = testNetDir({
    relays: [
      { number: 1 },
      { number: 2, isUnknown: true },
      { number: 3, flags: EXIT, exitPolicy },
      { number: 4, flags: EXIT, isUnknown: true },
      { number: 5, flags: MIDDLE, exitPolicy },
      { number: 6, flags: MIDDLE, isUnknown: true },
      { number: 7, flags: EXIT },
    ],
  });
  const patterns = Object.fromEntries(
    Object.entries(wishes).map(([field, numbers]) => [
      field,
      numbers.map((number) => ({ kind: "nickname", nickname: `relay${number}` } as const)),
    ]),
  ) satisfies Partial<NodeWishes>;
  return pathFraction(netDir, NodeRules.compile({ ...NO_WISHES, ...patterns }, undefined));
}

Deno.test("of relays that the user chose, enough must be known", () => {
  const { guards, exits } = fractionsWith({});
  assert.deepEqual({ guards, exits }, { guards: 0.5, exits: 0.5 });
  assert.equal(fractionsWith({ entry: [1] }).guards, 1);
  assert.equal(fractionsWith({ entry: [2] }).guards, 0);
  // The flag Guard is not asked of them.
  assert.equal(fractionsWith({ entry: [2, 5, 7] }).guards, 2 / 3);
  assert.equal(fractionsWith({ middle: [1, 2, 3] }).middles, 2 / 3);
  assert.equal(fractionsWith({ middle: [6] }).middles, 0);
});

Deno.test("chosen exits do not make it enough to know them", () => {
  assert.equal(fractionsWith({ exit: [3] }).exits, 0.5);
  assert.equal(fractionsWith({ exit: [4] }).exits, 0);
  assert.equal(fractionsWith({ exit: [3, 4, 5, 6] }).exits, 0.5);
  // Relays that are no flagged exits count only where no flagged one is chosen.
  assert.equal(fractionsWith({ exit: [4, 5] }).exits, 0);
  assert.equal(fractionsWith({ exit: [5] }).exits, 0.5);
  assert.equal(fractionsWith({ exit: [6, 7] }).exits, 0);
});

Deno.test("a choice that no listed relay agrees with is not waited for", () => {
  assert.deepEqual(fractionsWith({ entry: [9], middle: [9], exit: [9] }), fractionsWith({}));
});

for (
  const [value, expected] of [[undefined, 0.6], [70, 0.7], [10, 0.25], [100, 0.95]] as const
) {
  Deno.test(`min_paths_for_circs_pct ${value ?? "absent"} asks for ${expected}`, () => {
    const parameters = value === undefined ? undefined : { min_paths_for_circs_pct: value };
    assert.equal(minPathsForCircuits(testNetDir({ relays: [], parameters })), expected);
  });
}
