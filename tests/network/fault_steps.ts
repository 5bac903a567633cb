/**
 * End-to-end steps: relays that are killed or stopped under a client with streams.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type FaultReport, FaultRun, faultTable } from "./fault_run.ts";
import type { World } from "./world.ts";

/** How long new requests may wait after a fault, in milliseconds. */
const NEW_REQUESTS_WITHIN = 10_000;

/**
 * The same after all relays were gone: relays of C tor do not try one again for a minute that they could
 * not connect to, so that many circuits fail on the way although every relay is back.
 */
const AFTER_OUTAGE_WITHIN = 30_000;

/** How long a relay is stopped, in milliseconds. */
const PAUSE = 30_000;

/** How long all relays stay away, in milliseconds. */
const OUTAGE = 5_000;

/**
 * Runs all steps. The one in which a guard is stopped has a client of its own: for the others that guard
 * would be one that they must do without.
 */
export async function faultSteps(t: Deno.TestContext, world: World): Promise<void> {
  const { network } = world;
  const reports: FaultReport[] = [];
  const step = (name: string, fn: () => Promise<FaultReport>, limit = NEW_REQUESTS_WITHIN) =>
    t.step(name, async () => {
      const report = await fn();
      reports.push(report);
      const waited = Math.max(report.fresh, report.used);
      assert.ok(waited <= limit, `new requests waited ${Math.round(waited)} ms`);
    });

  await step("the guard stops for 30 s under 20 streams", async () => {
    await using run = await FaultRun.start(world);
    return await run.run(() => {
      const node = network.node(relayInUse(run, 0));
      const since = performance.now();
      return {
        name: `SIGSTOP of guard, ${PAUSE / 1000} s`,
        victims: new Set([node.fingerprint]),
        recovers: true,
        strike: () => node.pause(),
        mend: async () => {
          const left = since + PAUSE - performance.now();
          if (left > 0) await new Promise((wake) => setTimeout(wake, left));
          node.resume();
        },
      };
    });
  });

  await using run = await FaultRun.start(world);
  // Nothing that was killed comes back before the end: a C tor relay that could not connect to
  // another one does not try it again for a minute, whatever a client asks of it.
  for (const [hop, position] of [[2, "exit"], [1, "middle"], [0, "guard"]] as const) {
    await step(`the ${position} is killed under 20 streams`, () =>
      run.run(() => {
        const node = network.node(relayInUse(run, hop));
        return {
          name: `SIGKILL of ${position}`,
          victims: new Set([node.fingerprint]),
          strike: () => node.kill(),
        };
      }));
  }

  await step("all relays are killed and brought back", () =>
    run.run(() => ({
      name: `SIGKILL of all relays, ${OUTAGE / 1000} s`,
      victims: new Set(network.nodes.map(({ fingerprint }) => fingerprint)),
      strike: async () => void await Promise.all(network.nodes.map((node) => node.kill())),
      meanwhile: async () => {
        await new Promise((wake) => setTimeout(wake, OUTAGE));
        await Promise.all(network.nodes.map((node) => node.restart()));
      },
    })), AFTER_OUTAGE_WITHIN);
  console.log(faultTable(reports));
}

/** A relay that stands at this place of a circuit with streams, and in as few others as may be. */
function relayInUse(run: FaultRun, hop: number): string {
  const circuits = run.circuitsInUse;
  const uses = (relay: string) => circuits.filter((relays) => relays.includes(relay)).length;
  const [least] = circuits.map((relays) => relays[hop]).toSorted((a, b) => uses(a) - uses(b));
  return least;
}
