import assert from "node:assert/strict";
import { connect } from "node:net";
import { LOOPBACK_ONLY, parseAccessPolicy } from "../../src/config/access_policy.ts";
import { MonitorError } from "../../src/monitor/errors.ts";
import { Monitor, type MonitorParts } from "../../src/monitor/monitor.ts";
import { readStatus } from "../../src/monitor/status_schema.ts";
import { RecentLines } from "../../src/observe/recent_lines.ts";
import { formatAddress } from "../../src/runtime/network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { FakeClient, STATISTICS } from "./fake_client.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0 };

function parts(changes: Partial<MonitorParts> = {}): MonitorParts {
  return {
    clock: new FakeClock(),
    options: { ports: [LOOPBACK], policy: LOOPBACK_ONLY, hosts: [] },
    version: "1.2.3",
    warnings: new RecentLines(),
    safeLogging: true,
    ...changes,
  };
}

/** A monitor of a client. */
function start(changes: Partial<MonitorParts> = {}, client = FakeClient.started()): Monitor {
  const monitor = Monitor.listen(parts(changes));
  monitor.watch(client);
  return monitor;
}

/** Sends bytes, and gives all that comes back until the end. */
function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    socket.setEncoding("utf8");
    socket.on("data", (data: string) => text += data);
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
}

Deno.test("Monitor: it serves at every port, and ends with its timers and listeners", async () => {
  const client = FakeClient.started();
  const clock = new FakeClock();
  const options = { ports: [LOOPBACK, LOOPBACK], policy: LOOPBACK_ONLY, hosts: [] };
  const monitor = start({ clock, options }, client);
  assert.equal(monitor.addresses.length, 2);
  for (const address of monitor.addresses) {
    const response = await fetch(`http://${formatAddress(address)}/healthz`);
    assert.deepEqual([response.status, await response.text()], [200, "ok\n"]);
  }
  assert.deepEqual([clock.pendingTimers, client.listeners.size], [2, 1]);
  await monitor[Symbol.asyncDispose]();
  assert.deepEqual([clock.pendingTimers, client.listeners.size], [0, 0]);
});

Deno.test("Monitor: throughput and delays are sampled", async () => {
  const client = FakeClient.started();
  const clock = new FakeClock();
  await using monitor = start({ clock }, client);
  const { channels } = STATISTICS;
  client.numbers = {
    ...STATISTICS,
    channels: { ...channels, bytes: { received: 5_020_000, sent: 400_400 } },
  };
  clock.advance(2000);
  const url = `http://${formatAddress(monitor.addresses[0])}`;
  const { traffic } = readStatus(await (await fetch(`${url}/status.json`)).text());
  assert.deepEqual([traffic.readPerSecond, traffic.history.written], [10_000, [200]]);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^chive_event_loop_delay_seconds_count 4$/m);
});

Deno.test("Monitor: HEAD has the headers of GET and no body", async () => {
  await using monitor = start();
  const [{ port }] = monitor.addresses;
  const answer = await exchange(
    port,
    "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*content-length: 3\r\n[^]*\r\n\r\n$/i);
});

Deno.test("Monitor: what is no HTTP, or names no host, is refused and breaks nothing", async () => {
  await using monitor = start();
  const [{ port }] = monitor.addresses;
  const end = "Connection: close\r\n\r\n";
  for (
    const [request, status] of [
      ["\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", /^(HTTP\/1\.1 400|$)/],
      ["GET\r\n\r\n", /^(HTTP\/1\.1 400|$)/],
      [`GET / HTTP/1.1\r\nHost: a b\r\n${end}`, /^HTTP\/1\.1 40[03]/],
      [`GET / HTTP/1.1\r\nHost: evil.example\r\n${end}`, /^HTTP\/1\.1 403/],
      [`GET / HTTP/1.1\r\n${end}`, /^HTTP\/1\.1 40[03]/],
      [`GET / HTTP/1.0\r\n\r\n`, /^HTTP\/1\.[01] 403/],
      [`GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n${end}`, /^HTTP\/1\.1 403/],
      [`GET /%2e%2e/x HTTP/1.1\r\nHost: [::1]\r\n${end}`, /^HTTP\/1\.1 404/],
      [`GET //x HTTP/1.1\r\nHost: localhost\r\n${end}`, /^HTTP\/1\.1 404/],
      [`GET /healthz HTTP/1.1\r\nHost: localhost\r\n${end}`, /^HTTP\/1\.1 200/],
    ] as const
  ) assert.match(await exchange(port, request), status, request);
});

Deno.test("Monitor: a policy may refuse this machine, too", async () => {
  const origin = { file: "torrc", line: 1 };
  const line = {
    name: "MetricsPortPolicy",
    value: "accept 10.0.0.1",
    command: "set",
    origin,
  } as const;
  const policy = parseAccessPolicy("MetricsPortPolicy", [line], false);
  await using monitor = start({ options: { ports: [LOOPBACK], policy, hosts: [] } });
  const response = await fetch(`http://${formatAddress(monitor.addresses[0])}/`);
  await response.body?.cancel();
  assert.equal(response.status, 403);
});

Deno.test("Monitor: a port that is taken, or not ours, is an error, and nothing is left", async () => {
  await using first = start();
  const listening = (address: MonitorParts["options"]["ports"][number]) => () =>
    Monitor.listen(
      parts({ options: { ports: [LOOPBACK, address], policy: LOOPBACK_ONLY, hosts: [] } }),
    );
  const isError = (code: string) => (error: unknown) =>
    error instanceof MonitorError && error.code === code;
  assert.throws(listening(first.addresses[0]), isError("metrics-port-taken"));
  assert.throws(
    listening({ hostname: "198.51.100.1", port: 9052 }),
    isError("metrics-port-unusable"),
  );
});

Deno.test("Monitor: it listens before there is a client", async () => {
  await using monitor = Monitor.listen(parts());
  const url = `http://${formatAddress(monitor.addresses[0])}/readyz`;
  const early = await fetch(url);
  assert.deepEqual([early.status, await early.text()], [503, "The client is starting.\n"]);
  monitor.watch(FakeClient.started());
  const late = await fetch(url);
  assert.deepEqual([late.status, await late.text()], [200, "ready\n"]);
});
