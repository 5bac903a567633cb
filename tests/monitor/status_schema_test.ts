import assert from "node:assert/strict";
import { MonitorError } from "../../src/monitor/errors.ts";
import { statusReport } from "../../src/monitor/status_report.ts";
import { readStatus } from "../../src/monitor/status_schema.ts";
import { statusSources } from "./fake_client.ts";

function refuses(text: string, says: RegExp): void {
  assert.throws(() => readStatus(text), (error) => {
    assert.ok(error instanceof MonitorError);
    assert.equal(error.code, "status-unreadable");
    assert.match(error.message, says);
    return true;
  });
}

Deno.test("readStatus: what is no status is an error that says where", () => {
  refuses("<html>", /not JSON/);
  refuses("5", /the whole/);
  const report = statusReport(statusSources());
  refuses(JSON.stringify({ ...report, format: 2 }), /format/);
  refuses(JSON.stringify({ ...report, streams: { ...report.streams, open: -1 } }), /streams\.open/);
  const guards = [{ ...report.guards[0], fingerprint: "x" }];
  refuses(JSON.stringify({ ...report, guards }), /guards\.0\.fingerprint/);
});
