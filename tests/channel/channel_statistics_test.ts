import assert from "node:assert/strict";
import { AttemptCounts } from "../../src/channel/channel_statistics.ts";
import { ChannelError } from "../../src/channel/errors.ts";

const REFUSED = new ChannelError("connect-refused", "nobody listens");
const SIGNATURE = new ChannelError("tls-signature", "somebody else");
const NONE = { refused: 0, unreachable: 0, timeout: 0, tls: 0, link: 0, identity: 0, local: 0 };

Deno.test("AttemptCounts: failures and retries by class, refusals by code", () => {
  const counts = new AttemptCounts();
  for (const error of [REFUSED, REFUSED, SIGNATURE]) counts.noteFailure(error);
  counts.noteRetry(REFUSED);
  assert.deepEqual(counts.failures, { ...NONE, refused: 2, identity: 1 });
  assert.deepEqual(counts.retries, { ...NONE, refused: 1 });
  assert.deepEqual(counts.refusals, new Map([["tls-signature", 1]]));
});

Deno.test("AttemptCounts: what is no failure of a channel is not counted", () => {
  const counts = new AttemptCounts();
  counts.noteFailure(new Error("given up"));
  counts.noteRetry(new Error("given up"));
  assert.deepEqual([counts.failures, counts.retries], [NONE, NONE]);
});
