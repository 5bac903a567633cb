/**
 * End to end: a client through a private network of real C tor.
 *
 * One test, so that the network is started once, its end is certain, and Deno's sanitizers watch
 * all of it; its steps live in the files beside this one.
 */
import assert from "node:assert/strict";
import { benchSteps } from "./bench_steps.ts";
import { type ClientKind, type ClientOptions, ClientProcess } from "./client_process.ts";
import { restartSteps } from "./restart_steps.ts";
import { socksSteps } from "./socks_steps.ts";
import { download, transferSteps } from "./transfer_steps.ts";
import { missingForWorld, World } from "./world.ts";

const missing = await missingForWorld();
const mustRun = Deno.env.get("CI") === "true";

Deno.test({
  name: missing ? `a real Tor network (skipped: ${missing})` : "a real Tor network",
  ignore: missing !== undefined && !mustRun,
  fn: async (t) => {
    assert.equal(missing, undefined, "everything that the real network needs is here");
    const pids: number[] = [];
    let directory: string;
    {
      await using world = await World.start();
      pids.push(...world.network.nodes.map(({ process }) => process.pid));
      directory = `${world.network.nodes[0].dataDirectory}/..`;
      await stepsWithClient(t, world, pids);
      await benchSteps(t, world);
    }
    await t.step("nothing of the network is left", async () => {
      await assert.rejects(Deno.stat(directory), Deno.errors.NotFound);
      for (const pid of pids) await assert.rejects(Deno.stat(`/proc/${pid}`), Deno.errors.NotFound);
    });
  },
});

async function stepsWithClient(t: Deno.TestContext, world: World, pids: number[]): Promise<void> {
  const options: ClientOptions = {
    kind: clientUnderTest(),
    // With two legs to an exit, five relays would share the bytes that three are to carry.
    more: ["ConfluxEnabled 0"],
  };
  const requestsBefore = await world.network.directoryRequests();
  await using client = await ClientProcess.start(world.network, options);
  pids.push(client.process.pid);
  const joined = await t.step("the client joins, and the first byte comes", async () => {
    await client.bootstrapped();
    await download(client, world.target, 1000, 0);
    const requests = (await world.network.directoryRequestsSince(requestsBefore)).join("\n");
    for (const document of ["status-vote/current/consensus-microdesc", "keys/", "micro/d/"]) {
      assert.ok(requests.includes(`/tor/${document}`), `${document} was asked for:\n${requests}`);
    }
  });
  if (!joined) return;
  await transferSteps(t, world, client);
  await socksSteps(t, world, client);
  await restartSteps(t, world, client, options);
}

/** chive, unless CHIVE_TEST_CLIENT=tor asks for C tor, which tells whether a test is itself right. */
function clientUnderTest(): ClientKind {
  return Deno.env.get("CHIVE_TEST_CLIENT") === "tor" ? "tor" : "chive";
}
