/** Path selection in a network of real size and shape, with microdescriptors made up. */
import assert from "node:assert/strict";
import { NetDir } from "../../src/netdir/net_dir.ts";
import { hasFlags, type Relay, RelayFlag } from "../../src/netdir/relay.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { parsePortPolicy, REJECT_ALL_PORTS } from "../../src/netdoc/exit_policy.ts";
import type { Microdescriptor } from "../../src/netdoc/microdescriptor.ts";
import { exitAllows, type ExitTarget } from "../../src/path/exit_target.ts";
import { pathFraction } from "../../src/path/path_fraction.ts";
import { conflicts, type PathRules, pathRules } from "../../src/path/path_rules.ts";
import { selectExit } from "../../src/path/select_exit.ts";
import { isPossibleGuard, selectGuardCandidate } from "../../src/path/select_guard_candidate.ts";
import { selectMiddle } from "../../src/path/select_middle.ts";
import { readRealConsensus, realConsensusIsAbsent } from "../netdoc/real_consensus.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

const WEB: ExitTarget = { kind: "name", port: 443 };

/** The real consensus; every tenth relay is of the family of the one before it. */
function readNetDir(isKnown: (index: number) => boolean = () => true): NetDir {
  const consensus = parseConsensus(readRealConsensus());
  const microdescriptors = consensus.routers.flatMap((router, index) => {
    const isExit = (router.flags & RelayFlag.Exit) !== 0;
    const microdescriptor: Microdescriptor = {
      onionKey: new Uint8Array(32),
      ed25519Identity: undefined,
      ipv6: undefined,
      family: [],
      familyIds: index % 10 < 2 ? [`family ${Math.floor(index / 10)}`] : [],
      exitPolicy: (isExit ? parsePortPolicy("accept 80,443") : undefined) ?? REJECT_ALL_PORTS,
      exitPolicy6: REJECT_ALL_PORTS,
    };
    return isKnown(index) ? [[router.microdescriptorDigest, microdescriptor] as const] : [];
  });
  return new NetDir(consensus, new Map(microdescriptors));
}

/**
 * Pearson's statistic of how often each of the items was chosen, in standard deviations from its
 * mean. Items are put together, in order of weight, until each bin expects 20 or more.
 */
function chiSquareDeviation<Item>(
  items: readonly Item[],
  weight: (item: Item) => number,
  counts: ReadonlyMap<Item, number>,
  draws: number,
): number {
  const total = items.reduce((sum, item) => sum + weight(item), 0);
  let bins = 0;
  let statistic = 0;
  let expected = 0;
  let observed = 0;
  const bin = () => {
    statistic += (observed - expected) ** 2 / expected;
    bins++;
    expected = observed = 0;
  };
  for (const item of items.toSorted((a, b) => weight(b) - weight(a))) {
    expected += draws * weight(item) / total;
    observed += counts.get(item) ?? 0;
    if (expected >= 20) bin();
  }
  if (expected > 0) bin();
  return (statistic - (bins - 1)) / Math.sqrt(2 * (bins - 1));
}

function assertProportional<Item>(
  items: readonly Item[],
  weight: (item: Item) => number,
  choose: (random: SeededRandom) => Item | undefined,
  draws: number,
): void {
  const random = new SeededRandom(7);
  const counts = new Map<Item, number>();
  for (let draw = 0; draw < draws; draw++) {
    const item = choose(random);
    assert.ok(item !== undefined && items.includes(item));
    counts.set(item, (counts.get(item) ?? 0) + 1);
  }
  const deviation = chiSquareDeviation(items, weight, counts, draws);
  assert.ok(Math.abs(deviation) < 4, `chi-square is ${deviation} standard deviations off`);
}

function rulesFor(netDir: NetDir): PathRules {
  return pathRules(netDir, { enforceDistinctSubnets: true, extendAllowPrivateAddresses: false });
}

Deno.test({
  name: "in the real network, guards, exits and middles are chosen in proportion to their weights",
  ignore: realConsensusIsAbsent,
  fn() {
    const netDir = readNetDir();
    const rules = rulesFor(netDir);
    const guards = netDir.consensus.routers.filter(isPossibleGuard);
    assertProportional(
      guards,
      (router) => netDir.weight(router, "guard"),
      (random) => selectGuardCandidate(netDir, random, guards),
      3000,
    );
    const fast = netDir.relays.filter((relay) => hasFlags(relay, RelayFlag.Fast));
    assertProportional(
      fast.filter((relay) => exitAllows(relay, WEB)),
      (relay) => netDir.weight(relay, "exit"),
      (random) => selectExit(netDir, random, WEB, { rules }),
      3000,
    );
    // With a path, only those count that may join it.
    const path = fast.toSorted((a, b) => b.bandwidth - a.bandwidth).slice(0, 2);
    assertProportional(
      fast.filter((relay) => !path.some((other) => conflicts(relay, other, rules))),
      (relay) => netDir.weight(relay, "middle"),
      (random) => selectMiddle(netDir, random, { rules, path, stable: false }),
      3000,
    );
  },
});

Deno.test({
  name: "the chi-square check notices a choice that is not by weight",
  ignore: realConsensusIsAbsent,
  fn() {
    const netDir = readNetDir();
    const guards = netDir.consensus.routers.filter(isPossibleGuard);
    const uniform = (random: SeededRandom) => {
      const bytes = new Uint8Array(2);
      random.fill(bytes);
      return guards[(bytes[0] * 256 + bytes[1]) % guards.length];
    };
    const check = () =>
      assertProportional(guards, (router) => netDir.weight(router, "guard"), uniform, 3000);
    assert.throws(check, /standard deviations off/);
  },
});

Deno.test({
  name: "in the real network, no path has a conflict",
  ignore: realConsensusIsAbsent,
  fn() {
    const netDir = readNetDir();
    const rules = rulesFor(netDir);
    const random = new SeededRandom(3);
    for (let circuit = 0; circuit < 300; circuit++) {
      const path: Relay[] = [];
      const choices = [
        () => selectExit(netDir, random, WEB, { rules }),
        () => selectMiddle(netDir, random, { rules, path, stable: true }),
        () => selectMiddle(netDir, random, { rules, path, stable: false }),
      ];
      for (const choose of choices) {
        const relay = choose();
        assert.ok(relay !== undefined);
        assert.ok(path.every((other) => !conflicts(relay, other, rules)));
        path.push(relay);
      }
    }
  },
});

Deno.test({
  name: "half of the real network's microdescriptors make about an eighth of its paths",
  ignore: realConsensusIsAbsent,
  fn() {
    const { guards, middles, exits, paths } = pathFraction(readNetDir((index) => index % 2 === 0));
    for (const fraction of [guards, middles, exits]) {
      assert.ok(fraction > 0.4 && fraction < 0.6, `${fraction}`);
    }
    assert.equal(paths, guards * middles * exits);
    assert.equal(pathFraction(readNetDir()).paths, 1);
    assert.equal(pathFraction(readNetDir(() => false)).paths, 0);
  },
});
