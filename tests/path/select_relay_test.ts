import assert from "node:assert/strict";
import fc from "fast-check";
import type { NodePattern } from "../../src/config/node_pattern.ts";
import { GeoIp } from "../../src/netdir/geo_ip.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import { type Relay, RelayFlag } from "../../src/netdir/relay.ts";
import type { RouterStatus } from "../../src/netdoc/consensus.ts";
import { exitAllows, type ExitTarget } from "../../src/path/exit_target.ts";
import { conflicts, type HopRequest } from "../../src/path/path_rules.ts";
import { NodeRules, type NodeWishes } from "../../src/path/node_rules.ts";
import { mayServe, selectExit } from "../../src/path/select_exit.ts";
import { isPossibleGuard, selectGuardCandidate } from "../../src/path/select_guard_candidate.ts";
import { selectMiddle } from "../../src/path/select_middle.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import {
  GUARD_FLAGS,
  identityOf,
  NO_WISHES,
  TEST_RULES,
  testNetDir,
  type TestRelay,
} from "./test_network.ts";

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
  return chosen((random) => selectExit(netDir, random, target, { rules: TEST_RULES }));
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
      selectMiddle(netDir, random, { rules: TEST_RULES, path: [first], stable, excluded })
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

Deno.test("a guard is one of the candidates, and one that is acceptable", () => {
  const netDir = testNetDir({ relays: [{ number: 1 }, { number: 2 }, { number: 3 }] });
  const [first, second, third] = netDir.consensus.routers;
  const random = new SeededRandom(1);
  for (const candidates of [[first, second], [second, third]]) {
    const seen = new Set<RouterStatus | undefined>();
    for (let draw = 0; draw < 50; draw++) {
      seen.add(selectGuardCandidate(netDir, random, candidates));
      const accepted = selectGuardCandidate(netDir, random, candidates, (one) => one === second);
      assert.equal(accepted, second);
    }
    assert.deepEqual(seen, new Set(candidates));
    assert.equal(selectGuardCandidate(netDir, random, candidates, () => false), undefined);
  }
});

Deno.test("exits are chosen by their weight as exits, and others by theirs as middles", () => {
  const names = ["m", "g", "e", "d"].flatMap((kind) => [`Wm${kind}`, `We${kind}`, `W${kind}b`]);
  const weights = { ...Object.fromEntries(names.map((name) => [name, 10_000])), Wmd: 0, Weg: 0 };
  const relays = [
    { number: 1, exitPolicy: "accept 80" },
    { number: 2, flags: EXIT_FLAGS, exitPolicy: "accept 80" },
  ];
  const netDir = testNetDir({ relays, weights });
  const request = { rules: TEST_RULES };
  const choices = {
    exits: chosen((random) => selectExit(netDir, random, WEB, request)),
    internal: chosen((random) => selectExit(netDir, random, { kind: "internal" }, request)),
    middles: chosen((random) => selectMiddle(netDir, random, { ...request, stable: false })),
  };
  assert.deepEqual(choices, { exits: [2], internal: [1], middles: [1] });
});

Deno.test("relays with private addresses are chosen only where that is allowed", () => {
  const relays = [
    { number: 1, ipv6: "2a00:1::1" },
    { number: 2, hostname: "10.0.0.1" },
    { number: 3, ipv6: "fc00::1" },
  ].map((relay) => ({ ...relay, exitPolicy: "accept 80" }));
  const netDir = testNetDir({ relays });
  for (const [allowPrivateAddresses, expected] of [[false, [1]], [true, [1, 2, 3]]] as const) {
    const request = { rules: { ...TEST_RULES, allowPrivateAddresses } };
    for (const kind of ["name", "internal"] as const) {
      const target = { kind, port: 80 };
      assert.deepEqual(chosen((random) => selectExit(netDir, random, target, request)), expected);
    }
    const middles = chosen((random) => selectMiddle(netDir, random, { ...request, stable: false }));
    assert.deepEqual(middles, expected);
  }
});

const named = (...numbers: number[]): NodePattern[] =>
  numbers.map((number) => ({ kind: "nickname", nickname: `relay${number}` }));

function rulesWith(wishes: Partial<NodeWishes>): HopRequest["rules"] {
  return { ...TEST_RULES, nodes: NodeRules.compile({ ...NO_WISHES, ...wishes }, undefined) };
}

/** Of five relays that all could do everything, those that are chosen. */
function wished(wishes: Partial<NodeWishes>) {
  const netDir = testNetDir({
    relays: [1, 2, 3, 4, 5].map((number) => ({ number, exitPolicy: "accept 80" })),
  });
  const rules = rulesWith(wishes);
  const exits = (target: ExitTarget) =>
    chosen((random) => selectExit(netDir, random, target, { rules }));
  return {
    exits: exits(WEB),
    anyPort: exits({ kind: "any-port", ports: [81] }),
    internal: exits({ kind: "internal" }),
    middles: chosen((random) => selectMiddle(netDir, random, { rules, stable: false })),
    serving: netDir.relays.filter((relay) => mayServe(relay, WEB, rules)).length,
  };
}

Deno.test("excluded relays have no place in a circuit, and excluded exits may be in the middle", () => {
  assert.deepEqual(wished({ exclude: named(1), excludeExit: named(2) }), {
    exits: [3, 4, 5],
    anyPort: [3, 4, 5],
    internal: [2, 3, 4, 5],
    middles: [2, 3, 4, 5],
    serving: 3,
  });
});

Deno.test("excluded relays are not used even where that leaves none, strict or not", () => {
  for (const strict of [false, true]) {
    assert.deepEqual(wished({ exclude: named(1, 2, 3, 4, 5), strict }), {
      exits: [],
      anyPort: [],
      internal: [],
      middles: [],
      serving: 0,
    });
  }
});

Deno.test("chosen exits end circuits for streams, and chosen middles stand in the middle", () => {
  assert.deepEqual(wished({ exit: named(1, 2), middle: named(2, 3), exclude: named(2) }), {
    exits: [1],
    anyPort: [1],
    internal: [1, 3, 4, 5],
    middles: [3],
    serving: 1,
  });
  assert.deepEqual(wished({ exit: named(9), middle: named(9) }), {
    exits: [],
    anyPort: [],
    internal: [1, 2, 3, 4, 5],
    middles: [],
    serving: 0,
  });
});

Deno.test("of chosen middles no flags are asked beyond the needed ones", () => {
  const netDir = testNetDir({
    relays: [
      { number: 1 },
      { number: 2, flags: RelayFlag.Running | RelayFlag.Valid },
      { number: 3, flags: RelayFlag.Running },
      { number: 4 },
    ],
  });
  const rules = rulesWith({ middle: named(1, 2, 3) });
  const middles = chosen((random) => selectMiddle(netDir, random, { rules, stable: true }));
  assert.deepEqual(middles, [1, 2]);
});

Deno.test("a chosen exit is taken although it is neither Fast nor Stable", () => {
  const flags = RelayFlag.Running | RelayFlag.Valid;
  const netDir = testNetDir({
    relays: [{ number: 1, flags, exitPolicy: "accept 80" }, { number: 2, exitPolicy: "accept 80" }],
  });
  const rules = rulesWith({ exit: named(1) });
  assert.deepEqual(chosen((random) => selectExit(netDir, random, WEB, { rules })), [1]);
});

Deno.test("one snapshot serves clients with other wishes", () => {
  const netDir = testNetDir({
    relays: [1, 2].map((number) => ({ number, exitPolicy: "accept 80" })),
  });
  for (const number of [1, 2, 1]) {
    const rules = rulesWith({ exit: named(number) });
    assert.deepEqual(chosen((random) => selectExit(netDir, random, WEB, { rules })), [number]);
  }
});

Deno.test("an exit that serves must allow the target and be allowed to end circuits", () => {
  const netDir = testNetDir({
    relays: [{ number: 1, exitPolicy: "accept 80" }, { number: 2, exitPolicy: "accept 81" }],
  });
  const serving = (target: ExitTarget, wishes: Partial<NodeWishes>) =>
    netDir.relays.map((relay) => mayServe(relay, target, rulesWith(wishes)));
  assert.deepEqual(serving(WEB, {}), [true, false]);
  assert.deepEqual(serving(WEB, { excludeExit: named(1) }), [false, false]);
  assert.deepEqual(serving({ kind: "internal" }, { excludeExit: named(1) }), [true, true]);
  assert.deepEqual(serving({ kind: "internal" }, { exclude: named(1) }), [false, true]);
  assert.deepEqual(serving({ kind: "resolve" }, { exit: named(2) }), [false, true]);
});

/** Networks of up to 8 relays, of few subnets, families and policies. */
const ANY_RELAYS = fc.array(
  fc.record({
    flags: fc.nat(2 ** 14 - 1).map((flags) => flags | RelayFlag.Running | RelayFlag.Valid),
    bandwidth: fc.nat(100),
    hostname: fc.tuple(fc.nat(3), fc.nat(3)).map(([a, b]) => `5.${a}.${b}.1`),
    ipv6: fc.option(fc.nat(3).map((net) => `2a00:${net}::1`), { nil: undefined }),
    exitPolicy: fc.constantFrom("accept 80", "reject 80", "reject 1-65535"),
    familyIds: fc.subarray(["a", "b", "c"], { maxLength: 1 }),
    family: fc.array(fc.integer({ min: 1, max: 8 }).map((number) => identityOf(number)), {
      maxLength: 3,
    }),
  }),
  { maxLength: 8 },
).map((relays) => relays.map((relay, index) => ({ number: index + 1, ...relay })));

Deno.test("in any network, the relays of a path never conflict and serve the target", () => {
  let found = 0;
  fc.assert(
    fc.property(fc.integer(), ANY_RELAYS, (seed, relays) => {
      const netDir = testNetDir({ relays });
      const random = new SeededRandom(seed);
      const exit = selectExit(netDir, random, WEB, { rules: TEST_RULES });
      const possibleExits = netDir.relays.filter((candidate) => exitAllows(candidate, WEB));
      assert.equal(exit === undefined, possibleExits.length === 0);
      if (exit === undefined) return;
      assert.ok(possibleExits.includes(exit));
      const middle = selectMiddle(netDir, random, {
        rules: TEST_RULES,
        path: [exit],
        stable: false,
      });
      const agrees = (candidate: Relay) => !conflicts(candidate, exit, TEST_RULES);
      assert.equal(middle === undefined, !netDir.relays.some(agrees));
      if (middle === undefined) return;
      found++;
      assert.ok(agrees(middle));
    }),
    { seed: 1, numRuns: 500 },
  );
  assert.ok(found > 100, `only ${found} paths were found`);
});

/** 5.0.0.0/16 is in Germany and 5.1.0.0/16 in France; nobody knows of 5.2.0.0/15. */
const GEO_IP = GeoIp.parse("83886080,83951615,DE\n83951616,84017151,FR");

const ALL_PORTS = { first: 1, last: 65535 };

const ANY_PATTERN: fc.Arbitrary<NodePattern> = fc.oneof(
  fc.integer({ min: 1, max: 8 }).map((number) => ({
    kind: "identity" as const,
    rsaIdentity: identityOf(number),
  })),
  fc.integer({ min: 1, max: 8 }).map((number) => ({
    kind: "nickname" as const,
    nickname: `relay${number}`,
  })),
  fc.constantFrom(
    { kind: "addresses" as const, network: "5.1.0.0", prefixLength: 16, ports: ALL_PORTS },
    { kind: "addresses" as const, network: "5.2.0.0", prefixLength: 15, ports: ALL_PORTS },
    { kind: "addresses" as const, network: "2a00:1::", prefixLength: 32, ports: ALL_PORTS },
  ),
  fc.constantFrom("de", "fr", "??").map((code) => ({ kind: "country" as const, code })),
);

const ANY_WISHES: fc.Arbitrary<NodeWishes> = fc.record({
  exclude: fc.array(ANY_PATTERN, { maxLength: 2 }),
  excludeExit: fc.array(ANY_PATTERN, { maxLength: 2 }),
  entry: fc.array(ANY_PATTERN, { maxLength: 2 }),
  exit: fc.array(ANY_PATTERN, { maxLength: 3 }),
  middle: fc.array(ANY_PATTERN, { maxLength: 3 }),
  strict: fc.boolean(),
  excludeUnknownCountries: fc.constantFrom(true, false, "auto" as const),
});

/** Whether a pattern describes a relay of the networks above, told from what it is made of. */
function describes(pattern: NodePattern, relay: Relay): boolean {
  const [, second] = relay.hostname.split(".").map(Number);
  switch (pattern.kind) {
    case "identity":
      return relay.rsaIdentity === pattern.rsaIdentity;
    case "nickname":
      return relay.nickname === pattern.nickname;
    case "addresses":
      if (pattern.network === "5.1.0.0") return second === 1;
      if (pattern.network === "5.2.0.0") return second >= 2;
      return relay.ipv6?.hostname === "2a00:1::1";
    case "country":
      return pattern.code === (["de", "fr"][second] ?? "??");
  }
}

/** Which relays the wishes leave for a middle and for an exit. */
function leftBy(wishes: NodeWishes, netDir: NetDir) {
  const isUnknown = (relay: Relay) => describes({ kind: "country", code: "??" }, relay);
  const excludes = (patterns: readonly NodePattern[]) => {
    const { excludeUnknownCountries: unknown } = wishes;
    const namesCountry = patterns.some(({ kind }) => kind === "country");
    const withUnknown = unknown === "auto" ? namesCountry : unknown;
    return (relay: Relay) =>
      patterns.some((pattern) => describes(pattern, relay)) || (withUnknown && isUnknown(relay));
  };
  const chooses = (patterns: readonly NodePattern[]) => (relay: Relay) =>
    patterns.length === 0 || patterns.some((pattern) => describes(pattern, relay));
  const [excluded, excludedExit] = [excludes(wishes.exclude), excludes(wishes.excludeExit)];
  return {
    middles: netDir.relays.filter((relay) => !excluded(relay) && chooses(wishes.middle)(relay)),
    exits: netDir.relays.filter((relay) =>
      !excluded(relay) && !excludedExit(relay) && chooses(wishes.exit)(relay) &&
      exitAllows(relay, WEB)
    ),
  };
}

Deno.test("with any wishes in any network, no relay is chosen against them, and one if there is one", () => {
  let exitsFound = 0;
  let middlesFound = 0;
  let middlesMissing = 0;
  fc.assert(
    fc.property(fc.integer(), ANY_RELAYS, ANY_WISHES, (seed, relays, wishes) => {
      const netDir = testNetDir({ relays });
      const rules = { ...TEST_RULES, nodes: NodeRules.compile(wishes, GEO_IP) };
      const { exits, middles } = leftBy(wishes, netDir);
      const random = new SeededRandom(seed);
      for (let draw = 0; draw < 5; draw++) {
        const exit = selectExit(netDir, random, WEB, { rules });
        assert.equal(exit === undefined, exits.length === 0);
        if (exit !== undefined) {
          exitsFound++;
          assert.ok(exits.includes(exit));
          assert.ok(mayServe(exit, WEB, rules));
        }
        const path = exit === undefined ? [] : [exit];
        const middle = selectMiddle(netDir, random, { rules, path, stable: false });
        const possible = middles.filter((relay) =>
          path.every((other) => !conflicts(relay, other, rules))
        );
        assert.equal(middle === undefined, possible.length === 0);
        if (middle === undefined) {
          middlesMissing++;
        } else {
          middlesFound++;
          assert.ok(possible.includes(middle));
        }
      }
    }),
    { seed: 1, numRuns: 1000 },
  );
  for (const count of [exitsFound, middlesFound, middlesMissing]) {
    assert.ok(count > 500, `${exitsFound} exits, ${middlesFound} middles, ${middlesMissing} none`);
  }
});
