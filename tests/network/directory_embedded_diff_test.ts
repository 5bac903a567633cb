/**
 * A whole client fetches the next consensus as a diff, from a guard through a circuit, while it
 * goes on to carry streams.
 */
import assert from "node:assert/strict";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { sleep, SystemClock } from "../../src/runtime/clock.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { httpGet } from "./http_client.ts";
import { InProcessClient } from "./in_process_client.ts";
import { WebServer } from "./web_server.ts";

const WEB_NAME = "web.diff.example";
/** How long the client may take once a consensus is due, in ms. */
const TIMEOUT = 20_000;
const HOUR = 60 * 60_000;

/** The machine's clock, as if somebody had set it. */
class SetClock extends SystemClock {
  /** By how much, in ms. */
  ahead = 0;

  override now(): number {
    return super.now() + this.ahead;
  }
}

/** Until the client holds the network's newest consensus. */
async function untilCurrent(client: InProcessClient, network: EmbeddedNetwork): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT);
  const isCurrent = () =>
    client.tor.statistics().directory.consensus?.validAfter === network.documents.validAfter;
  while (!isCurrent()) await sleep(new SystemClock(), 50, signal);
}

Deno.test("a client keeps its consensus fresh by diffs, through its guards", async () => {
  const clock = new SetClock();
  await using web = new WebServer("127.0.0.1");
  await using network = await EmbeddedNetwork.start({
    clock,
    guards: 3,
    names: { [WEB_NAME]: web.hostname },
  });
  const folder = await Deno.makeTempDir({ prefix: "chive-diff-" });
  try {
    await using client = await InProcessClient.start(
      {
        makeDirectory: (name) => Promise.resolve(`${folder}/${name}`),
        clientTorrc: (options) => network.clientTorrc(options),
      },
      { runtime: { clock } },
    );
    await client.bootstrapped();
    const statistics = () => client.tor.statistics().directory;
    const download = async () => {
      const target = { hostname: WEB_NAME, port: web.port };
      const conn = await client.connect(target, `${clock.ahead}`);
      assert.equal((await httpGet(conn, "/bytes/1000?seed=1")).length, 1000);
    };
    await download();
    assert.equal(statistics().diffs.applied, 0);
    for (let applied = 1; applied <= 2; applied++) {
      const { nextFetch, consensus } = statistics();
      assert.ok(nextFetch !== undefined && consensus !== undefined);
      const age = nextFetch - consensus.validAfter;
      assert.ok(age > 1.75 * HOUR && age < 3 * HOUR, `asked for after ${age} ms`);
      clock.ahead += nextFetch - clock.now();
      network.documents.list([]);
      await untilCurrent(client, network);
      assert.deepEqual(statistics().diffs, { applied, failed: 0 });
      const { requests, received, uncompressed } = statistics().total.byKind["consensus-diff"];
      assert.equal(requests, applied);
      assert.ok(received > 0 && uncompressed < applied * network.documents.consensus.length);
      assert.equal(statistics().consensus?.liveness, "live");
      await download();
    }
    await client.tor.stop();
    const file = await Deno.readFile(`${folder}/chive/cached-microdesc-consensus`);
    assert.deepEqual(file, new Uint8Array(network.documents.consensus));
    assert.equal(parseConsensus(file).validAfter, network.documents.validAfter);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
