/**
 * SIGKILL at random moments while the guards are being written. CHIVE_KILL_ROUNDS says how often;
 * without it there are as many rounds as a few seconds allow.
 */
import assert from "node:assert/strict";
import { randomBelow } from "../../src/runtime/random.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

const DEFAULT_ROUNDS = 60;
const LONGEST_DELAY = 40;

interface Outcome {
  /** What the child wrote; `undefined` when it ended by itself before. */
  readonly primary: string | undefined;
  readonly complaints: string;
}

/** Starts a child, and kills it `delay` ms after it has told its primary guards. */
async function killedChild(folder: string, delay: number): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      `--allow-read=${folder}`,
      `--allow-write=${folder}`,
      new URL("kill_child.ts", import.meta.url).pathname,
      folder,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const complaints = new Response(child.stderr).text();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let written = "";
  for (;;) {
    const { value, done } = await reader.read();
    written += value ?? "";
    if (done || written.includes("\n")) break;
  }
  // The moment of the kill is what is random here: nothing is waited for.
  await new Promise((resolve) => setTimeout(resolve, delay));
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  await reader.cancel();
  const { signal } = await child.status;
  return {
    primary: signal === "SIGKILL" ? written.trim() : undefined,
    complaints: await complaints,
  };
}

Deno.test("whenever the process is killed, the next one has the same primary guards", async () => {
  const rounds = Number(Deno.env.get("CHIVE_KILL_ROUNDS") ?? DEFAULT_ROUNDS);
  const random = new SeededRandom("kill");
  const folder = await Deno.makeTempDir();
  const started = performance.now();
  let first: string | undefined;
  let duringWrite = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      const { primary, complaints } = await killedChild(folder, randomBelow(random, LONGEST_DELAY));
      assert.equal(complaints, "", `round ${round}`);
      assert.ok(primary !== undefined && JSON.parse(primary).length === 3, `round ${round}`);
      first ??= primary;
      assert.equal(primary, first, `round ${round}`);
      const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
      if (names.includes("guard_state.json.tmp")) duringWrite++;
      // Nothing was set aside, and what an earlier kill left is gone.
      const known = ["guard_state.json", "guard_state.json.tmp", "lock"];
      assert.deepEqual(names.filter((name) => !known.includes(name)), [], `round ${round}`);
      assert.equal((Deno.statSync(`${folder}/guard_state.json`).mode ?? 0) & 0o777, 0o600);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${rounds} kills in ${seconds} s, ${duringWrite} of them during a write`);
  assert.ok(duringWrite > 0 || rounds < DEFAULT_ROUNDS, "some kills hit a write");
});
