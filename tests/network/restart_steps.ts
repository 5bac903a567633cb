/**
 * End-to-end steps: what a client keeps over a restart, and how it ends.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type ClientOptions, ClientProcess } from "./client_process.ts";
import { tcpPeers } from "./process_counters.ts";
import { download } from "./transfer_steps.ts";
import type { World } from "./world.ts";

/** How long a client may take to end after SIGTERM, in milliseconds. */
const QUICK_END = 5_000;

/** How often the client is started again with what it has kept. */
const RESTARTS = 2;

/** Runs the steps; they stop the client and start it again with its data directory. */
export async function restartSteps(
  t: Deno.TestContext,
  world: World,
  client: ClientProcess,
  options: ClientOptions,
): Promise<void> {
  const { network, target } = world;
  const guards = await guardsOf(client, world);

  await t.step("SIGTERM ends the client with exit code 0", async () => {
    await assertEndsQuickly(client);
  });

  await t.step("a restart keeps the directory and the guards", async () => {
    const before = await network.directoryRequests();
    for (let restart = 0; restart < RESTARTS; restart++) {
      await using again = await ClientProcess.start(network, {
        ...options,
        dataDirectory: client.dataDirectory,
      });
      await again.bootstrapped();
      await download(again, target, 1_000_000, 60 + restart);
      const used = await guardsOf(again, world);
      assert.ok(used.size > 0, "the client is connected to a guard");
      assert.ok(used.isSubsetOf(guards), `guards ${[...used]} are of those before, ${[...guards]}`);
      await assertEndsQuickly(again);
    }
    const added = await network.directoryRequestsSince(before);
    assert.deepEqual(added, [], "the client downloaded no directory document again");
  });
}

/** The relays that the client is connected to; authorities are asked, but never guards here. */
async function guardsOf(client: ClientProcess, world: World): Promise<Set<string>> {
  const peers = await tcpPeers(client.process.pid);
  return new Set(
    world.network.nodes
      .filter(({ role, hostname, orPort }) =>
        role !== "authority" && peers.has(`${hostname}:${orPort}`)
      )
      .map(({ nickname }) => nickname),
  );
}

async function assertEndsQuickly(client: ClientProcess): Promise<void> {
  const start = performance.now();
  const { code, signal } = await client.stop();
  const took = performance.now() - start;
  assert.deepEqual({ code, signal }, { code: 0, signal: null });
  assert.ok(took < QUICK_END, `the client took ${Math.round(took)} ms to end`);
}
