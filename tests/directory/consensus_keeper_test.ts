/** How a consensus is renewed, and what happens when it has become too old. */
import assert from "node:assert/strict";
import { LogLines } from "./log_lines.ts";
import {
  answer,
  HOUR,
  ok,
  type Reply,
  RunningDirectory,
  type SeenRequest,
  TestNetwork,
  VALID_AFTER,
} from "./test_directory.ts";

const network = new TestNetwork();
const consensus = network.consensus();

Deno.test("while nobody has a newer consensus, no more than the primary guards are asked", async () => {
  await using run = await RunningDirectory.start({
    network,
    handler: ({ path, text }) =>
      text.includes("If-Modified-Since")
        ? answer("304 Not modified")
        : ok(network.serve(path, consensus) ?? new Uint8Array(0)),
  });
  await run.untilComplete();
  const before = run.askedFor("status-vote").length;
  run.clock.advance(2.5 * HOUR);
  await run.pass(20 * HOUR, 30_000);
  const asked = run.askedFor("status-vote").slice(before);
  const primary = run.guards.primaryGuards().map(({ rsaIdentity }) => rsaIdentity);
  assert.ok(asked.length > 15, `${asked.length}`);
  assert.deepEqual(new Set(asked), new Set(primary));
  for (let at = 1; at < asked.length; at++) assert.notEqual(asked[at], asked[at - 1]);
});

Deno.test("when the consensus has become too old, fallbacks and authorities are asked again", async () => {
  await using log = await LogLines.collect();
  let reply: (request: SeenRequest) => Reply = ({ path }) =>
    ok(network.serve(path, consensus) ?? new Uint8Array(0));
  await using run = await RunningDirectory.start({ network, handler: (request) => reply(request) });
  await run.untilComplete();
  const later = network.consensus({ validAfter: VALID_AFTER + 40 * HOUR });
  reply = () => answer("404 Not found");
  run.clock.advance(40 * HOUR);
  const before = run.transport.requests.length;
  await run.until(() => run.transport.requests.length >= before + 8);
  const asked = run.transport.requests.slice(before).map(({ server }) => server.kind);
  assert.ok(asked.includes("fallback") && asked.includes("authority"), asked.join());
  assert.equal(asked[0], "fallback");
  assert.ok(log.count("is too far from our time to be used") === 1);
  const gate = run.directory.enoughForCircuits();
  assert.ok(!gate.ready && gate.reason === "consensus-not-live");
  reply = ({ path }) => ok(network.serve(path, later) ?? new Uint8Array(0));
  await run.until(() => run.directory.netDir?.consensus.validAfter === VALID_AFTER + 40 * HOUR);
});
