/**
 * Path selection in a network of real size and shape. The consensus is real; its microdescriptors
 * are not at hand, and so families and exit policies are made up: see `familiesOf` and `portsOf`.
 */
import assert from "node:assert/strict";
import { NetDir } from "../../src/netdir/net_dir.ts";
import type { Relay } from "../../src/netdir/relay.ts";
import { type Consensus, parseConsensus, type RouterStatus } from "../../src/netdoc/consensus.ts";
import { parsePortPolicy, REJECT_ALL_PORTS } from "../../src/netdoc/exit_policy.ts";
import type { Microdescriptor } from "../../src/netdoc/microdescriptor.ts";
import { RelayFlag } from "../../src/netdoc/relay_flag.ts";
import type { ExitTarget } from "../../src/path/exit_target.ts";
import { pathFraction } from "../../src/path/path_fraction.ts";
import { conflicts, type PathRules } from "../../src/path/path_rules.ts";
import { selectExit } from "../../src/path/select_exit.ts";
import { isPossibleGuard, selectGuardCandidate } from "../../src/path/select_guard_candidate.ts";
import { selectMiddle } from "../../src/path/select_middle.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { readRealConsensus, realConsensusIsAbsent } from "../netdoc/real_consensus.ts";
import { type GoodnessOfFit, goodnessOfFit } from "./chi_square.ts";
import {
  ConditionalShares,
  conflictLists,
  type ListedNode,
  type PositionLetter,
  readNetwork,
  weightOf,
} from "./expected_shares.ts";
import { TEST_RULES } from "./test_network.ts";

const DRAWS = 100_000;
const WEB: ExitTarget = { kind: "name", port: 443 };
const SSH: ExitTarget = { kind: "name", port: 22 };

/** Of ten relays, the first two share a key of their family, and the next two name each other. */
function familiesOf(index: number): readonly string[] {
  return index % 10 < 4 ? [`family ${Math.floor(index / 10)} ${index % 10 < 2}`] : [];
}

/** Of flagged exits, every fourth allows only port 80 and every fifth also port 22. */
function portsOf(index: number): readonly number[] {
  if (index % 4 === 0) return [80];
  return index % 5 === 0 ? [22, 80, 443] : [80, 443];
}

const ABSENT = realConsensusIsAbsent;
const TEXT = ABSENT ? new Uint8Array() : readRealConsensus();
const NETWORK = ABSENT
  ? { nodes: [], weights: new Map<string, number>() }
  : readNetwork(new TextDecoder().decode(TEXT));
const { nodes } = NETWORK;
const CONFLICTS = conflictLists(NETWORK, familiesOf);
const INDEX = new Map(nodes.map(({ identity, index }) => [identity as string, index]));

function indexOf(relay: { readonly rsaIdentity: string }): number {
  const index = INDEX.get(relay.rsaIdentity);
  assert.ok(index !== undefined);
  return index;
}

/** The real network, or one that differs as `change` says. */
function makeNetDir(
  change: (consensus: Consensus) => Consensus = (consensus) => consensus,
  isKnown: (index: number) => boolean = () => true,
): NetDir {
  const consensus = change(parseConsensus(TEXT));
  const { routers } = consensus;
  const microdescriptors = routers.flatMap((router, index) => {
    if (!isKnown(index)) return [];
    const families = familiesOf(index);
    const isListed = index % 10 >= 2 && families.length > 0;
    const other = routers[index ^ 1];
    const microdescriptor: Microdescriptor = {
      onionKey: new Uint8Array(32),
      ed25519Identity: undefined,
      ipv6: undefined,
      family: isListed && other !== undefined ? [other.rsaIdentity] : [],
      familyIds: isListed ? [] : families,
      exitPolicy: (router.flags & RelayFlag.Exit
        ? parsePortPolicy(`accept ${portsOf(index).join()}`)
        : undefined) ?? REJECT_ALL_PORTS,
      exitPolicy6: REJECT_ALL_PORTS,
    };
    return [[router.microdescriptorDigest, microdescriptor] as const];
  });
  return new NetDir(consensus, new Map(microdescriptors));
}

let madeNetDir: NetDir | undefined;

function realNetDir(): NetDir {
  return madeNetDir ??= makeNetDir();
}

function hasAll({ flags }: ListedNode, ...names: readonly string[]): boolean {
  return names.every((name) => flags.has(name));
}

/** Who may be where at all, if not on a path yet: told from names of flags and made-up ports. */
const MAY_BE: Readonly<Record<PositionLetter, (node: ListedNode, target: ExitTarget) => boolean>> =
  {
    g: (node) => hasAll(node, "Running", "Valid", "Fast", "Stable", "Guard", "V2Dir"),
    m: (node, target) =>
      hasAll(node, "Running", "Valid", "Fast", ...(target === SSH ? ["Stable"] : [])),
    e: (node, target) =>
      MAY_BE.m(node, target) && hasAll(node, "Exit") && !hasAll(node, "BadExit") &&
      portsOf(node.index).includes(target === SSH ? 22 : 443),
  };

/** Each relay's weight in a position; 0 for those that may not be there. */
function weightsFor(
  position: PositionLetter,
  target: ExitTarget,
  weights: ReadonlyMap<string, number> = NETWORK.weights,
): number[] {
  return nodes.map((node) =>
    MAY_BE[position](node, target) ? weightOf(node, position, weights) : 0
  );
}

/** For each position, one choice with nothing on the path yet. */
function chooserFor(netDir: NetDir) {
  const guards = netDir.consensus.routers.filter(isPossibleGuard);
  const request = { rules: TEST_RULES };
  return {
    g: (random: SeededRandom) => selectGuardCandidate(netDir, random, guards),
    m: (random: SeededRandom) => selectMiddle(netDir, random, { ...request, stable: false }),
    e: (random: SeededRandom) => selectExit(netDir, random, WEB, request),
  };
}

/** How choices for a position of an empty path fit the weights. */
function fitOf(
  netDir: NetDir,
  position: PositionLetter,
  draws: number,
  weights: ReadonlyMap<string, number>,
): Fits {
  const random = new SeededRandom(position);
  const choose = chooserFor(netDir)[position];
  const observed = new Uint32Array(nodes.length);
  for (let draw = 0; draw < draws; draw++) {
    const relay = choose(random);
    assert.ok(relay !== undefined);
    observed[indexOf(relay)]++;
  }
  const shares = weightsFor(position, WEB, weights);
  const total = sum(shares);
  return fitOfCounts(observed, shares.map((share) => share / total * draws));
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

/** How choices fit the weights, relay by relay and by classes of relays of similar weight. */
interface Fits {
  readonly relays: GoodnessOfFit;
  readonly classes: GoodnessOfFit;
}

function fitOfCounts(observed: Uint32Array, expected: readonly number[]): Fits {
  assert.ok(
    observed.every((count, index) => count === 0 || expected[index] > 0),
    "nothing is chosen that has no weight or may not be chosen",
  );
  return {
    relays: goodnessOfFit(observed, expected),
    classes: goodnessOfFit(observed, expected, sum(observed) / 50),
  };
}

function assertFits(position: string, { relays, classes }: Fits): void {
  for (const [bins, fit] of [["relays", relays], ["classes", classes]] as const) {
    assert.ok(!exceeds(fit), `${position}, by ${bins}: chi-square ${describe(fit)}`);
  }
  // Otherwise the bins would be too few to tell anything.
  assert.ok(relays.degreesOfFreedom > 100, `${position}: ${describe(relays)}`);
  assert.ok(classes.degreesOfFreedom > 20, `${position}: ${describe(classes)}`);
}

function exceeds({ statistic, critical }: GoodnessOfFit): boolean {
  return statistic > critical;
}

function describe({ statistic, degreesOfFreedom, critical }: GoodnessOfFit): string {
  return `${statistic} with ${degreesOfFreedom} degrees of freedom, critical ${critical}`;
}

/** Indexes of a path's relays. */
interface SelectedPath {
  readonly guard: number;
  readonly middle: number;
  readonly exit: number;
}

/** Paths as circuits get them: the exit first, a guard that goes with it, and then the middle. */
function selectPaths(
  netDir: NetDir,
  rules: PathRules,
  target: ExitTarget,
  count: number,
): SelectedPath[] {
  const random = new SeededRandom(`paths ${target === SSH}`);
  const guards = netDir.consensus.routers.filter(isPossibleGuard);
  return Array.from({ length: count }, () => {
    const exit = selectExit(netDir, random, target, { rules });
    assert.ok(exit !== undefined);
    const router = selectGuardCandidate(netDir, random, guards, ({ rsaIdentity }) => {
      const relay = netDir.relay(rsaIdentity);
      return relay !== undefined && !conflicts(relay, exit, rules);
    });
    const guard: Relay | undefined = router && netDir.relay(router.rsaIdentity);
    assert.ok(guard !== undefined);
    const middle = selectMiddle(netDir, random, {
      rules,
      path: [guard, exit],
      stable: target === SSH,
    });
    assert.ok(middle !== undefined);
    return { guard: indexOf(guard), middle: indexOf(middle), exit: indexOf(exit) };
  });
}

/** What is wrong with a path, if anything. */
function faultOf({ guard, middle, exit }: SelectedPath, target: ExitTarget): string | undefined {
  if (!MAY_BE.g(nodes[guard], target)) return "the guard has not the flags of one";
  if (!MAY_BE.m(nodes[middle], target)) return "the middle has not the flags of one";
  if (!MAY_BE.e(nodes[exit], target)) return "the exit has not the flags of one, or refuses";
  if (CONFLICTS[exit].includes(guard)) return "guard and exit conflict";
  if (CONFLICTS[exit].includes(middle)) return "middle and exit conflict";
  if (CONFLICTS[guard].includes(middle)) return "guard and middle conflict";
}

/** How the relays of the paths fit the weights, by position. */
function fitsOf(paths: readonly SelectedPath[], target: ExitTarget) {
  const counts = () => new Uint32Array(nodes.length);
  const observed = { guard: counts(), middle: counts(), exit: counts() };
  const guards = new ConditionalShares(weightsFor("g", target), CONFLICTS);
  const middles = new ConditionalShares(weightsFor("m", target), CONFLICTS);
  const exits = new ConditionalShares(weightsFor("e", target), CONFLICTS);
  for (const { guard, middle, exit } of paths) {
    observed.guard[guard]++;
    observed.middle[middle]++;
    observed.exit[exit]++;
    exits.add();
    guards.add(exit);
    middles.add(guard, exit);
  }
  return {
    guard: fitOfCounts(observed.guard, guards.expected()),
    middle: fitOfCounts(observed.middle, middles.expected()),
    exit: fitOfCounts(observed.exit, exits.expected()),
  };
}

Deno.test({
  name: "real network: each position alone is chosen by weight",
  ignore: ABSENT,
  fn() {
    for (const position of ["g", "m", "e"] as const) {
      assertFits(position, fitOf(realNetDir(), position, DRAWS, NETWORK.weights));
    }
  },
});

for (
  const [count, name, target] of [
    [DRAWS, "the web", WEB],
    [40_000, "long-lived connections", SSH],
  ] as const
) {
  Deno.test({
    name:
      `real network: ${count} paths for ${name} break no rule and have each relay by its weight`,
    ignore: ABSENT,
    fn() {
      const paths = selectPaths(realNetDir(), TEST_RULES, target, count);
      for (const path of paths) assert.equal(faultOf(path, target), undefined);
      for (const [position, fits] of Object.entries(fitsOf(paths, target))) {
        assertFits(position, fits);
      }
    },
  });
}

Deno.test({
  name: "real network, other weights: each of the weights of dir-spec has its effect",
  ignore: ABSENT,
  fn() {
    const names = ["g", "m", "e"].flatMap((position) =>
      ["m", "g", "e", "d"].map((kind) => `W${position}${kind}`)
    ).concat(["Wmb", "Wgb", "Web", "Wdb"]);
    // All differ, and none is 0.
    const weights = new Map(names.map((name, index) => [name, 10_000 - 550 * index]));
    const netDir = makeNetDir((consensus) => ({ ...consensus, bandwidthWeights: weights }));
    for (const position of ["g", "m", "e"] as const) {
      assertFits(position, fitOf(netDir, position, DRAWS / 2, weights));
    }
  },
});

/** A copy that can be spread. */
function plain(router: RouterStatus): RouterStatus {
  const { nickname, rsaIdentity, hostname, port, ipv6, microdescriptorDigest } = router;
  const { flags, protocols, bandwidth, unmeasured } = router;
  const names = { nickname, rsaIdentity, hostname, port, ipv6, microdescriptorDigest };
  return { ...names, flags, protocols, bandwidth, unmeasured };
}

/** The real network, but for the bandwidths of its relays. */
function withBandwidths(change: (bandwidth: number, index: number) => number): NetDir {
  return makeNetDir((consensus) => ({
    ...consensus,
    routers: consensus.routers.map((router, index) => ({
      ...plain(router),
      bandwidth: change(router.bandwidth, index),
    })),
  }));
}

Deno.test({
  name: "the chi-square test notices bandwidths that are a tenth off",
  ignore: ABSENT,
  fn() {
    const [limit] = nodes.map(({ bandwidth }) => bandwidth).sort((a, b) => b - a).slice(1500);
    const tooHeavy = withBandwidths((bandwidth) => bandwidth * (bandwidth > limit ? 1.1 : 1));
    const upAndDown = withBandwidths((bandwidth, index) => bandwidth * (index % 2 ? 1.1 : 0.9));
    const fits = (netDir: NetDir, count: number) =>
      fitsOf(selectPaths(netDir, TEST_RULES, WEB, count), WEB);
    for (const [position, { classes }] of Object.entries(fits(tooHeavy, DRAWS))) {
      assert.ok(exceeds(classes), `${position}: ${describe(classes)}`);
    }
    for (const [position, { relays }] of Object.entries(fits(upAndDown, 0.75 * DRAWS))) {
      assert.ok(exceeds(relays), `${position}: ${describe(relays)}`);
    }
  },
});

Deno.test({
  name: "the check of paths notices each rule that is left out",
  ignore: ABSENT,
  fn() {
    const faults = (rules: Partial<PathRules>) =>
      selectPaths(realNetDir(), { ...TEST_RULES, ...rules }, WEB, 5000)
        .filter((path) => faultOf(path, WEB) !== undefined).length;
    assert.equal(faults({}), 0);
    assert.ok(faults({ enforceDistinctSubnets: false }) > 0);
    assert.ok(faults({ useFamilyIds: false }) > 0);
    assert.ok(faults({ useFamilyLists: false }) > 0);
  },
});

Deno.test({
  name: "real network, made worse: relays that must not be used are not in 10,000 paths",
  ignore: ABSENT,
  fn() {
    const isBadExit = (index: number) => index % 6 === 1;
    const isInternal = (index: number) => index % 6 === 2;
    const isOff = (index: number) => index % 6 === 3;
    const netDir = makeNetDir((consensus) => ({
      ...consensus,
      routers: consensus.routers.map((router, index) => ({
        ...plain(router),
        hostname: isInternal(index) ? `10.${index >> 8}.${index & 0xff}.1` : router.hostname,
        flags: isBadExit(index)
          ? router.flags | RelayFlag.BadExit
          : isOff(index)
          ? router.flags & ~RelayFlag.Running
          : router.flags,
      })),
    }));
    const random = new SeededRandom(1);
    for (let circuit = 0; circuit < 10_000; circuit++) {
      const exit = selectExit(netDir, random, WEB, { rules: TEST_RULES });
      assert.ok(exit !== undefined);
      const path = [exit];
      const middle = selectMiddle(netDir, random, { rules: TEST_RULES, path, stable: false });
      assert.ok(middle !== undefined);
      assert.ok(!isBadExit(indexOf(exit)));
      for (const index of [indexOf(exit), indexOf(middle)]) {
        assert.ok(!isInternal(index) && !isOff(index));
      }
    }
  },
});

Deno.test({
  name: "half of the real network's microdescriptors make about an eighth of its paths",
  ignore: ABSENT,
  fn() {
    const fractionOf = (isKnown: (index: number) => boolean) =>
      pathFraction(makeNetDir(undefined, isKnown));
    const { guards, middles, exits, paths } = fractionOf((index) => index % 2 === 0);
    for (const fraction of [guards, middles, exits]) {
      assert.ok(fraction > 0.4 && fraction < 0.6, `${fraction}`);
    }
    assert.equal(paths, guards * middles * exits);
    assert.equal(fractionOf(() => true).paths, 1);
    assert.equal(fractionOf(() => false).paths, 0);
  },
});
