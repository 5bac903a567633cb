/** The monitor of a real client, on a network of our own relays. */
import assert from "node:assert/strict";
import { buildConfig } from "../../src/config/build.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { Monitor } from "../../src/monitor/monitor.ts";
import { readStatus } from "../../src/monitor/status_schema.ts";
import { RecentLines } from "../../src/observe/recent_lines.ts";
import { SystemClock } from "../../src/runtime/clock.ts";
import { formatAddress } from "../../src/runtime/network.ts";
import { Scenario, WEB_NAME } from "../misbehaviour/scenario.ts";

/** What a path answers: status and text. */
type Ask = (path: string) => Promise<readonly [status: number, text: string]>;

function monitorOf(scenario: Scenario): Monitor {
  const { config } = buildConfig([parseTorrc("MetricsPort auto", "torrc")]);
  const monitor = Monitor.listen({
    clock: new SystemClock(),
    options: config.metrics,
    version: "1.2.3",
    warnings: new RecentLines(),
    safeLogging: true,
  });
  monitor.watch(scenario.client);
  return monitor;
}

function asking({ addresses }: Monitor): Ask {
  return async (path) => {
    const response = await fetch(`http://${formatAddress(addresses[0])}${path}`);
    return [response.status, await response.text()];
  };
}

/** The value of a metric without labels, or of one sample of one with them. */
function valueOf(metrics: string, sample: string): number {
  const line = metrics.split("\n").find((each) => each.startsWith(`${sample} `));
  assert.ok(line !== undefined, `no ${sample}`);
  return Number(line.slice(sample.length + 1));
}

Deno.test("a client is not ready before it has joined, and says how far it is", async () => {
  await using scenario = await Scenario.start({ bootstrap: false });
  await using monitored = monitorOf(scenario);
  const ask = asking(monitored);
  const [status, why] = await ask("/readyz");
  assert.equal(status, 503);
  assert.match(why, /^Bootstrapping is at \d+%: /);
  assert.equal((await ask("/healthz"))[0], 200);
  assert.match((await ask("/"))[1], /<progress max="100" value="\d+">/);
  await scenario.bootstrapped();
  assert.deepEqual(await ask("/readyz"), [200, "ready\n"]);
});

Deno.test("circuits, guards, channels and bytes of a client at work, and no destination", async () => {
  await using scenario = await Scenario.start({ seed: "a monitored client" });
  await using monitored = monitorOf(scenario);
  const ask = asking(monitored);
  const before = readStatus((await ask("/status.json"))[1]);
  await scenario.download(200_000);
  const [, json] = await ask("/status.json");
  const report = readStatus(json);
  const { client, network } = scenario;
  assert.deepEqual(
    report.circuits.map(({ relays }) => relays.map(({ fingerprint }) => fingerprint)),
    client.circuits,
  );
  const names = new Map<string, string>(
    network.relays.map(({ keys, nickname }) => [keys.rsaId, nickname]),
  );
  for (const { nickname, fingerprint } of report.circuits.flatMap(({ relays }) => relays)) {
    assert.equal(nickname, names.get(fingerprint));
  }
  assert.ok(report.guards.some(({ state, primary }) => state === "reachable" && primary));
  assert.deepEqual(
    report.channels.map(({ fingerprint }) => fingerprint),
    client.channelStatus.map(({ relay }) => relay),
  );
  assert.equal(report.streams.opened, before.streams.opened + 1);
  assert.ok(report.traffic.read - before.traffic.read > 200_000);
  assert.ok(report.directory?.fresh);

  const [, metrics] = await ask("/metrics");
  assert.equal(valueOf(metrics, "chive_ready"), 1);
  assert.ok(valueOf(metrics, "chive_read_bytes_total") >= report.traffic.read);
  assert.ok(valueOf(metrics, 'chive_requests_total{outcome="opened"}') >= 1);
  assert.ok(valueOf(metrics, "chive_directory_age_seconds") >= 0);

  const [, page] = await ask("/");
  for (const { relays } of report.circuits) assert.ok(page.includes(relays[0].nickname));
  for (const text of [json, metrics, page]) {
    assert.ok(!text.includes(WEB_NAME) && !text.includes(scenario.web.hostname));
  }
});
