import assert from "node:assert/strict";
import { chooseLegs, chooseSetExit } from "../../src/circuit/choose_legs.ts";
import type { ChosenPath } from "../../src/circuit/choose_path.ts";
import { RelayFlag } from "../../src/netdir/relay.ts";
import type { ExitTarget } from "../../src/path/exit_target.ts";
import { conflicts } from "../../src/path/path_rules.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import {
  GUARD_FLAGS,
  identityOf,
  TEST_RULES,
  testNetDir,
  type TestRelay,
} from "../path/test_network.ts";
import { ListedGuards } from "./listed_guards.ts";

const WEB: ExitTarget = { kind: "any-port", ports: [443] };
const EXIT = { exitPolicy: "accept 443", protocols: "Conflux=1 FlowCtrl=1-2 Relay=1-4" };
const NONE = new Set<ReturnType<typeof identityOf>>();

function setUp(relays: readonly TestRelay[], primary: readonly number[], others: number[] = []) {
  const netDir = testNetDir({ relays });
  const guards = new ListedGuards(netDir, primary, others);
  const chooser = (seed: number) => ({ random: new SeededRandom(seed), guards, rules: TEST_RULES });
  return { netDir, guards, chooser };
}

function numberOf({ nickname }: { readonly nickname: string }): number {
  return Number(nickname.slice("relay".length));
}

Deno.test("chooseSetExit: one with Conflux that is Stable, allows the ports and is not silent", () => {
  const { netDir, chooser } = setUp([
    { number: 1, ...EXIT },
    { number: 2, ...EXIT, flags: GUARD_FLAGS & ~RelayFlag.Stable },
    { number: 3, exitPolicy: "accept 443" },
    { number: 4, ...EXIT, exitPolicy: "accept 80" },
  ], []);
  for (let seed = 1; seed <= 20; seed++) {
    assert.equal(numberOf(chooseSetExit(netDir, chooser(seed), WEB, NONE)), 1);
    // Better one that is not Stable than none; better none than one that is avoided.
    const avoided = new Set([identityOf(1)]);
    assert.equal(numberOf(chooseSetExit(netDir, chooser(seed), WEB, avoided)), 2);
    const both = new Set([identityOf(1), identityOf(2)]);
    assert.throws(() => chooseSetExit(netDir, chooser(seed), WEB, both), { code: "no-exit" });
  }
});

Deno.test("chooseLegs: legs share the exit alone, and each obeys the rules for paths", () => {
  const relays = [
    { number: 1, ...EXIT, hostname: "9.9.1.1" },
    // In the exit's subnet: never on a leg.
    { number: 2, hostname: "9.9.2.2" },
    ...[3, 4, 5, 6, 7, 8].map((number) => ({ number })),
    // In that of guard 3.
    { number: 9, hostname: "5.3.9.9" },
  ];
  const { netDir, chooser } = setUp(relays, [2, 3, 4, 5]);
  const exit = chooseSetExit(netDir, chooser(1), WEB, NONE);
  for (let seed = 1; seed <= 60; seed++) {
    const legs = chooseLegs(netDir, chooser(seed), exit, 2, []);
    assert.deepEqual(legs.map(({ guard }) => numberOf(guard)), [3, 4]);
    const all = legs.flatMap(({ guard, middle }) => [guard, middle]).map(numberOf);
    assert.equal(new Set(all).size, 4, all.join());
    for (const { guard, middle } of legs) {
      const path = [guard, middle, exit];
      path.forEach((a, place) =>
        path.slice(place + 1).forEach((b) => assert.ok(!conflicts(a, b, TEST_RULES)))
      );
    }
  }
});

Deno.test("chooseLegs: a leg that replaces another shares nothing with those that are left", () => {
  const relays = [{ number: 1, ...EXIT }, ...[3, 4, 5, 6, 7].map((number) => ({ number }))];
  const { netDir, chooser } = setUp(relays, [3, 4]);
  const exit = chooseSetExit(netDir, chooser(1), WEB, NONE);
  const [first]: ChosenPath[] = chooseLegs(netDir, chooser(1), exit, 2, []);
  for (let seed = 1; seed <= 20; seed++) {
    const [leg] = chooseLegs(netDir, chooser(seed), exit, 1, [first]);
    assert.equal(numberOf(leg.guard), 4);
    assert.notEqual(numberOf(leg.middle), numberOf(first.middle));
    assert.notEqual(numberOf(leg.middle), numberOf(first.guard));
  }
});

Deno.test("chooseLegs: without a second primary guard, or middles, there is no set", () => {
  const relays = [{ number: 1, ...EXIT }, ...[3, 4, 5].map((number) => ({ number }))];
  for (
    const [primary, others, code] of [
      [[3], [4], "no-guard"],
      [[3], [], "no-guard"],
      [[3, 4], [], "no-path"],
    ] as const
  ) {
    const { netDir, guards, chooser } = setUp(relays, primary, [...others]);
    const exit = chooseSetExit(netDir, chooser(1), WEB, NONE);
    assert.throws(() => chooseLegs(netDir, chooser(1), exit, 2, []), { code });
    // No guard is left waiting for a circuit that nobody builds.
    assert.deepEqual(guards.closed, guards.chosen);
  }
});
