import assert from "node:assert/strict";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import * as bad from "../../testnet/misbehaviours/circuit.ts";
import { assertCounted, downloadUntilLogged } from "./bad_guard.ts";
import { HurriedClock } from "./hurried_clock.ts";
import { Scenario, type ScenarioOptions } from "./scenario.ts";

type Position = "guard" | "middle" | "exit";

/** How a misbehaviour ends, seen from the client. */
interface Expected {
  /** Of the error that circuits end with. */
  readonly code: string;
  readonly isViolation?: boolean;
  /** Whether circuits through the relay can never be built; true unless given. */
  readonly isUseless?: boolean;
}

/** Two relays of each kind, and the first of one kind misbehaves. */
function start(
  position: Position,
  misbehaviour: Misbehaviour,
  options: ScenarioOptions = {},
): Promise<Scenario> {
  return Scenario.start({
    seed: `${position} ${misbehaviour.name}`,
    ...options,
    torrc: ["NumEntryGuards 2"],
    misbehaviours: { [`${position}0`]: misbehaviour },
  });
}

/** Circuits through the relay fail as expected, downloads do not, and others are used instead. */
async function assertCircuitsFail(
  position: Position,
  misbehaviour: Misbehaviour,
  expected: Expected,
  options?: ScenarioOptions,
): Promise<void> {
  const { code, isViolation = false, isUseless = true } = expected;
  await using scenario = await start(position, misbehaviour, options);
  await downloadUntilLogged(scenario, `[${code}]`);
  await scenario.download(100_000, "afterwards");
  const { rsaId } = scenario.network.relay(`${position}0`).keys;
  if (isUseless) assert.ok(!scenario.client.circuits.flat().includes(rsaId));
  assertCounted(scenario, `${position}0`, isViolation ? code : undefined);
}

const BAD_HANDSHAKE: Expected = { code: "circuit-handshake-failed", isViolation: true };

/** Misbehaviours in the answer to CREATE2: at the guard, and as it comes from further on. */
const CREATED: readonly [Misbehaviour, Readonly<Record<Position, Expected>>][] = [
  [bad.WRONG_AUTH, { guard: BAD_HANDSHAKE, middle: BAD_HANDSHAKE, exit: BAD_HANDSHAKE }],
  [
    bad.wrongCreatedLength(63),
    { guard: BAD_HANDSHAKE, middle: BAD_HANDSHAKE, exit: BAD_HANDSHAKE },
  ],
  [bad.wrongCreatedLength(600), {
    guard: BAD_HANDSHAKE,
    // An honest relay does not pass that on.
    middle: { code: "circuit-destroyed" },
    exit: { code: "circuit-truncated" },
  }],
  [bad.DESTROYS_AT_ONCE, {
    guard: { code: "circuit-destroyed" },
    middle: { code: "circuit-truncated" },
    exit: { code: "circuit-truncated" },
  }],
];

for (const [misbehaviour, positions] of CREATED) {
  for (const position of ["guard", "middle", "exit"] as const) {
    Deno.test(`circuit: the ${position} with ${misbehaviour.name}`, async () => {
      await assertCircuitsFail(position, misbehaviour, positions[position]);
    });
  }
}

/** Relays that say nothing, where the client waits for them. */
const SILENCE: readonly [Position, Misbehaviour][] = [
  ["guard", bad.SILENT],
  ["middle", bad.SILENT],
  ["exit", bad.SILENT],
  ["guard", bad.SILENT_ABOUT_EXTEND],
  ["middle", bad.SILENT_ABOUT_EXTEND],
];

for (const [position, misbehaviour] of SILENCE) {
  Deno.test(`circuit: the ${position} with ${misbehaviour.name}`, async () => {
    const runtime = { clock: new HurriedClock(20) };
    await assertCircuitsFail(position, misbehaviour, { code: "circuit-timeout" }, { runtime });
  });
}

for (const position of ["guard", "middle"] as const) {
  Deno.test(`circuit: the ${position} with ${bad.TRUNCATES_AT_ONCE.name}`, async () => {
    await assertCircuitsFail(position, bad.TRUNCATES_AT_ONCE, { code: "circuit-truncated" });
  });

  Deno.test(`circuit: the ${position} with ${bad.extendsElsewhere().name}`, async () => {
    // The other relay knows that the handshake is not for it, and an honest one says so.
    const expected = { code: "circuit-truncated", isUseless: false };
    await assertCircuitsFail(position, bad.extendsElsewhere(), expected);
  });
}

for (const position of ["guard", "middle", "exit"] as const) {
  for (const how of ["DESTROY", "TRUNCATED"] as const) {
    Deno.test(`circuit: ${how} from the ${position} after data ends the download, and no more`, async () => {
      const misbehaviour = bad.endsAfterData(how);
      const misbehaviours = { [`${position}0`]: misbehaviour, [`${position}1`]: misbehaviour };
      await using scenario = await Scenario.start({ seed: how, misbehaviours });
      const length = 400_000;
      const came = (await scenario.get(length)).length;
      assert.ok(came > 0 && came < length, `${came} bytes`);
      const code = how === "DESTROY" && position === "guard"
        ? "circuit-destroyed"
        : "circuit-truncated";
      await scenario.logged(`[${code}]`);
      await scenario.download(length);
      assert.deepEqual(scenario.client.violations.relays, []);
    });
  }
}

Deno.test("circuit: an authority with a wrong hash of the keys in CREATED_FAST", async () => {
  // Which of the two is asked first is left to chance.
  const misbehaviour = bad.wrongKeyHashOnce();
  const misbehaviours = { authority0: misbehaviour, authority1: misbehaviour };
  await using scenario = await Scenario.start({ authorities: 2, misbehaviours });
  await scenario.download(100_000);
  const { violations } = scenario.client;
  const roles = violations.relays.map((identity) =>
    scenario.network.relays.find(({ keys }) => keys.rsaId === identity)?.role
  );
  assert.deepEqual(roles, ["authority"]);
  assert.deepEqual(violations.of(violations.relays[0]), { "circuit-handshake-failed": 1 });
});
