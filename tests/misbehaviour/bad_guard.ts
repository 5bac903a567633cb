/**
 * A client with two guards of which one misbehaves, and what it must do about that one.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import { Scenario, type ScenarioOptions } from "./scenario.ts";

/** The guard that misbehaves; guard1 is honest. */
export const BAD_GUARD = "guard0";
/** Circuits after which a guard of two was chosen, if it ever is. */
const ATTEMPTS = 32;

/** Starts a client whose circuits begin at either of two guards, of which the first misbehaves. */
export function startWithBadGuard(
  misbehaviour: Misbehaviour,
  options: ScenarioOptions = {},
): Promise<Scenario> {
  return Scenario.start({
    guards: 2,
    middles: 1,
    exits: 1,
    seed: misbehaviour.name,
    ...options,
    torrc: ["NumEntryGuards 2", ...options.torrc ?? []],
    misbehaviours: { [BAD_GUARD]: misbehaviour },
  });
}

/** Opens circuits one after the other, which must all work, and waits until the log says `part`. */
export async function downloadUntilLogged(scenario: Scenario, part: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS && scenario.log.count(part) === 0; attempt++) {
    await scenario.download(1000, `attempt ${attempt}`);
  }
  // What goes wrong by itself, as time goes by, needs no more circuits.
  await scenario.logged(part);
}

/** Fails unless circuits go through the honest guard alone and carry what they should. */
async function assertGoesOnWithout(scenario: Scenario): Promise<void> {
  await scenario.download(100_000, "afterwards");
  const { network, client } = scenario;
  const bad = network.relay(BAD_GUARD).keys.rsaId;
  assert.notEqual(client.circuits.length, 0);
  assert.ok(client.circuits.every((relays) => relays[0] !== bad));
}

/** Fails unless this relay, and nobody else, is counted with violations of this code alone. */
export function assertCounted(
  scenario: Scenario,
  nickname: string,
  code: string | undefined,
): void {
  const { violations } = scenario.client;
  const { rsaId } = scenario.network.relay(nickname).keys;
  assert.deepEqual(violations.relays, code === undefined ? [] : [rsaId]);
  assert.deepEqual(Object.keys(violations.of(rsaId)), code === undefined ? [] : [code]);
}

/** The whole course of things with a guard to which no channel can be opened. */
export async function assertGuardRefused(
  misbehaviour: Misbehaviour,
  expected: { readonly code: string; readonly isViolation: boolean },
  options: ScenarioOptions = {},
): Promise<void> {
  await using scenario = await startWithBadGuard(misbehaviour, options);
  const { code, isViolation } = expected;
  await downloadUntilLogged(scenario, `[${code}]`);
  await assertGoesOnWithout(scenario);
  assertCounted(scenario, BAD_GUARD, isViolation ? code : undefined);
}
