import assert from "node:assert/strict";
import { reportBuildStep, reportChannelStep } from "../../src/client/bootstrap_steps.ts";
import { BootstrapTracker } from "../../src/observe/bootstrap.ts";

Deno.test("steps of channels and circuits are C tor's phases, in order", () => {
  const bootstrap = new BootstrapTracker();
  const tags: string[] = [];
  bootstrap.onProgress(({ tag }) => tags.push(tag));
  for (const step of ["started", "connected", "open"] as const) reportChannelStep(bootstrap, step);
  for (const step of ["one-hop", "started", "channel-open", "first-hop"] as const) {
    reportBuildStep(bootstrap, step);
  }
  assert.deepEqual(tags, [
    ...["conn", "conn_done", "handshake", "handshake_done"],
    ...["onehop_create", "ap_conn", "ap_conn_done", "ap_handshake_done", "circuit_create"],
  ]);
});

Deno.test("what was held back until a relay is connected comes then", () => {
  const bootstrap = new BootstrapTracker();
  bootstrap.reportDirectory("loading_descriptors", 60);
  assert.equal(bootstrap.status.percent, 0);
  reportChannelStep(bootstrap, "open");
  assert.equal(bootstrap.status.percent, 60);
});
