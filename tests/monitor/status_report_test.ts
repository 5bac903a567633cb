import assert from "node:assert/strict";
import { statusReport } from "../../src/monitor/status_report.ts";
import { readStatus } from "../../src/monitor/status_schema.ts";
import { FakeClient, identityOf, STATISTICS, statusSources } from "./fake_client.ts";

Deno.test("statusReport: it says what the schema promises, and comes back unchanged", () => {
  const report = statusReport(statusSources());
  assert.deepEqual(readStatus(JSON.stringify(report)), report);
});

Deno.test("statusReport: also for a client that knows nothing yet", () => {
  const client = new FakeClient();
  client.circuitStatus = [];
  client.channelStatus = [];
  client.ready = { ready: false, why: "Bootstrapping is at 0%: Starting." };
  client.numbers = {
    ...STATISTICS,
    guards: { ...STATISTICS.guards, lastPrimaryChange: undefined, guards: [] },
    directory: { ...STATISTICS.directory, consensus: undefined, nextFetch: undefined },
  };
  const report = statusReport(statusSources({ client }));
  assert.deepEqual(readStatus(JSON.stringify(report)), report);
  assert.deepEqual(report.health, {
    ready: false,
    reason: "Bootstrapping is at 0%: Starting.",
    dormant: false,
  });
  assert.deepEqual([report.directory, report.guardChange], [null, null]);
});

Deno.test("statusReport: guards in the order of their use, with state, country and history", () => {
  const { guards } = statusReport(statusSources());
  assert.deepEqual(guards.map(({ nickname, state, country }) => [nickname, state, country]), [
    ["guard7", "reachable", "se"],
    ["guard8", "unreachable", null],
    ["guard9", "untried", null],
  ]);
  assert.equal(guards[0].fingerprint, identityOf(7));
  assert.equal(guards[1].lastFailure, "2026-01-01T00:00:00.000Z");
});

Deno.test("statusReport: circuits with their relays, and never whose streams they carry", () => {
  const report = statusReport(statusSources());
  assert.deepEqual(report.circuits[0], {
    number: 1,
    purpose: "general",
    confluxSet: null,
    state: "used",
    ageSeconds: 65,
    streams: 1,
    relays: [
      { nickname: "entry1", fingerprint: identityOf(17), country: "de" },
      { nickname: "middle1", fingerprint: identityOf(33), country: null },
      { nickname: "exit1", fingerprint: identityOf(49), country: "ca" },
    ],
  });
  const { purpose, confluxSet } = report.circuits[1];
  assert.deepEqual([purpose, confluxSet], ["conflux", 2]);
  assert.ok(!/secret|password|example\.com/.test(JSON.stringify(report)));
});

Deno.test("statusReport: warnings are told, but not where destinations would be among them", () => {
  const shown = statusReport(statusSources()).warnings;
  assert.deepEqual([shown.total, shown.hidden, shown.lines.length], [1, false, 1]);
  const { lines, hidden } = statusReport(statusSources({ safeLogging: false })).warnings;
  assert.deepEqual([lines, hidden], [[], true]);
});
