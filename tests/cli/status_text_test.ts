import assert from "node:assert/strict";
import { statusText } from "../../src/cli/status_text.ts";
import { statusReport } from "../../src/monitor/status_report.ts";
import type { StatusReport } from "../../src/monitor/status_schema.ts";
import { statusSources } from "../monitor/fake_client.ts";

/** A report with some parts in place of the usual ones. */
function report(changes: Partial<StatusReport> = {}): StatusReport {
  return { ...statusReport(statusSources()), time: "2026-01-01T00:01:00.000Z", ...changes };
}

Deno.test("the status of a client is told in words", () => {
  assert.equal(
    statusText(report()),
    `chive 1.2.3, running for 0 s: ready

Guards
  guard7 {se} ($07070707)  primary, confirmed, reachable, last success 1 min ago
  guard8 ($08080808)  primary, unreachable, last success 1 min ago
  and 1 more in the sample

Circuits: 2 open, 2 being built, 11 built since the start, timeout 2 s
  1  entry1 {de} ($11111111) > middle1 ($21212121) > exit1 {ca} ($31313131)  used, 1 stream, 1 min old
  2  entry2 {de} ($12121212) > middle2 ($22222222) > exit2 {ca} ($32323232)  unused, 0 streams, 1 min old, Conflux set 2
  Not built: 2 circuit-destroyed

Streams: 1 open, 1 waiting, 30 opened since the start
  Failed: 2 no-exit

Traffic: 1.24 kB/s down, 99 B/s up; 5 MB and 400 kB since the start
Directory: 1 h 0 min old, live

Warnings: 1; the last ones:
  2 min ago: No relay could be reached for 8 s.
`,
  );
});

Deno.test("a client that is not ready says why, and one that sleeps that it does", () => {
  const first = (changes: Partial<StatusReport>) => statusText(report(changes)).split("\n")[0];
  const reason = "Bootstrapping is at 45%: Asking for relay descriptors.";
  assert.equal(
    first({
      uptimeSeconds: 12,
      bootstrap: { percent: 45, tag: "requesting_descriptors", summary: "Asking" },
      health: { ready: false, reason, dormant: false },
    }),
    `chive 1.2.3, running for 12 s: not ready (45%). ${reason}`,
  );
  assert.match(
    first({ health: { ready: true, reason: null, dormant: true } }),
    /: asleep until the next request$/,
  );
});

Deno.test("what there is not yet has words too", () => {
  const text = statusText(report({
    guards: [],
    circuits: [],
    directory: null,
    warnings: { total: 3, lines: [], hidden: true },
  }));
  assert.match(text, /\nGuards\n {2}none yet\n/);
  assert.match(text, /\nCircuits: 0 open,/);
  assert.match(text, /\nDirectory: none yet\n/);
  assert.match(text, /\nWarnings: 3; see the log\n$/);
});

Deno.test("only the first confirmed guards beside the primary ones are listed", () => {
  const [guard] = report().guards;
  const others = Array.from({ length: 9 }, () => ({ ...guard, primary: false }));
  const text = statusText(report({ guards: [guard, ...others] }));
  assert.equal(text.split("\n").filter((line) => line.startsWith("  guard7")).length, 6);
  assert.match(text, /\n {2}and 4 more in the sample\n/);
});

Deno.test("what another program claims cannot command the terminal", () => {
  const [circuit] = report().circuits;
  const relays = circuit.relays.map((relay) => ({ ...relay, nickname: "\x1b[2Jx\r" }));
  assert.doesNotMatch(
    statusText(report({ circuits: [{ ...circuit, relays }] })),
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    /[\x00-\x09\x0b-\x1f]/,
  );
});
