import assert from "node:assert/strict";
import { statisticsLines } from "../../src/cli/statistics_lines.ts";
import { FakeClient } from "../monitor/fake_client.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const DOORS = [{
  kind: "SocksPort",
  place: { kind: "tcp", hostname: "127.0.0.1", port: 9050 },
  connections: 1,
}] as const;

function tell(client: FakeClient): readonly string[] {
  const clock = new FakeClock();
  const viewed = Object.assign(client, { doors: DOORS, startedAt: clock.monotonic() });
  clock.advance(320_000);
  return statisticsLines(viewed, clock);
}

Deno.test("statistics are told in words", () => {
  const lines = tell(FakeClient.started());
  assert.deepEqual(lines.slice(0, -1), [
    "Running for 5 min, bootstrapped 100%, ready",
    "Ports: SOCKS 127.0.0.1:9050 (1 connection)",
    "Circuits: 1 used and 1 unused open, 2 being built; 11 built since the start, not built: " +
    "2 circuit-destroyed; timeout 2 s (learned)",
    "Streams: 1 open, 1 waiting; since the start 30 opened, 4 names looked up, 1 abandoned, " +
    "failed: 2 no-exit",
    "Guards: 3 primary and 2 confirmed of 20, 1 not reachable",
    "Channels: 2 open, 1 being opened; 9 attempts since the start, relays refused: 1 tls-signature",
    "Traffic: 5 MB received, 400 kB sent",
    "Directory: a consensus that is live, of 2025-12-31T23:00:00.000Z",
  ]);
  assert.match(lines.at(-1) ?? "", /^Memory: \d+(\.\d+)? MB$/);
});

Deno.test("a client that is not ready says why", () => {
  const client = new FakeClient();
  client.ready = { ready: false, why: "No circuit is open." };
  client.numbers = {
    ...client.numbers,
    directory: { ...client.numbers.directory, consensus: undefined },
  };
  const lines = tell(client);
  assert.equal(lines[0], "Running for 5 min, bootstrapped 0%, not ready: No circuit is open");
  assert.ok(lines.includes("Directory: no consensus"));
});
