/** Protocols and clocks: what is made of what a consensus says of clients and of the time. */
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

const DAY = 24 * HOUR;
const network = new TestNetwork();
const consensus = network.consensus();

Deno.test("what is required counts only from our release on", async () => {
  const demanding = network.consensus({ requiredProtocols: "Cons=2 Relay=60" });
  const handler = ({ path }: SeenRequest) => ok(network.serve(path, demanding) ?? new Uint8Array());
  await using newer = await RunningDirectory.start({ network, handler, released: VALID_AFTER + 1 });
  await newer.untilComplete();
  await using older = await RunningDirectory.start({ network, handler, released: VALID_AFTER });
  let failure: unknown;
  older.finished.catch((error) => failure = error);
  await older.until(() => failure !== undefined);
  assert.match(String(failure), /requires Relay=60/);
});

Deno.test("what is merely recommended and missing is a warning, once", async () => {
  await using log = await LogLines.collect();
  const recommending = (validAfter: number) =>
    network.consensus({ validAfter, recommendedProtocols: "Cons=2 Relay=61" });
  let current = recommending(VALID_AFTER);
  await using run = await RunningDirectory.start({
    network,
    handler: ({ path }) => ok(network.serve(path, current) ?? new Uint8Array(0)),
  });
  await run.untilComplete();
  current = recommending(VALID_AFTER + HOUR);
  run.clock.advance((run.directory.statistics().nextFetch ?? 0) - run.clock.now());
  await run.until(() => run.directory.netDir?.consensus.validAfter === VALID_AFTER + HOUR);
  assert.equal(log.count("warning The network recommends Relay=61 to clients"), 1);
});

/** Answers everything, with a server's time that is `ahead` ms before ours. */
function dated(running: { run?: RunningDirectory }, ahead: number, document = consensus) {
  return ({ path }: SeenRequest): Reply => {
    const date = new Date((running.run?.clock.now() ?? 0) + ahead).toUTCString();
    const body = network.serve(path, document);
    return answer("200 OK", body ?? new Uint8Array(0), `Date: ${date}\r\n`);
  };
}

Deno.test("a clock that is 3 hours ahead: the user is told to look at it", async () => {
  await using log = await LogLines.collect();
  const running: { run?: RunningDirectory } = {};
  // In truth it is half an hour after valid-after.
  await using run = await RunningDirectory.start({
    network,
    now: VALID_AFTER + 3.5 * HOUR,
    handler: dated(running, -3 * HOUR),
  });
  running.run = run;
  await run.untilComplete();
  await run.until(() => log.count("By their time the consensus is still valid.") > 0);
  assert.equal(
    log.lines.filter((line) =>
      /^warning The consensus expired 30 minutes.* ago by our clock \(at 2024-05-17 20:00:00 UTC\)\. Our clock is (3 hours|2 hours, 59 minutes) ahead of those of \d servers\. Check this machine's date/
        .test(line)
    ).length > 0,
    true,
    log.lines.join("\n"),
  );
  assert.equal(
    log.lines.filter((line) => /^warning Our clock is (3|2) hours/.test(line)).length,
    1,
  );
});

Deno.test("a network without new consensuses: the user is not told to look at the clock", async () => {
  await using log = await LogLines.collect();
  const running: { run?: RunningDirectory } = {};
  await using run = await RunningDirectory.start({
    network,
    now: VALID_AFTER + 5 * HOUR,
    files: { "cached-microdesc-consensus": consensus, "cached-certs": network.certificates() },
    handler: dated(running, 0),
  });
  running.run = run;
  await run.until(() =>
    log.count("so the consensus is old, and no newer one could be fetched") > 0
  );
  assert.ok(run.directory.enoughForCircuits().ready, "it serves nonetheless");
});

Deno.test("relays' clocks count as well as directories'", async () => {
  await using log = await LogLines.collect();
  await using run = await RunningDirectory.start({
    network,
    now: VALID_AFTER + 5 * HOUR,
    files: { "cached-microdesc-consensus": consensus, "cached-certs": network.certificates() },
    handler: () => answer("404 Not found"),
    clockSkews: [-4 * HOUR, -4 * HOUR - 1000],
  });
  await run.until(() => log.count("Our clock is 4 hours ahead of those of 2 servers.") > 0);
});

Deno.test("a server that serves an old consensus is not our clock's fault", async () => {
  await using log = await LogLines.collect();
  const running: { run?: RunningDirectory } = {};
  const old = network.consensus({ validAfter: VALID_AFTER - 3 * DAY });
  await using run = await RunningDirectory.start({
    network,
    handler: dated(running, 0, old),
  });
  running.run = run;
  await run.until(() => log.count("[consensus-stale]") > 0);
  const stale = log.lines.filter((line) => line.includes("[consensus-stale]"));
  assert.ok(stale.every((line) => !line.includes("Check this machine")));
});
