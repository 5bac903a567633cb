import assert from "node:assert/strict";
import { ClientMetrics } from "../../src/monitor/client_metrics.ts";
import { RecentLines } from "../../src/observe/recent_lines.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { FakeClient, STATISTICS } from "./fake_client.ts";
import { hasProgram, runProgram } from "./program.ts";

function setUp(client = FakeClient.started()) {
  const warnings = new RecentLines();
  const clock = new FakeClock();
  return { client, metrics: new ClientMetrics({ client, clock, version: "1.2.3", warnings }) };
}

/** The lines that are no comments. */
async function samples(metrics: ClientMetrics): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

Deno.test("ClientMetrics: what the client has, as it is when it is asked", async () => {
  const { client, metrics } = setUp();
  const first = await samples(metrics);
  for (
    const line of [
      'chive_build_info{version="1.2.3"} 1',
      "chive_start_time_seconds 1767225600",
      "chive_bootstrap_ratio 1",
      "chive_ready 1",
      'chive_circuits{purpose="general",state="clean"} 0',
      'chive_circuits{purpose="general",state="used"} 1',
      'chive_circuits{purpose="general",state="retired"} 0',
      'chive_circuits{purpose="conflux",state="clean"} 1',
      'chive_circuits{purpose="conflux",state="used"} 0',
      'chive_circuits{purpose="conflux",state="retired"} 0',
      'chive_circuits{purpose="general",state="building"} 2',
      'chive_circuits{purpose="directory",state="used"} 1',
      "chive_circuits_built_total 11",
      'chive_circuit_build_failures_total{reason="circuit-destroyed"} 2',
      'chive_guards{state="unreachable"} 1',
      'chive_channels{state="open"} 2',
      'chive_channel_failures_total{class="timeout"} 2',
      'chive_channel_retries_total{class="refused"} 1',
      'chive_tls_refusals_total{reason="tls-signature"} 1',
      "chive_read_bytes_total 5000000",
      "chive_written_bytes_total 400000",
      'chive_streams{state="waiting"} 1',
      'chive_requests_total{outcome="failed"} 2',
      'chive_request_failures_total{reason="no-exit"} 2',
      'chive_stream_retries_total{reason="stream-circuit-closed"} 3',
      "chive_directory_age_seconds 3600",
      "chive_directory_fresh 1",
      'chive_directory_requests_total{document="microdescriptors"} 3',
    ]
  ) assert.ok(first.includes(line), line);
  client.numbers = { ...STATISTICS, streams: 7 };
  client.ready = { ready: false, why: "not now" };
  const second = await samples(metrics);
  assert.ok(second.includes('chive_streams{state="open"} 7') && second.includes("chive_ready 0"));
  assert.ok(second.includes("chive_circuits_built_total 11"), "asking twice does not count twice");
});

Deno.test("ClientMetrics: build times and delays are counted as they happen, until the end", async () => {
  const { client, metrics } = setUp();
  for (const took of [80, 700, 700]) client.listeners.forEach((listener) => listener(took));
  metrics.noteEventLoopDelay(3);
  const lines = await samples(metrics);
  for (
    const line of [
      'chive_circuit_build_seconds_bucket{le="0.1"} 1',
      'chive_circuit_build_seconds_bucket{le="1"} 3',
      "chive_circuit_build_seconds_sum 1.48",
      'chive_event_loop_delay_seconds_bucket{le="0.005"} 1',
    ]
  ) assert.ok(lines.includes(line), line);
  metrics[Symbol.dispose]();
  assert.equal(client.listeners.size, 0);
});

Deno.test("ClientMetrics: no destination and no isolation is among them", async () => {
  const { metrics } = setUp();
  assert.ok(!/secret|password|example\.com/.test(await metrics.text()));
});

Deno.test("ClientMetrics: promtool finds nothing wrong with the metrics", {
  ignore: !await hasProgram("promtool"),
}, async () => {
  const { metrics } = setUp();
  const { code, output } = await runProgram(
    "promtool",
    ["check", "metrics"],
    await metrics.text(),
  );
  assert.deepEqual([code, output], [0, ""]);
});

Deno.test("ClientMetrics: also before there is a consensus", {
  ignore: !await hasProgram("promtool"),
}, async () => {
  const client = new FakeClient();
  client.numbers = {
    ...STATISTICS,
    directory: { ...STATISTICS.directory, consensus: undefined },
  };
  const { metrics } = setUp(client);
  assert.ok((await samples(metrics)).includes("chive_directory_age_seconds Nan"));
  const { code, output } = await runProgram("promtool", ["check", "metrics"], await metrics.text());
  assert.deepEqual([code, output], [0, ""]);
});

/** Every query of the dashboard. */
async function dashboardQueries(): Promise<string[]> {
  const dashboard = new URL("../../deploy/grafana/chive.json", import.meta.url);
  const { panels } = JSON.parse(await Deno.readTextFile(dashboard));
  return panels.flatMap(
    ({ targets = [] }: { targets?: { expr: string }[] }) => targets.map(({ expr }) => expr),
  );
}

Deno.test("ClientMetrics: the dashboard shows all of them, and asks for no other", async () => {
  const { metrics } = setUp();
  const asked = (await dashboardQueries())
    .flatMap((expression) => expression.match(/chive_[a-z_]+/g) ?? [])
    .map((name) => name.replace(/_(bucket|sum|count)$/, ""));
  assert.deepEqual([...new Set(asked)].toSorted(), [...metrics.names].toSorted());
});

Deno.test("ClientMetrics: promtool understands every query of the dashboard", {
  ignore: !await hasProgram("promtool"),
}, async () => {
  const rules = (await dashboardQueries()).map((expression, index) => ({
    record: `query${index}`,
    // What Grafana puts in.
    expr: expression.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*"),
  }));
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    // Every JSON is YAML.
    await Deno.writeTextFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const { code, output } = await runProgram("promtool", ["check", "rules", file]);
    assert.equal(code, 0, output);
    assert.match(output, new RegExp(`SUCCESS: ${rules.length} rules found`));
  } finally {
    await Deno.remove(file);
  }
});
