import assert from "node:assert/strict";
import fc from "fast-check";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import { GuardError } from "../../src/guard/errors.ts";
import { importGuards, parseTorState } from "../../src/guard/import_state.ts";
import { NO_COUNTS } from "../../src/guard/path_bias.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { identityOf, testNetDir } from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { loadGuards, network, primaries, select, withGuards } from "./test_guards.ts";

const DAY = 86_400_000;

/** As C tor 0.4.9 writes it, with guards of the network that tests have. */
const STATE = `# Tor state file last generated on 2025-12-31 19:22:01 local time
# Other times below are in UTC
# You *do not* need to edit this file.

CircuitBuildTimeBin 225 1
Dormant 0
Guard in=default rsa_id=${
  identityOf(7)
} nickname=relay7 sampled_on=2025-11-30T08:11:12 sampled_idx=0 sampled_by=0.4.9.11 listed=1 confirmed_on=2025-12-05T21:32:43 confirmed_idx=1 pb_use_attempts=3.000000 pb_use_successes=2.000000 pb_circ_attempts=151.500000 pb_circ_successes=140.000000 pb_successful_circuits_closed=139.250000 pb_collapsed_circuits=1.000000 pb_unusable_circuits=2.000000 pb_timeouts=4.000000
Guard in=default rsa_id=${
  identityOf(5)
} nickname=relay5 sampled_on=2025-12-01T00:00:01 sampled_idx=1 sampled_by=0.4.9.11 listed=1
Guard in=default rsa_id=${
  identityOf(9)
} nickname=relay9 sampled_on=2025-12-01T10:20:30 sampled_idx=2 sampled_by=0.4.9.11 unlisted_since=2025-12-28T01:02:03 listed=0
Guard in=default rsa_id=${
  identityOf(8)
} nickname=relay8 sampled_on=2025-12-02T10:20:30 sampled_idx=3 sampled_by=0.4.9.11 listed=1 confirmed_on=2025-12-04T01:01:01 confirmed_idx=0 pb_circ_attempts=1.000000
Guard in=restricted rsa_id=${
  identityOf(7)
} nickname=relay7 sampled_on=2025-12-01T00:00:02 sampled_idx=0 sampled_by=0.4.8.1 listed=1
Guard in=bridges rsa_id=${
  identityOf(3)
} bridge_addr=192.0.2.7:443 sampled_on=2025-12-01T00:00:02 sampled_idx=0 listed=1
LastWritten 2025-12-31 19:22:01
MinutesSinceUserActivity 0
TorVersion Tor 0.4.9.11
TotalBuildTimes 1
`;

async function inDataDirectory(
  run: (directory: DataDirectory, clock: FakeClock) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using directory = await DataDirectory.open(folder);
    await run(directory, new FakeClock());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the Guard lines of C tor's state file are read", () => {
  const { guards, bridges, ignored } = parseTorState(STATE);
  assert.deepEqual([guards.length, bridges, ignored], [5, 1, 0]);
  assert.deepEqual(guards[0], {
    selection: "default",
    rsaIdentity: identityOf(7),
    nickname: "relay7",
    sampledOn: Date.UTC(2025, 10, 30, 8, 11, 12),
    sampledIndex: 0,
    unlistedSince: undefined,
    confirmed: { on: Date.UTC(2025, 11, 5, 21, 32, 43), index: 1 },
    pathBias: {
      circAttempts: 151.5,
      circSuccesses: 140,
      successfulCircuitsClosed: 139.25,
      collapsedCircuits: 1,
      unusableCircuits: 2,
      timeouts: 4,
      useAttempts: 3,
      useSuccesses: 2,
    },
  });
  assert.deepEqual(guards[1].pathBias, NO_COUNTS);
  assert.equal(guards[2].unlistedSince, Date.UTC(2025, 11, 28, 1, 2, 3));
  assert.equal(guards[4].selection, "restricted");
});

Deno.test("order of keys, ends of lines and unknown keys do not matter, and the first value counts", () => {
  const line = `guard  listed=1 x=y junk nickname=a nickname=b rsa_id=${
    identityOf(2).toLowerCase()
  }\tin=default`;
  const { guards, ignored } = parseTorState(`${line}\r\n${STATE.replaceAll("\n", "\r\n")}`);
  assert.equal(ignored, 0);
  assert.equal(guards.length, 6);
  assert.deepEqual(guards[0], {
    selection: "default",
    rsaIdentity: identityOf(2),
    nickname: "a",
    sampledOn: undefined,
    sampledIndex: undefined,
    unlistedSince: undefined,
    confirmed: undefined,
    pathBias: NO_COUNTS,
  });
});

for (
  const [what, line] of [
    ["no selection", `Guard rsa_id=${identityOf(1)} listed=1`],
    ["an unknown selection", `Guard in=legacy rsa_id=${identityOf(1)} listed=1`],
    ["no identity", "Guard in=default listed=1"],
    ["half an identity", "Guard in=default rsa_id=00010203 listed=1"],
    ["an identity that is none", `Guard in=default rsa_id=${"Z".repeat(40)}`],
    ["endless text", `Guard in=default rsa_id=${identityOf(1)} x=${"x".repeat(5000)}`],
  ] as const
) {
  Deno.test(`a line with ${what} is counted and passed over`, () => {
    assert.deepEqual(parseTorState(`${line}\n`), { guards: [], bridges: 0, ignored: 1 });
  });
}

Deno.test("a guard that comes again is ignored, and so are guards without end", () => {
  const line = (number: number) => `Guard in=default rsa_id=${identityOf(number)} listed=1`;
  assert.equal(parseTorState(`${line(1)}\n${line(1)}\n`).ignored, 1);
  const many = Array.from({ length: 1001 }, (_, index) => line(index + 1)).join("\n");
  const { guards, ignored } = parseTorState(many);
  assert.deepEqual([guards.length, ignored], [1000, 1]);
});

for (
  const [what, field] of [
    ["date that is none", "confirmed_on=2025-02-30T00:00:00 confirmed_idx=0"],
    ["date in words", "confirmed_on=yesterday confirmed_idx=0"],
    ["date without a place", "confirmed_on=2025-12-01T00:00:00"],
    ["place without a date", "confirmed_idx=0"],
    ["negative place", "confirmed_on=2025-12-01T00:00:00 confirmed_idx=-1"],
    ["place beyond 32 bits", "confirmed_on=2025-12-01T00:00:00 confirmed_idx=2147483648"],
    ["count that is negative", "pb_timeouts=-1"],
    ["count beyond bounds", "pb_timeouts=1000000001"],
    ["count that is none", "pb_timeouts=NaN"],
    ["nickname that is none", "nickname=../../x"],
  ] as const
) {
  Deno.test(`a ${what} is taken for none`, () => {
    const [guard] = parseTorState(`Guard in=default rsa_id=${identityOf(1)} ${field}\n`).guards;
    assert.equal(guard.confirmed, undefined);
    assert.deepEqual(guard.pathBias, NO_COUNTS);
    assert.equal(guard.nickname, "");
  });
}

Deno.test("no text makes the parser throw", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "Guard ",
      "in=default ",
      `rsa_id=${identityOf(1)} `,
      "=",
      "\n",
      "confirmed_on=",
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const { guards, bridges, ignored } = parseTorState(pieces.join(""));
      assert.ok(guards.length <= 1 && bridges >= 0 && ignored >= 0);
    }),
    { seed: 1 },
  );
});

Deno.test("imported guards are those that the client then uses, in C tor's order", () =>
  inDataDirectory(async (directory, clock) => {
    const { guards } = parseTorState(STATE);
    const result = await importGuards(directory, clock, guards.toReversed(), { replace: false });
    assert.deepEqual(result, { imported: 5, confirmed: 2 });
    const info = await Deno.stat(`${directory.path}/guard_state.json`);
    assert.equal((info.mode ?? 0) & 0o777, 0o600);
    const sample = await loadGuards(directory, clock);
    sample.update(network(clock));
    // Confirmed ones first, and by order of sampling.
    assert.deepEqual(primaries(sample), [identityOf(7), identityOf(5), identityOf(8)]);
    assert.deepEqual(sample.primaryGuards().map(({ confirmed }) => confirmed), [true, false, true]);
    assert.equal(select(sample).router.rsaIdentity, identityOf(7));
    const [first] = sample.statistics().guards;
    assert.equal(first.pathBias.circAttempts, 151.5);
    assert.match(first.address, /:9001$/);
    await sample.close();
  }));

Deno.test("guards that were used are not replaced, unless one says so", () =>
  withGuards(async ({ guards, directory, clock }) => {
    guards.update(network(clock));
    const [used] = primaries(guards);
    guards.noteSuccess(select(guards));
    await guards.flush();
    const { guards: imported } = parseTorState(STATE);
    await assert.rejects(importGuards(directory, clock, imported, { replace: false }), (error) => {
      assert.ok(error instanceof GuardError);
      assert.equal(error.code, "guards-already-confirmed");
      assert.ok(!error.message.includes(used));
      return true;
    });
    await importGuards(directory, clock, imported, { replace: true });
    const again = await loadGuards(directory, clock);
    again.update(network(clock));
    const all = again.statistics().guards.map(({ rsaIdentity }): RsaIdentity => rsaIdentity);
    assert.ok(!all.slice(0, 4).includes(used));
    await again.close();
  }));

Deno.test("guards that were only sampled are in nobody's way", () =>
  withGuards(async ({ guards, directory, clock }) => {
    guards.update(network(clock));
    await guards.flush();
    const { guards: imported } = parseTorState(STATE);
    const result = await importGuards(directory, clock, imported, { replace: false });
    assert.equal(result.imported, 5);
  }));

Deno.test("a file without guards replaces nothing", () =>
  inDataDirectory(async (directory, clock) => {
    await assert.rejects(importGuards(directory, clock, [], { replace: true }), {
      code: "no-guards-to-import",
    });
    assert.equal(await directory.read("guard_state.json", 1000), undefined);
  }));

Deno.test("dates to come do not make a guard stay for longer", () =>
  inDataDirectory(async (directory, clock) => {
    const line =
      `Guard in=default rsa_id=${identityOf(7)} sampled_on=2099-01-01T00:00:00 listed=1 ` +
      "confirmed_on=2099-01-01T00:00:00 confirmed_idx=0";
    await importGuards(directory, clock, parseTorState(line).guards, { replace: false });
    const sample = await loadGuards(directory, clock);
    clock.advance(61 * DAY);
    sample.update(testNetDir({ relays: [{ number: 7 }, { number: 8 }], validAfter: clock.now() }));
    assert.ok(sample.primaryGuards().every(({ confirmed }) => !confirmed));
    await sample.close();
  }));
