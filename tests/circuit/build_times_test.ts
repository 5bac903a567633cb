import assert from "node:assert/strict";
import { StateError } from "../../src/state/errors.ts";
import { LogLines } from "../directory/log_lines.ts";
import { learnFrom, parameters, withBuildTimes } from "./measured_circuits.ts";

/** 100 times of 1,000, 1,010, ... 1,990 ms: Xm and alpha computed by hand from the definition. */
const XM = 1050; // of ten bins with equally many times the first: 1005 ... 1095
const ALPHA = 100 / Array.from({ length: 100 }, (_, n) => Math.max(XM, 1000 + n * 10))
  .reduce((sum, time) => sum + Math.log(time / XM), 0);
const TIMEOUT = XM * 5 ** (1 / ALPHA);

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 0.001, `${actual} is not ${expected}`);

Deno.test("BuildTimes: 60 s before anything is known, then what 100 circuits say", () =>
  withBuildTimes(async ({ load }) => {
    const times = await load();
    assert.equal(times.timeout, 60_000);
    assert.equal(times.closeTimeout, 60_000);
    learnFrom(times, 99);
    assert.equal(times.hasEnough, false);
    assert.equal(times.timeout, 60_000);
    times.noteBuilt(1990, false);
    assert.equal(times.hasEnough, true);
    near(times.timeout, TIMEOUT);
    assert.equal(times.closeTimeout, 60_000);
    const { pareto, ...statistics } = times.statistics();
    assert.deepEqual(statistics, {
      source: "learned",
      timeout: times.timeout,
      closeTimeout: 60_000,
      total: 100,
      abandoned: 0,
      timeoutRate: 0,
      closeRate: 0,
    });
    assert.equal(pareto?.xm, XM);
    near(pareto?.alpha ?? 0, ALPHA);
    await times.close();
  }));

Deno.test("BuildTimes: what was learned is there in the next run, in bins of 10 ms", () =>
  withBuildTimes(async ({ load, saved }) => {
    const times = await load();
    learnFrom(times, 100);
    times.noteAbandoned(-1);
    await times.close();
    assert.deepEqual(await saved(), {
      version: 1,
      total_build_times: 101,
      circuit_build_abandoned: 1,
      circuit_build_time_bins: Object.fromEntries(
        Array.from({ length: 100 }, (_, n) => [String(1005 + n * 10), 1]),
      ),
    });
    const again = await load();
    assert.equal(again.hasEnough, true);
    assert.equal(again.statistics().total, 101);
    assert.equal(again.statistics().abandoned, 1);
    // Each time was taken for the middle of its bin, 5 ms later.
    assert.ok(Math.abs(again.timeout - TIMEOUT) < 10, `${again.timeout}`);
    await again.close();
  }));

Deno.test("BuildTimes: saved after every tenth circuit, and what came after it at the end", () =>
  withBuildTimes(async ({ load, saved, clock }) => {
    const times = await load();
    learnFrom(times, 9);
    assert.equal(clock.pendingTimers, 0);
    learnFrom(times, 1);
    assert.equal(clock.pendingTimers, 1);
    learnFrom(times, 5);
    await times.close();
    assert.equal(clock.pendingTimers, 0);
    const document = await saved();
    assert.ok(document && typeof document === "object" && "total_build_times" in document);
    assert.equal(document.total_build_times, 15);
  }));

Deno.test("BuildTimes: a file that makes no sense is set aside, a newer one refused", () =>
  withBuildTimes(async ({ load, directory }) => {
    const write = (text: string) =>
      directory.write("circuit_build_times.json", new TextEncoder().encode(text));
    await write('{"version":1,"total_build_times":3}');
    const times = await load();
    assert.equal(times.statistics().total, 0);
    const names = await Array.fromAsync(Deno.readDir(directory.path), ({ name }) => name);
    assert.ok(names.some((name) => name.startsWith("circuit_build_times.json.corrupt-")));
    await write('{"version":2}');
    await assert.rejects(
      load(),
      (error) => error instanceof StateError && error.code === "state-file-newer",
    );
  }));

Deno.test("BuildTimes: the configured time is for the beginning, the consensus' only without one", () =>
  withBuildTimes(async ({ load }) => {
    const byDefault = await load();
    byDefault.updateParameters(parameters({ cbtinitialtimeout: 20_000 }));
    assert.equal(byDefault.timeout, 20_000);
    const configured = await load({ circuitBuildTimeout: 5000 });
    configured.updateParameters(parameters({ cbtinitialtimeout: 20_000 }));
    assert.equal(configured.timeout, 5000);
    assert.equal(configured.closeTimeout, 5000);
    configured.updateParameters(parameters({ cbtmintimeout: 7000 }));
    assert.equal(configured.timeout, 7000);
    learnFrom(configured, 100);
    assert.equal(configured.timeout, 7000);
    assert.equal(configured.statistics().source, "learned");
  }));

Deno.test("BuildTimes: without LearnCircuitBuildTimeout nothing is learned, used, or overwritten", () =>
  withBuildTimes(async ({ load, saved }) => {
    const before = await load();
    learnFrom(before, 100);
    await before.close();
    const file = await saved();
    const times = await load({ learnCircuitBuildTimeout: false, circuitBuildTimeout: 4000 });
    assert.equal(times.statistics().source, "fixed");
    assert.equal(times.statistics().total, 0);
    learnFrom(times, 200);
    for (let n = 0; n < 30; n++) times.noteTimeout(true);
    times.noteAbandoned(-1);
    assert.equal(times.timeout, 4000);
    assert.equal(times.closeTimeout, 4000);
    assert.equal(times.hasEnough, false);
    assert.equal(times.testCircuitDelay(0), undefined);
    assert.equal(times.unusedTimeout, undefined);
    await times.close();
    assert.deepEqual(await saved(), file);
    const unset = await load({ learnCircuitBuildTimeout: false });
    assert.equal(unset.timeout, 60_000);
  }));

Deno.test("BuildTimes: cbtdisabled stops all learning, and its end goes on with the old times", () =>
  withBuildTimes(async ({ load }) => {
    const times = await load();
    learnFrom(times, 100);
    times.updateParameters(parameters({ cbtdisabled: 1 }));
    assert.equal(times.statistics().source, "fixed");
    assert.equal(times.timeout, 60_000);
    learnFrom(times, 50);
    assert.equal(times.statistics().total, 100);
    times.updateParameters(parameters({}));
    assert.equal(times.timeout, 60_000);
    times.noteBuilt(1500, false);
    assert.equal(times.statistics().source, "learned");
    assert.ok(times.timeout < 2000);
    await times.close();
  }));

Deno.test("BuildTimes: 18 timeouts among the last 20 circuits mean another network", () =>
  withBuildTimes(async ({ load, saved }) => {
    await using log = await LogLines.collect();
    const times = await load();
    learnFrom(times, 100);
    for (let n = 0; n < 17; n++) times.noteTimeout(true);
    // A circuit that did not even reach its guard says nothing.
    times.noteTimeout(false);
    times.noteBuilt(1100, false);
    times.noteBuilt(1100, false);
    // 20 outcomes: 17 timeouts and 3 successes; one of the 17 leaves as this one comes.
    times.noteBuilt(1100, false);
    times.noteTimeout(true);
    assert.equal(times.statistics().source, "learned");
    for (let n = 0; n < 17; n++) times.noteTimeout(true);
    assert.equal(times.statistics().source, "initial");
    assert.equal(times.statistics().total, 0);
    assert.equal(times.statistics().timeoutRate, 0);
    assert.equal(times.statistics().pareto, undefined);
    assert.equal(times.timeout, 60_000);
    assert.equal(log.count("the network seems to be another one"), 1);
    await times.close();
    const document = await saved();
    assert.ok(document && typeof document === "object" && "total_build_times" in document);
    assert.equal(document.total_build_times, 0);
  }));

Deno.test("BuildTimes: that the history was forgotten is saved", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await load();
    learnFrom(times, 100);
    await times.close();
    assert.equal(clock.pendingTimers, 0);
    for (let n = 0; n < 18; n++) times.noteTimeout(true);
    assert.equal(clock.pendingTimers, 1);
    await times.close();
    assert.equal((await load()).hasEnough, false);
  }));

Deno.test("BuildTimes: timeouts from before a time without learning do not count after it", () =>
  withBuildTimes(async ({ load }) => {
    const times = await load();
    learnFrom(times, 100);
    for (let n = 0; n < 17; n++) times.noteTimeout(true);
    times.updateParameters(parameters({ cbtdisabled: 1 }));
    times.updateParameters(parameters({}));
    for (let n = 0; n < 17; n++) times.noteTimeout(true);
    assert.equal(times.statistics().total, 100);
    times.noteTimeout(true);
    assert.equal(times.statistics().total, 0);
    await times.close();
  }));

Deno.test("BuildTimes: when the initial time was too short already it is doubled, up to a bound", () =>
  withBuildTimes(async ({ load }) => {
    const times = await load();
    const change = () => {
      for (let n = 0; n < 18; n++) times.noteTimeout(true);
    };
    change();
    assert.deepEqual([times.timeout, times.closeTimeout], [120_000, 120_000]);
    assert.equal(times.statistics().source, "doubled");
    change();
    assert.equal(times.timeout, 240_000);
    // A new consensus with the same parameters is no new beginning.
    times.updateParameters(parameters({}));
    assert.equal(times.timeout, 240_000);
    for (let n = 0; n < 30; n++) change();
    assert.equal(times.timeout, 60_000 * 2 ** 15);
    learnFrom(times, 100);
    near(times.timeout, TIMEOUT);
    await times.close();
  }));

Deno.test("BuildTimes: the consensus says how many timeouts among how many circuits", () =>
  withBuildTimes(async ({ load }) => {
    const times = await load();
    times.updateParameters(parameters({ cbtrecentcount: 5, cbtmaxtimeouts: 4, cbtmincircs: 10 }));
    learnFrom(times, 10);
    assert.equal(times.hasEnough, true);
    for (let n = 0; n < 3; n++) times.noteTimeout(true);
    assert.equal(times.statistics().source, "learned");
    times.noteTimeout(true);
    assert.equal(times.statistics().source, "initial");
    // With more timeouts wanted than outcomes remembered it never happens.
    times.updateParameters(parameters({ cbtrecentcount: 5, cbtmaxtimeouts: 6 }));
    for (let n = 0; n < 100; n++) times.noteTimeout(true);
    assert.equal(times.statistics().source, "initial");
    await times.close();
  }));

Deno.test("BuildTimes: nothing is recorded while nothing arrives from the network", () =>
  withBuildTimes(async ({ load, clock }) => {
    await using log = await LogLines.collect();
    const times = await load();
    learnFrom(times, 49);
    // Launched at the moment of the last sign of life.
    times.noteAbandoned(clock.monotonic());
    assert.equal(times.statistics().total, 50);
    clock.advance(1000);
    // Launched after the last sign of life, and no sign since.
    times.noteAbandoned(clock.monotonic());
    times.noteAbandoned(clock.monotonic());
    assert.equal(times.statistics().total, 50);
    assert.equal(log.count("Nothing has arrived from the network"), 1);
    times.noteBuilt(1000, false);
    assert.equal(times.statistics().total, 50);
    times.noteNetworkAlive();
    assert.equal(log.count("after 2 circuits without any answer"), 1);
    times.noteBuilt(1000, false);
    // Something arrived after this one was launched: it is the circuit that was slow.
    times.noteAbandoned(0);
    times.noteNetworkAlive();
    assert.equal(times.statistics().total, 52);
    assert.equal(times.statistics().abandoned, 2);
    assert.equal(log.count("without any answer"), 1);
    await times.close();
  }));

Deno.test("BuildTimes: with nothing but abandoned circuits there is no estimate", () =>
  withBuildTimes(async ({ load }) => {
    const times = await load();
    times.noteNetworkAlive();
    for (let n = 0; n < 150; n++) times.noteAbandoned(-1);
    assert.equal(times.statistics().source, "initial");
    assert.equal(times.timeout, 60_000);
    await times.close();
  }));

Deno.test("BuildTimes: a circuit that takes no time at all takes 1 ms", () =>
  withBuildTimes(async ({ load }) => {
    const times = await load();
    for (let n = 0; n < 100; n++) times.noteBuilt(0.2, false);
    // Never less than cbtmintimeout.
    assert.equal(times.timeout, 10);
    await times.close();
  }));

Deno.test("BuildTimes: circuits for measuring every 10 s, while there are few unused ones", () =>
  withBuildTimes(async ({ load, clock }) => {
    const times = await load();
    assert.equal(times.testCircuitDelay(0), 0);
    times.noteLaunched();
    assert.equal(times.testCircuitDelay(1), 10_000);
    clock.advance(4000);
    assert.equal(times.testCircuitDelay(9), 6000);
    assert.equal(times.testCircuitDelay(10), undefined);
    clock.advance(7000);
    assert.equal(times.testCircuitDelay(9), 0);
    assert.equal(times.unusedTimeout, 180_000);
    times.updateParameters(parameters({ cbtmaxopencircs: 3, cbtlearntimeout: 60 }));
    assert.equal(times.testCircuitDelay(3), undefined);
    assert.equal(times.unusedTimeout, 60_000);
    learnFrom(times, 100);
    assert.equal(times.testCircuitDelay(0), undefined);
    assert.equal(times.unusedTimeout, undefined);
    await times.close();
  }));

Deno.test("BuildTimes: the rates count circuits in time, timed out and closed", () =>
  withBuildTimes(async ({ load }) => {
    const times = await load();
    learnFrom(times, 6);
    for (let n = 0; n < 4; n++) times.noteTimeout(true);
    times.noteBuilt(70_000, true);
    times.noteAbandoned(-1);
    const { timeoutRate, closeRate, total, abandoned } = times.statistics();
    assert.deepEqual([timeoutRate, closeRate, total, abandoned], [0.4, 0.1, 8, 1]);
    await times.close();
  }));
