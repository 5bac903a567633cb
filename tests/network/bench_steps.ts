/**
 * A round of the benchmark beside C tor, small: whether it works, not how fast anything is.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { networkPicture } from "../../bench/network_picture.ts";
import { measureRound, type Round } from "../../bench/network_round.ts";
import { ROWS, table } from "../../bench/network_table.ts";
import type { World } from "./world.ts";

const SIZES = { down: 1_000_000, share: 100_000, shares: 3, up: 1_000_000, warmRequests: 3 };

/** Measures both clients once. */
export async function benchSteps(t: Deno.TestContext, world: World): Promise<void> {
  await t.step("the benchmark gives every figure of both clients", async () => {
    const program = fileURLToPath(new URL("../../main.ts", import.meta.url));
    const rounds: Round[] = [];
    for (const kind of ["tor", "chive"] as const) {
      rounds.push(await measureRound(world, kind, program, SIZES));
    }
    for (const round of rounds) {
      for (const { key, label } of ROWS) {
        // So little is carried that no CPU time may be counted.
        const isRight = key.startsWith("cpu") ? round[key] >= 0 : round[key] > 0;
        assert.ok(isRight && Number.isFinite(round[key]), `${round.client}: ${label}`);
      }
    }
    const text = table(rounds);
    const picture = networkPicture(rounds);
    for (const { label } of ROWS) assert.ok(text.includes(label) && picture.includes(label));
    assert.ok(!text.includes("NaN") && !picture.includes("NaN"));
  });
}
