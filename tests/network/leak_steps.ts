/**
 * End-to-end step: what a client process holds after many guards have failed under it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { ClientProcess } from "./client_process.ts";
import type { CTorNode } from "./c_tor_node.ts";
import { tcpPeers } from "./process_counters.ts";
import { socks5Connect } from "./socks_client.ts";
import { SteadyStream } from "./steady_stream.ts";
import { download } from "./transfer_steps.ts";
import type { World } from "./world.ts";

/** How often every relay that the client is connected to is killed. */
const CYCLES = 5;

const STREAMS = 20;

/** How long a stream through a dead guard may take to end, in milliseconds. */
const END_WITHIN = 2_000;

/** What the process may grow by from the first cycle to the last, in bytes. */
const GROWTH = 24 * 1024 * 1024;

/** Runs the step, with a client of its own. */
export async function leakSteps(t: Deno.TestContext, world: World): Promise<void> {
  const { network, targetAddress: target } = world;

  await t.step(
    `a client process holds no more after ${CYCLES} failures of its guards`,
    async () => {
      await using client = await ClientProcess.start(network, { kind: "chive" });
      await client.bootstrapped();
      const memory: number[] = [];
      const channels: number[] = [];
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        await using opened = new AsyncDisposableStack();
        const streams = await Promise.all(Array.from({ length: STREAMS }, async (_, index) => {
          const isolation = `stream-${index % 5}`;
          const auth = { username: isolation, password: "" };
          const conn = await socks5Connect(client.socks, target, auth);
          return opened.use(new SteadyStream(conn, isolation, index));
        }));
        const started = await Promise.all(streams.map((stream) => stream.progress(END_WITHIN)));
        assert.deepEqual(new Set(started), new Set(["alive"]));
        const guards = await connectedNodes(client, world);
        await Promise.all(guards.map((guard) => guard.kill()));
        const ends = await Promise.all(streams.map((stream) => untilEnd(stream)));
        assert.ok(ends.every((fate) => fate === "ended"), `cycle ${cycle}: ${ends.join()}`);
        await Promise.all(guards.map((guard) => guard.restart()));
        await download(client, target, 1_000_000, cycle);
        memory.push((await client.memory()).anonymous);
        channels.push((await connectedNodes(client, world)).length);
      }
      console.log(
        `anonymous memory after each cycle: ${
          memory.map((bytes) => `${Math.round(bytes / 2 ** 20)} MiB`).join()
        }; channels: ${channels.join()}`,
      );
      const grown = memory[CYCLES - 1] - memory[0];
      assert.ok(grown <= GROWTH, `the process has grown by ${Math.round(grown / 2 ** 20)} MiB`);
      assert.equal(client.process.running, true);
    },
  );
}

async function untilEnd(stream: SteadyStream): Promise<string> {
  for (;;) {
    const fate = await stream.progress(END_WITHIN);
    // What was on the way still comes.
    if (fate !== "alive") return fate;
  }
}

/** The nodes that the client has channels to. */
async function connectedNodes(client: ClientProcess, world: World): Promise<CTorNode[]> {
  const peers = await tcpPeers(client.process.pid);
  return world.network.nodes.filter(({ address }) => peers.has(address));
}
