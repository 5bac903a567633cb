import assert from "node:assert/strict";
import { renderPage } from "../../src/monitor/page.ts";
import { statusReport } from "../../src/monitor/status_report.ts";
import type { StatusReport } from "../../src/monitor/status_schema.ts";
import { circuitStatus, FakeClient, statusSources } from "./fake_client.ts";

/** What a reader without a browser would see: the body, without tags, on one line. */
function textOf(status: StatusReport): string {
  return renderPage(status).replace(/[^]*<body>/, "").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
}

Deno.test("the page shows circuits as rows of relays, guards with history, rates and warnings", () => {
  const text = textOf(statusReport(statusSources()));
  for (
    const part of [
      "chive Ready 1.2.3, up 0 s",
      "entry1 DE → middle1 → exit1 CA 1 stream, 1 min old",
      "entry2 DE → middle2 → exit2 CA ready, 1 min old, Conflux set 2",
      "guard7 SE reachable primary, used before worked 12 times, last just now",
      "guard8 unreachable primary worked 12 times, last just now; failed 2 times, last just now",
      "guard9 untried not used since the start",
      "The primary guards changed 1 d 0 h ago: a network is known now.",
      "Read 1.24 kB/s",
      "Consensus of 2025-12-31 23:00 UTC, valid ; the next is fetched in 2 h 0 min",
      "30 opened, 4 looked up, 1 given up, failed: no-exit 2×",
      "9 begun, failed: refused 1×, timeout 2×, identity 1×, refused: tls-signature 1×",
      "Warnings (1) 1 min ago, channel warn No relay could be reached for 8 s.",
    ]
  ) assert.ok(text.includes(part), `${part} in ${text}`);
  assert.ok(!text.includes("Bootstrap"));
});

Deno.test("the page shows how far the start is, and what is wrong after it", () => {
  const client = new FakeClient();
  client.bootstrap.report("loading_status");
  client.ready = { ready: false, why: "Bootstrapping is at 30%." };
  const starting = statusReport(statusSources({ client }));
  assert.match(textOf(starting), /chive Starting, 30% .*30% \(loading_status\): Loading network/);
  client.bootstrap.report("done");
  client.ready = { ready: false, why: "The consensus is too old." };
  const stuck = statusReport(statusSources({ client }));
  assert.match(textOf(stuck), /chive Not ready .*The consensus is too old\./);
});

Deno.test("nothing that relays or logs say becomes markup", () => {
  const report = statusReport(statusSources());
  const evil = `<img src=x onerror=alert(1)>"'&`;
  const [circuit] = report.circuits;
  const [relay] = circuit.relays;
  const page = renderPage({
    ...report,
    version: evil,
    bootstrap: { percent: 5, tag: evil, summary: evil },
    health: { ready: false, reason: evil, dormant: false },
    circuits: [{ ...circuit, relays: [{ ...relay, nickname: evil, country: evil }] }],
    guards: report.guards.map((guard) => ({ ...guard, nickname: evil })),
    guardChange: { time: report.time, reason: evil },
    streams: { ...report.streams, failures: { [evil]: 1 } },
    warnings: {
      ...report.warnings,
      lines: [{ time: report.time, level: "warn", category: evil, message: evil }],
    },
  });
  assert.ok(!page.includes("<img"));
  assert.ok(page.includes("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;"));
});

Deno.test("the page needs nothing from elsewhere, and no script to be up to date", () => {
  const page = renderPage(statusReport(statusSources()));
  assert.ok(!/(https?:)?\/\/[a-z]|src=|href=|url\(|style="|@import| on[a-z]+=/.test(page), page);
  assert.match(page, /<noscript><meta http-equiv="refresh" content="5"><\/noscript>/);
});

Deno.test("of many circuits the busiest are shown, and all are counted", () => {
  const client = FakeClient.started();
  client.circuitStatus = Array.from(
    { length: 130 },
    (_, number) => circuitStatus(number, { streams: number === 129 ? 5 : 0 }),
  );
  const text = textOf(statusReport(statusSources({ client })));
  assert.ok(text.includes("exit129 CA 5 streams") && text.includes("and 30 more"));
  assert.ok(text.includes("Circuits open 130"));
});
