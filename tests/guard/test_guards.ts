/** Guards with a network of object literals and a clock that stands still, for tests. */
import assert from "node:assert/strict";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import type { TrafficGuardChoice } from "../../src/guard/guard_choice.ts";
import type { GuardFilterMaker } from "../../src/guard/guard_filter.ts";
import type { GuardOptions } from "../../src/guard/guard_parameters.ts";
import { GuardSample } from "../../src/guard/guard_sample.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { identityOf, testNetDir, type TestNetwork, type TestRelay } from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

/** Nothing is configured. */
export const OPTIONS: GuardOptions = {
  useEntryGuards: true,
  numEntryGuards: undefined,
  numDirectoryGuards: undefined,
  numPrimaryGuards: undefined,
  guardLifetime: undefined,
  extendAllowPrivateAddresses: false,
};

/** What {@link withGuards} gives. */
export interface Fixture {
  readonly directory: DataDirectory;
  readonly clock: FakeClock;
  readonly guards: GuardSample;
}

/** How {@link withGuards} loads the guards. */
export interface FixtureOptions {
  readonly options?: Partial<GuardOptions>;
  readonly filterFor?: GuardFilterMaker;
}

/** Runs with guards that know no network yet, and closes them. */
export async function withGuards(
  run: (fixture: Fixture) => void | Promise<void>,
  options: FixtureOptions = {},
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using directory = await DataDirectory.open(folder);
    const clock = new FakeClock();
    const guards = await loadGuards(directory, clock, options);
    await run({ directory, clock, guards });
    await guards.close();
    assert.equal(clock.pendingTimers, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Loads guards, as after a restart. */
export function loadGuards(
  directory: DataDirectory,
  clock: Clock,
  { options = {}, filterFor }: FixtureOptions = {},
): Promise<GuardSample> {
  const runtime = { clock, random: new SeededRandom(1) };
  return GuardSample.load(directory, runtime, { ...OPTIONS, ...options }, filterFor);
}

/** A network of 200 possible guards, which is valid now; `undefined` leaves a relay out. */
export function network(
  clock: Clock,
  change: (identity: RsaIdentity) => Partial<TestRelay> | undefined = () => ({}),
  parameters: TestNetwork["parameters"] = {},
): NetDir {
  const relays: TestRelay[] = [];
  for (let number = 1; number <= 200; number++) {
    const changed = change(identityOf(number));
    if (changed !== undefined) relays.push({ number, ...changed });
  }
  return testNetDir({ relays, validAfter: clock.now(), parameters });
}

/** The identities of the primary guards. */
export function primaries(guards: GuardSample): RsaIdentity[] {
  return guards.primaryGuards().map(({ rsaIdentity }) => rsaIdentity);
}

/** Selects a guard for traffic, which must be there. */
export function select(guards: GuardSample, ...avoid: RsaIdentity[]): TrafficGuardChoice {
  const choice = guards.selectForTraffic(
    avoid.length === 0 ? undefined : ({ rsaIdentity }) => avoid.includes(rsaIdentity),
  );
  assert.ok(choice !== undefined);
  return choice;
}

/** Lets a circuit be built, used and closed through each of the three primary guards. */
export function confirmPrimaries(guards: GuardSample): void {
  const [first, second, third] = primaries(guards);
  for (const avoided of [[], [first], [first, second]]) {
    const choice = select(guards, ...avoided);
    assert.equal(guards.noteSuccess(choice), "usable");
    guards.noteClosed(choice);
  }
  assert.deepEqual(primaries(guards), [first, second, third]);
}
