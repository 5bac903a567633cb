/**
 * A client with two relays of each kind, of which one cannot be a hop of its circuits.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import { assertCounted, downloadUntilLogged } from "./bad_guard.ts";
import type { Position } from "./first_circuit.ts";
import { Scenario, type ScenarioOptions } from "./scenario.ts";

/** How a misbehaviour ends, seen from the client. */
export interface Expected {
  /** Of the error that circuits end with. */
  readonly code: string;
  readonly isViolation?: boolean;
  /** Whether circuits through the relay can never be built; true unless given. */
  readonly isUseless?: boolean;
}

/** Two relays of each kind, and the first of one kind misbehaves. */
export function startWithBad(
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
export async function assertCircuitsFail(
  position: Position,
  misbehaviour: Misbehaviour,
  expected: Expected,
  options?: ScenarioOptions,
): Promise<void> {
  const { code, isViolation = false, isUseless = true } = expected;
  await using scenario = await startWithBad(position, misbehaviour, options);
  await downloadUntilLogged(scenario, `[${code}]`);
  await scenario.download(100_000, "afterwards");
  const { rsaId } = scenario.network.relay(`${position}0`).keys;
  if (isUseless) assert.ok(!scenario.client.circuits.flat().includes(rsaId));
  assertCounted(scenario, `${position}0`, isViolation ? code : undefined);
}

/** The relay has not proved that it knows its keys, or has answered nonsense. */
export const BAD_HANDSHAKE: Expected = { code: "circuit-handshake-failed", isViolation: true };
