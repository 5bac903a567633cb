/**
 * End to end: a client that nobody uses goes to sleep, and wakes with the first request.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { SystemClock } from "../../src/runtime/clock.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { CountingNetwork } from "./counting_network.ts";
import { httpGet } from "./http_client.ts";
import { InProcessClient } from "./in_process_client.ts";
import { socks5Connect } from "./socks_client.ts";
import { bodySha256 } from "./test_body.ts";
import { WebServer } from "./web_server.ts";
import { whilePassing } from "./while_passing.ts";

const MINUTE = 60_000;
const WEB_NAME = "web.test.example";

Deno.test("a client without use becomes dormant, dials nobody, and serves the next request", async () => {
  await using resources = new AsyncDisposableStack();
  const web = resources.use(new WebServer("127.0.0.1"));
  const tor = resources.use(
    await EmbeddedNetwork.start({ names: { [WEB_NAME]: web.hostname }, middles: 2 }),
  );
  const clock = new FakeClock(new SystemClock().now());
  const network = resources.use(new CountingNetwork(() => clock.monotonic()));
  const dataDirectory = await Deno.makeTempDir();
  resources.defer(() => Deno.remove(dataDirectory, { recursive: true }));
  const client = resources.use(
    await InProcessClient.start(
      {
        clientTorrc: (options) => tor.clientTorrc(options),
        makeDirectory: () => Promise.resolve(dataDirectory),
      },
      {
        runtime: { clock, network, random: new SeededRandom("dormant") },
        more: ["DormantClientTimeout 10 minutes"],
      },
    ),
  );
  const pass = async (minutes: number) => {
    for (let step = 0; step < minutes * 60; step++) {
      clock.advance(MINUTE / 60);
      await setImmediate();
      await setImmediate();
    }
  };
  const download = async () => {
    const target = { hostname: WEB_NAME, port: web.port };
    const conn = await socks5Connect(client.socks, target);
    assert.equal((await httpGet(conn, "/bytes/1000")).sha256, bodySha256(1000, 0));
  };

  await whilePassing(clock, client.bootstrapped());
  await whilePassing(clock, download());
  assert.equal(client.tor.statistics().dormant, false);
  await pass(16);
  assert.equal(client.tor.statistics().dormant, true);

  // What was open is closed in time, and nothing takes its place.
  await pass(90);
  const attempts = network.attempts.length;
  assert.deepEqual([client.tor.circuitStatus, client.tor.channelStatus], [[], []]);
  await pass(60);
  assert.equal(network.attempts.length, attempts);

  await whilePassing(clock, download());
  assert.equal(client.tor.statistics().dormant, false);
  assert.ok(network.attempts.length > attempts);
});
