/** Starts with a cache that is complete but old. */
import assert from "node:assert/strict";
import { LogLines } from "./log_lines.ts";
import {
  encode,
  HOUR,
  ok,
  type Reply,
  RunningDirectory,
  type SeenRequest,
  TestNetwork,
  VALID_AFTER,
} from "./test_directory.ts";

/** The test network's consensuses are valid for so long. */
const VALIDITY = 3 * HOUR;

/** Starts so long after the cached consensus has expired. */
function startAfter(
  network: TestNetwork,
  expiredFor: number,
  handler: (request: SeenRequest) => Reply,
): Promise<RunningDirectory> {
  return RunningDirectory.start({
    network,
    now: VALID_AFTER + VALIDITY + expiredFor,
    files: {
      "cached-microdesc-consensus": network.consensus(),
      "cached-certs": network.certificates(),
      "cached-microdescs": [...network.microdescriptors.values()].join(""),
    },
    handler,
  });
}

for (
  const { expiredFor, words } of [
    { expiredFor: 3 * HOUR, words: "expired 3 hours ago" },
    { expiredFor: 23 * HOUR, words: "expired 23 hours ago" },
  ]
) {
  Deno.test(`a cached consensus that ${words} serves while its successor is fetched`, async () => {
    await using log = await LogLines.collect();
    const network = new TestNetwork();
    const validAfter = VALID_AFTER + VALIDITY + expiredFor - HOUR / 2;
    const next = network.consensus({ validAfter });
    const answers = Promise.withResolvers<void>();
    await using run = await startAfter(network, expiredFor, ({ path }) =>
      (async function* () {
        await answers.promise;
        yield ok(network.serve(path, next) ?? encode(""));
      })());
    await run.until(() => run.transport.requests.length > 0);

    assert.equal(run.directory.enoughForCircuits().ready, true, "before anybody has answered");
    assert.equal(run.directory.netDir?.consensus.validAfter, VALID_AFTER);
    const [{ server, text }] = run.transport.requests;
    assert.equal(server.kind, "relay", "a guard is asked, and no fallback");
    assert.match(text, /\r\nIf-Modified-Since: /);
    assert.match(text, /\r\nX-Or-Diff-From-Consensus: /);
    assert.equal(log.count(`The consensus ${words} by our clock`), 1);
    assert.equal(log.count("It serves while a newer one is fetched."), 1);
    // At notice level, "info" here: a person sees why the start is as it is.
    assert.ok(log.lines.some((line) => line.startsWith(`info The consensus ${words}`)));
    // No more than that: it is what happens to everybody who was away.
    assert.deepEqual(log.lines.filter((line) => /^(warning|error)/.test(line)), []);

    answers.resolve();
    await run.until(() => run.directory.netDir?.consensus.validAfter === validAfter);
    assert.equal(run.directory.enoughForCircuits().ready, true);
    assert.deepEqual(run.transport.kinds, ["status-vote"], "the microdescriptors were there");
  });
}

Deno.test("one that expired 30 hours ago is not used, but the microdescriptors beside it are", async () => {
  await using log = await LogLines.collect();
  const network = new TestNetwork();
  const expiredFor = 30 * HOUR;
  const validAfter = VALID_AFTER + VALIDITY + expiredFor - HOUR / 2;
  const next = network.consensus({ validAfter });
  const answers = Promise.withResolvers<void>();
  await using run = await startAfter(network, expiredFor, ({ path }) =>
    (async function* () {
      await answers.promise;
      yield ok(network.serve(path, next) ?? encode(""));
    })());
  await run.until(() => run.transport.requests.length > 0);

  const gate = run.directory.enoughForCircuits();
  assert.ok(!gate.ready && gate.reason === "no-consensus");
  assert.equal(run.transport.requests[0].server.kind, "fallback");
  assert.equal(
    log.count(
      "The cached consensus cannot be used: the consensus expired 1 day, 6 hours ago by our clock",
    ),
    1,
  );

  answers.resolve();
  await run.until(() => run.directory.enoughForCircuits().ready);
  assert.equal(run.directory.netDir?.consensus.validAfter, validAfter);
  assert.ok(!run.transport.kinds.includes("micro"), "none had to be fetched");
});
