/**
 * End to end: what a client does when relays of a private network of real C tor fail, and which
 * guards it keeps.
 */
import assert from "node:assert/strict";
import { faultSteps } from "./fault_steps.ts";
import { guardSteps } from "./guard_steps.ts";
import { leakSteps } from "./leak_steps.ts";
import { missingForWorld, World } from "./world.ts";

const missing = await missingForWorld();
const mustRun = Deno.env.get("CI") === "true";
const name = "faults of a real Tor network";

Deno.test({
  name: missing ? `${name} (skipped: ${missing})` : name,
  ignore: missing !== undefined && !mustRun,
  fn: async (t) => {
    assert.equal(missing, undefined, "everything that the real network needs is here");
    await using world = await World.start({ exits: 5, middles: 5 });
    await guardSteps(t, world);
    if (!Deno.env.get("ONLY_GUARDS")) await faultSteps(t, world);
    await leakSteps(t, world);
  },
});
