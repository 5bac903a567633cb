import assert from "node:assert/strict";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import * as bad from "../../testnet/misbehaviours/circuit.ts";
import { assertCircuitsFail, BAD_HANDSHAKE, type Expected } from "./bad_circuits.ts";
import type { Position } from "./first_circuit.ts";
import { HurriedClock } from "./hurried_clock.ts";
import { Scenario } from "./scenario.ts";

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
