import assert from "node:assert/strict";
import fc from "fast-check";
import { type Relay, RelayFlag } from "../../src/netdir/relay.ts";
import { exitAllows, type ExitTarget } from "../../src/path/exit_target.ts";
import { conflicts, type PathRules } from "../../src/path/path_rules.ts";
import { selectExit } from "../../src/path/select_exit.ts";
import { isPossibleGuard, selectGuardCandidate } from "../../src/path/select_guard_candidate.ts";
import { selectMiddle } from "../../src/path/select_middle.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { GUARD_FLAGS, identityOf, testNetDir, type TestRelay } from "./test_network.ts";

const RULES: PathRules = {
  enforceDistinctSubnets: true,
  allowPrivateAddresses: false,
  nodeFamilies: [],
  useFamilyLists: true,
  useFamilyIds: true,
};
const EXIT_FLAGS = GUARD_FLAGS | RelayFlag.Exit;
const WEB: ExitTarget = { kind: "name", port: 80 };

/** The numbers of all relays that are chosen in many draws, in order. */
function chosen(choose: (random: SeededRandom) => Relay | undefined): number[] {
  const random = new SeededRandom(1);
  const numbers = new Set<number>();
  for (let draw = 0; draw < 100; draw++) {
    const relay = choose(random);
    if (relay !== undefined) numbers.add(Number.parseInt(relay.rsaIdentity.slice(0, 4), 16));
  }
  return [...numbers].sort((a, b) => a - b);
}

function exitsChosen(relays: readonly TestRelay[], target: ExitTarget): number[] {
  const netDir = testNetDir({ relays });
  return chosen((random) => selectExit(netDir, random, target, { rules: RULES }));
}

Deno.test("an exit has the flags it needs and allows the target", () => {
  const exitPolicy = "accept 80";
  const relays = [
    { number: 1, flags: EXIT_FLAGS, exitPolicy },
    { number: 2, flags: EXIT_FLAGS, exitPolicy: "accept 443" },
    { number: 3, flags: EXIT_FLAGS | RelayFlag.BadExit, exitPolicy },
    { number: 4, flags: EXIT_FLAGS & ~RelayFlag.Running, exitPolicy },
    { number: 5, flags: EXIT_FLAGS & ~RelayFlag.Valid, exitPolicy },
    { number: 6, flags: EXIT_FLAGS & ~RelayFlag.Fast, exitPolicy },
    // The flag Exit is not asked for: the policy is what counts.
    { number: 7, flags: GUARD_FLAGS, exitPolicy },
    { number: 8, flags: EXIT_FLAGS, exitPolicy, isUnknown: true },
    { number: 9, flags: EXIT_FLAGS & ~RelayFlag.Stable, exitPolicy },
  ];
  assert.deepEqual(exitsChosen(relays, WEB), [1, 7, 9]);
});

Deno.test("an exit for a long-lived port is Stable if one can be had", () => {
  const ssh: ExitTarget = { kind: "name", port: 22 };
  const exitPolicy = "accept 22";
  const unstable = { number: 1, flags: EXIT_FLAGS & ~RelayFlag.Stable, exitPolicy };
  const slow = { number: 2, flags: EXIT_FLAGS & ~RelayFlag.Fast, exitPolicy };
  assert.deepEqual(exitsChosen([unstable, { number: 3, exitPolicy }], ssh), [3]);
  assert.deepEqual(exitsChosen([unstable, slow], ssh), [1, 2]);
});

Deno.test("expected ports are served if possible, and any exit is taken if not", () => {
  const relays = [
    { number: 1, flags: EXIT_FLAGS, exitPolicy: "accept 80" },
    { number: 2, flags: EXIT_FLAGS, exitPolicy: "accept 443" },
    { number: 3, flags: EXIT_FLAGS, exitPolicy: "accept 25" },
    { number: 4 },
  ];
  assert.deepEqual(exitsChosen(relays, { kind: "any-port", ports: [80, 443] }), [1, 2]);
  assert.deepEqual(exitsChosen(relays, { kind: "any-port", ports: [6667] }), [1, 2, 3]);
  assert.deepEqual(exitsChosen(relays, { kind: "name", port: 6667 }), []);
});

Deno.test("an internal circuit ends at any relay that can be a middle", () => {
  assert.deepEqual(exitsChosen([{ number: 1 }, { number: 2 }], { kind: "internal" }), [1, 2]);
});

Deno.test("a middle conflicts with none of the path, and prefers what it is asked for", () => {
  const relays = [
    { number: 1, hostname: "7.7.0.1", familyIds: ["family"] },
    { number: 2, hostname: "7.7.0.2" },
    { number: 3, familyIds: ["family"] },
    { number: 4, flags: GUARD_FLAGS & ~RelayFlag.Stable },
    { number: 5, flags: GUARD_FLAGS & ~RelayFlag.Fast },
    { number: 6 },
  ];
  const netDir = testNetDir({ relays });
  const first = netDir.relay(identityOf(1));
  assert.ok(first !== undefined);
  const middles = (stable: boolean, excluded?: (relay: Relay) => boolean) =>
    chosen((random) =>
      selectMiddle(netDir, random, { rules: RULES, path: [first], stable, excluded })
    );
  assert.deepEqual(middles(false), [4, 6]);
  assert.deepEqual(middles(true), [6]);
  assert.deepEqual(middles(true, ({ rsaIdentity }) => rsaIdentity === identityOf(6)), [4, 5]);
});

Deno.test("a guard needs all of its six flags, and is chosen by its weight as a guard", () => {
  for (const flag of ["Guard", "Stable", "Fast", "V2Dir", "Running", "Valid"] as const) {
    assert.ok(!isPossibleGuard({ flags: GUARD_FLAGS & ~RelayFlag[flag] }), flag);
  }
  assert.ok(isPossibleGuard({ flags: EXIT_FLAGS }));
  const weights = Object.fromEntries(
    ["Wgg", "Wgm", "Wmb", "Wgb", "Web", "Wdb"].map((name) => [name, 10_000]),
  );
  const netDir = testNetDir({
    relays: [{ number: 1, isUnknown: true }, { number: 2, flags: EXIT_FLAGS }],
    weights: { ...weights, Wgd: 0 },
  });
  const random = new SeededRandom(1);
  for (let draw = 0; draw < 50; draw++) {
    const router = selectGuardCandidate(netDir, random, netDir.consensus.routers);
    assert.equal(router?.rsaIdentity, identityOf(1));
  }
});

Deno.test("in any network, the relays of a path never conflict and serve the target", () => {
  const relay = fc.record({
    flags: fc.nat(2 ** 14 - 1).map((flags) => flags | RelayFlag.Running | RelayFlag.Valid),
    bandwidth: fc.nat(100),
    hostname: fc.tuple(fc.nat(3), fc.nat(3)).map(([a, b]) => `5.${a}.${b}.1`),
    ipv6: fc.option(fc.nat(3).map((net) => `2a00:${net}::1`), { nil: undefined }),
    exitPolicy: fc.constantFrom("accept 80", "reject 80", "reject 1-65535"),
    familyIds: fc.subarray(["a", "b", "c"], { maxLength: 1 }),
    family: fc.array(fc.integer({ min: 1, max: 8 }).map((number) => identityOf(number)), {
      maxLength: 3,
    }),
  });
  let found = 0;
  fc.assert(
    fc.property(fc.integer(), fc.array(relay, { maxLength: 8 }), (seed, descriptions) => {
      const netDir = testNetDir({
        relays: descriptions.map((description, index) => ({ number: index + 1, ...description })),
      });
      const random = new SeededRandom(seed);
      const exit = selectExit(netDir, random, WEB, { rules: RULES });
      const possibleExits = netDir.relays.filter((candidate) => exitAllows(candidate, WEB));
      assert.equal(exit === undefined, possibleExits.length === 0);
      if (exit === undefined) return;
      assert.ok(possibleExits.includes(exit));
      const middle = selectMiddle(netDir, random, { rules: RULES, path: [exit], stable: false });
      const agrees = (candidate: Relay) => !conflicts(candidate, exit, RULES);
      assert.equal(middle === undefined, !netDir.relays.some(agrees));
      if (middle === undefined) return;
      found++;
      assert.ok(agrees(middle));
    }),
    { seed: 1, numRuns: 500 },
  );
  assert.ok(found > 100, `only ${found} paths were found`);
});
