/**
 * Relays that break the protocol on one circuit, and what must come of it.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import { httpUpload } from "../network/http_client.ts";
import { onFirstCircuit, type Position } from "./first_circuit.ts";
import { Scenario, type ScenarioOptions } from "./scenario.ts";

/** A network without congestion control: fixed windows, and SENDMEs for streams. */
export const FIXED_WINDOWS: ScenarioOptions = { parameters: "cc_alg=0" };

/** Relays of a position that all misbehave, on the first circuit with a stream alone. */
export function startWith(
  misbehaviour: Misbehaviour,
  position: Position = "exit",
  options: ScenarioOptions = {},
  otherwise?: Misbehaviour,
): Promise<Scenario> {
  const first = onFirstCircuit(misbehaviour, position, otherwise);
  const misbehaviours = { [`${position}0`]: first, [`${position}1`]: first };
  return Scenario.start({ ...options, misbehaviours });
}

/** A circuit of an exit was closed by the client, which never says why. */
async function closedByClient(scenario: Scenario, since: number): Promise<void> {
  await scenario.wait(
    scenario.network.events.until(
      (event) =>
        event.kind === "circuit-closed" && event.relay.startsWith("exit") &&
        event.received && event.reason === 0,
      { since },
    ),
  );
}

/**
 * Fails unless the client closes one circuit for a violation, counts it for whoever may have done it,
 * and goes on with others.
 *
 * @param suspects the positions of those that it is counted for
 */
export async function expectViolation(
  scenario: Scenario,
  what: string,
  suspects: readonly Position[],
  since: number,
): Promise<void> {
  await scenario.logged(`${what} [circuit-protocol-violation]`);
  await closedByClient(scenario, since);
  const { client: { violations }, network } = scenario;
  const roles = network.relays.flatMap(({ role, keys }) => {
    const { "circuit-protocol-violation": count = 0, ...others } = violations.of(keys.rsaId);
    assert.deepEqual(others, {});
    return count === 0 ? [] : [`${count} by a ${role}`];
  });
  assert.deepEqual(roles, suspects.map((role) => `1 by a ${role}`));
  await scenario.download(100_000);
  const closed = scenario.log.lines.filter((line) =>
    line.includes("Closing circuit") && line.includes("[circuit-protocol-violation]")
  );
  assert.equal(closed.length, 1);
}

/** A download that the relays cut off in the middle. */
export async function cutOffDownload(scenario: Scenario): Promise<void> {
  const length = 400_000;
  const came = await scenario.get(length).then((result) => result.length, () => 0);
  assert.ok(came < length, "the download was complete");
}

/** An upload that the relays cut off in the middle. */
export async function cutOffUpload(scenario: Scenario): Promise<void> {
  await assert.rejects(async () => await httpUpload(await scenario.connect(), 400_000, 0));
}
