import assert from "node:assert/strict";
import { DEFAULT_STREAM_FLOW_CONTROL } from "../../src/circuit/stream_flow_control_parameters.ts";
import { FlowMessageLimits } from "../../src/stream/flow_message_limits.ts";

const XOFF_EXIT = 500 * 488;

function limits(sent = 0): FlowMessageLimits {
  const made = new FlowMessageLimits(DEFAULT_STREAM_FLOW_CONTROL);
  send(made, sent);
  return made;
}

/** Counts so many bytes, in cells. */
function send(to: FlowMessageLimits, bytes: number): void {
  for (let left = bytes; left > 0; left -= 488) to.onSent(Math.min(488, left));
}

Deno.test("FlowMessageLimits: an XOFF for each cc_xoff_exit that was sent, and no earlier", () => {
  assert.equal(limits().onXoff(), false);
  assert.equal(limits(XOFF_EXIT - 1).onXoff(), false);
  const twice = limits(XOFF_EXIT);
  assert.equal(twice.onXoff(), true);
  send(twice, XOFF_EXIT - 1);
  assert.equal(twice.onXon(), true);
  assert.equal(twice.onXoff(), false);
});

Deno.test("FlowMessageLimits: an XON for each of the lesser of cc_xoff_exit and cc_xon_rate", () => {
  assert.equal(limits().onXon(), false);
  assert.equal(limits(XOFF_EXIT - 1).onXon(), false);
  const first = limits(2 * XOFF_EXIT);
  assert.deepEqual([first.onXon(), first.onXon(), first.onXon()], [true, true, false]);
  const parameters = { ...DEFAULT_STREAM_FLOW_CONTROL, xonRate: 1000 };
  const often = new FlowMessageLimits(parameters);
  often.onSent(1000);
  assert.deepEqual([often.onXon(), often.onXon()], [true, false]);
});

Deno.test("FlowMessageLimits: never two XOFFs without an XON between them", () => {
  const stopped = limits(10 * XOFF_EXIT);
  assert.equal(stopped.isStopped, false);
  assert.equal(stopped.onXoff(), true);
  assert.equal(stopped.isStopped, true);
  assert.equal(stopped.onXon(), true);
  assert.equal(stopped.isStopped, false);
  assert.equal(stopped.onXoff(), true);
  assert.equal(stopped.onXoff(), false);
});

Deno.test("FlowMessageLimits: limits of more than 10 MiB are limits too", () => {
  const most = new FlowMessageLimits({ ...DEFAULT_STREAM_FLOW_CONTROL, xoffExit: 20 * 2 ** 20 });
  send(most, 20 * 2 ** 20 - 1);
  const early = new FlowMessageLimits({ ...DEFAULT_STREAM_FLOW_CONTROL, xoffExit: 20 * 2 ** 20 });
  send(early, 20 * 2 ** 20 - 1);
  assert.equal(early.onXoff(), false);
  most.onSent(1);
  assert.equal(most.onXoff(), true);
});

Deno.test("FlowMessageLimits: data of long ago allows few new messages", () => {
  // 10 MiB at most are remembered, at 244,000 bytes each.
  const old = limits(100_000_000);
  let legal = 0;
  while (old.onXon()) legal++;
  assert.equal(legal, 42);
});

Deno.test("FlowMessageLimits: an exit that has reason for each goes on for ever", () => {
  const busy = limits();
  for (let count = 0; count < 1000; count++) {
    send(busy, XOFF_EXIT);
    assert.equal(busy.onXoff(), true, `XOFF ${count}`);
    assert.equal(busy.onXon(), true, `XON ${count}`);
  }
});
