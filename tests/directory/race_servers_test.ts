import assert from "node:assert/strict";
import { DirectoryError } from "../../src/directory/errors.ts";
import { raceServers } from "../../src/directory/race_servers.ts";
import { ConfiguredServers } from "../../src/directory/servers.ts";
import { DirectorySources, type Source } from "../../src/directory/sources.ts";
import { DirectoryClient, downloadLimits } from "../../src/directory/directory_client.ts";
import { Logger } from "../../src/observe/log.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { LogLines } from "./log_lines.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeTransport, testConfig, TestNetwork } from "./test_directory.ts";

const config = testConfig(new TestNetwork(1), { fallbacks: 20 });

/** One race whose attempts the test settles by hand. */
class TestRace {
  readonly clock = new FakeClock();
  readonly attempts: {
    readonly source: Source;
    /** Fake ms since the start. */
    readonly at: number;
    readonly signal: AbortSignal;
    readonly onLoading: () => void;
    readonly settle: PromiseWithResolvers<string>;
  }[] = [];
  readonly abort = new AbortController();
  readonly result: Promise<string>;

  constructor(fallbacks = 20) {
    const random = new SeededRandom(1);
    const configured = { ...config, fallbacks: config.fallbacks.slice(0, fallbacks) };
    const client = new DirectoryClient(
      new FakeTransport(() => "hang"),
      this.clock,
      downloadLimits(60_000),
    );
    const guards = {
      selectForDirectory: () => undefined,
      noteSuccess: () => "usable" as const,
      noteFailure: () => {},
      noteClosed: () => {},
    };
    const servers = new ConfiguredServers(configured, random);
    const sources = new DirectorySources(client, servers, guards, this.clock);
    this.result = raceServers(
      {
        clock: this.clock,
        random,
        log: new Logger("directory"),
        sources,
        hasFallbacks: fallbacks > 0,
        schedule: config.downloads,
      },
      (source, signal, onLoading) => {
        const settle = Promise.withResolvers<string>();
        signal.addEventListener("abort", () => settle.reject(signal.reason), { once: true });
        this.attempts.push({ source, at: this.clock.monotonic(), signal, onLoading, settle });
        return settle.promise;
      },
      this.abort.signal,
    );
    this.result.catch(() => undefined);
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      await settled();
      this.clock.advance(100);
    }
    await settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort.abort();
    await this.result.catch(() => undefined);
    assert.equal(this.clock.pendingTimers, 0);
  }
}

/** Lets all promises run that can. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

const failure = () => new DirectoryError("directory-http-cut-off", "gone");

Deno.test("the first to be asked is a fallback; an authority follows only after a while", async () => {
  await using race = new TestRace();
  await race.pass(0);
  assert.deepEqual(race.attempts.map(({ source }) => source.server.kind), ["fallback"]);
  // Each fails at once, so that only the schedule holds back the next.
  for (let second = 0; second < 60; second++) {
    for (const { settle } of race.attempts) settle.reject(failure());
    await race.pass(1000);
  }
  const authorities = race.attempts.filter(({ source }) => source.server.kind === "authority");
  assert.ok(authorities[0].at >= 6000 && authorities[0].at < 6200);
  const early = race.attempts.filter(({ at }) => at < 6000).length;
  assert.ok(early >= 2 && early <= 6, `${early}`);
});

Deno.test("servers that do not answer: at most three at one time, and all different", async () => {
  await using race = new TestRace();
  await race.pass(120_000);
  assert.equal(race.attempts.length, 3);
  assert.equal(new Set(race.attempts.map(({ source }) => source.identity)).size, 3);
  race.attempts[0].settle.reject(failure());
  await race.pass(100);
  assert.equal(race.attempts.length, 4);
});

Deno.test("the first to succeed wins, and the others are given up", async () => {
  await using race = new TestRace();
  await race.pass(20_000);
  const [first, second, third] = race.attempts;
  second.settle.resolve("consensus");
  assert.equal(await race.result, "consensus");
  assert.equal(first.signal.aborted, true);
  assert.equal(third.signal.aborted, true);
});

Deno.test("while a document arrives nobody else is asked, but not for ever", async () => {
  await using race = new TestRace();
  await race.pass(0);
  race.attempts[0].onLoading();
  await race.pass(19_000);
  assert.equal(race.attempts.length, 1);
  await race.pass(3_000);
  assert.ok(race.attempts.length > 1);
});

Deno.test("without fallbacks, authorities are asked at once, each of them", async () => {
  await using race = new TestRace(0);
  await race.pass(60_000);
  assert.deepEqual(race.attempts.map(({ source }) => source.server.kind), [
    "authority",
    "authority",
    "authority",
  ]);
  assert.equal(race.attempts[0].at, 0);
});

Deno.test("silence is said aloud within ten seconds; so is failure, with what comes next", async () => {
  await using log = await LogLines.collect();
  await using silent = new TestRace();
  await silent.pass(10_000);
  assert.equal(log.count("warning No directory server has answered within 8 seconds"), 1);
  await using failing = new TestRace();
  await failing.pass(0);
  failing.attempts[0].settle.reject(failure());
  await failing.pass(0);
  assert.equal(
    log.lines.filter((line) =>
      /^warning No consensus from the fallback directory at \[scrubbed\]: gone \[.*\]; trying another in \d s\.$/
        .test(line)
    ).length,
    1,
    log.lines.join("\n"),
  );
});

Deno.test("it never gives up, but becomes quiet and slow", async () => {
  await using log = await LogLines.collect();
  await using race = new TestRace();
  for (let minute = 0; minute < 120; minute++) {
    for (const { settle } of race.attempts) settle.reject(failure());
    await race.pass(60_000);
  }
  const late = race.attempts.filter(({ at }) => at > 60 * 60_000).length;
  // One each 20 to 30 s: what was gone for a while is back soon.
  assert.ok(late >= 100 && late < 200, `${late}`);
  const warnings = log.lines.filter((line) => line.startsWith("warning")).length;
  assert.ok(warnings >= 4 && warnings < 60, `${warnings} of ${race.attempts.length}`);
});

Deno.test("an error that no retry can help ends the race", async () => {
  await using race = new TestRace();
  await race.pass(0);
  race.attempts[0].settle.reject(new DirectoryError("protocols-required", "too old"));
  await assert.rejects(race.result, { code: "protocols-required" });
});

Deno.test("aborting ends the race with the signal's reason", async () => {
  await using race = new TestRace();
  await race.pass(0);
  race.abort.abort(new Error("enough"));
  await assert.rejects(race.result, { message: "enough" });
  assert.equal(race.attempts[0].signal.aborted, true);
});
