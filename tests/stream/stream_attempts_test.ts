import assert from "node:assert/strict";
import type { CircuitRequest, PickedCircuit } from "../../src/circuit/circuit_manager.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import type { ExitTarget } from "../../src/path/exit_target.ts";
import { abortable } from "../../src/runtime/deadline.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { StreamError, type StreamErrorCode } from "../../src/stream/errors.ts";
import { StreamAttempts } from "../../src/stream/stream_attempts.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { NEVER } from "../circuit/relay_end.ts";
import { settled } from "../circuit/test_circuits.ts";
import { identityOf } from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { FakeCircuitPicker, middleOf } from "./fake_circuit_picker.ts";

const TARGET: ExitTarget = { kind: "name", port: 80 };
const ISOLATION = { key: "one", keepAlive: false };
const TIMEOUT = 120_000;
const SILENT = new CircuitError("circuit-silent", "no sign of life");

/** One attempt, which goes on until the test says what came of it. */
interface Attempt {
  readonly picked: PickedCircuit;
  readonly signal: AbortSignal;
  answer(value: string): void;
  fail(error: Error): void;
}

class TestAttempts {
  readonly clock = new FakeClock();
  readonly picker = new FakeCircuitPicker();
  readonly made: Attempt[] = [];
  requests = 0;
  #tellMade: (() => void) | undefined;
  readonly #attempts = new StreamAttempts({
    circuits: this.picker,
    runtime: { clock: this.clock, random: new SeededRandom(1), network: new SystemNetwork() },
    timeout: TIMEOUT,
    backoff: { initial: 1000, multiplier: 2, longest: 30_000, jitter: 0 },
    onRequest: () => this.requests++,
  });

  get retries(): Record<string, number> {
    return Object.fromEntries(this.#attempts.retries);
  }

  run(signal = NEVER, isolation = ISOLATION): Promise<string> {
    const running = this.#attempts.run(TARGET, isolation, signal, (picked, until) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      this.made.push({ picked, signal: until, answer: resolve, fail: reject });
      this.#tellMade?.();
      return abortable(promise, until);
    });
    // A test may look only later.
    running.catch(() => {});
    return running;
  }

  /** Attempt `number` (from 1), once it is made, and the circuit that it was given. */
  async attempt(number: number) {
    while (this.made.length < number) {
      await new Promise<void>((resolve) => this.#tellMade = resolve);
    }
    return { ...this.made[number - 1], given: this.picker.given[number - 1] };
  }

  /** Lets attempt `number` fail, once it is made. */
  async fail(number: number, code: StreamErrorCode): Promise<void> {
    (await this.attempt(number)).fail(new StreamError(code, "the test says so"));
  }
}

Deno.test("StreamAttempts: an answer, on the circuit that was asked for", async () => {
  const test = new TestAttempts();
  const running = test.run(NEVER, { key: "two", keepAlive: true });
  const { answer, given } = await test.attempt(1);
  const expected: CircuitRequest = {
    target: TARGET,
    isolationKey: "two",
    keepAlive: true,
    excludedExits: new Set(),
    avoided: new Set(),
  };
  assert.deepEqual(given.request, expected);
  assert.deepEqual(given.pathBias.calls, ["UseAttempt"]);
  test.clock.advance(1499);
  answer("well");
  assert.equal(await running, "well");
  assert.deepEqual(given.pathBias.calls, ["UseAttempt", "UseSuccess"]);
  assert.equal(test.clock.pendingTimers, 0);
  assert.deepEqual([given.checks, given.retired, test.requests], [0, false, 1]);
});

Deno.test("StreamAttempts: each request is told of once, however many attempts it takes", async () => {
  const test = new TestAttempts();
  const running = test.run();
  await test.fail(1, "end-exit-policy");
  await test.fail(2, "stream-circuit-closed");
  (await test.attempt(3)).answer("well");
  await running;
  assert.equal(test.requests, 1);
  const second = test.run();
  assert.equal(test.requests, 2);
  (await test.attempt(4)).answer("well");
  await second;
});

Deno.test("StreamAttempts: a retry is counted by what it follows, once there is a circuit for it", async () => {
  const test = new TestAttempts();
  const running = test.run();
  await test.attempt(1);
  assert.deepEqual(test.retries, {});
  await test.fail(1, "end-exit-policy");
  await test.fail(2, "stream-circuit-closed");
  await test.fail(3, "end-exit-policy");
  await test.attempt(4);
  assert.deepEqual(test.retries, { "end-exit-policy": 2, "stream-circuit-closed": 1 });
  // The third refusal of an exit ends the request, and nothing follows it.
  await test.fail(4, "end-exit-policy");
  await assert.rejects(running, { code: "end-exit-policy" });
  assert.deepEqual(test.retries, { "end-exit-policy": 2, "stream-circuit-closed": 1 });
});

Deno.test("StreamAttempts: a silent circuit is left after its check, and its relays are avoided", async () => {
  const test = new TestAttempts();
  const running = test.run();
  const first = await test.attempt(1);
  test.clock.advance(1499);
  assert.equal(first.given.checks, 0);
  test.clock.advance(1);
  assert.equal(first.given.checks, 1);
  test.clock.advance(2000);
  await settled();
  assert.equal(first.signal.aborted, false);
  first.given.checked.reject(SILENT);

  const second = await test.attempt(2);
  assert.equal(first.signal.reason, SILENT);
  assert.deepEqual(first.given.pathBias.calls, ["UseAttempt", "UseRollback"]);
  assert.deepEqual(second.given.avoided, [middleOf(1), identityOf(1)]);
  // No exit is blamed for it, and nothing is waited for.
  assert.deepEqual(second.given.excluded, []);
  assert.equal(test.clock.monotonic(), 3500);
  test.clock.advance(1500);
  second.given.checked.reject(SILENT);
  const third = await test.attempt(3);
  assert.deepEqual(third.given.avoided, [middleOf(1), identityOf(1), middleOf(2), identityOf(2)]);
  third.answer("well");
  assert.equal(await running, "well");
  assert.equal(test.clock.pendingTimers, 0);
});

Deno.test("StreamAttempts: silence on circuit after circuit is tried as long as the time allows", async () => {
  const test = new TestAttempts();
  const running = test.run();
  for (let number = 1; number <= 20; number++) {
    const { given } = await test.attempt(number);
    assert.equal(given.avoided.length, Math.min(2 * (number - 1), 4));
    if (number === 20) break;
    test.clock.advance(1500);
    given.checked.reject(SILENT);
  }
  (await test.attempt(20)).answer("well");
  await running;
});

Deno.test("StreamAttempts: on a circuit that lives it waits for 10, 10, and then 15 s", async () => {
  const test = new TestAttempts();
  const running = test.run();
  for (const [index, seconds] of [10, 10, 15, 15, 15].entries()) {
    const { given, signal } = await test.attempt(index + 1);
    test.clock.advance(1500);
    given.checked.resolve();
    await settled();
    test.clock.advance(seconds * 1000 - 1501);
    assert.equal(signal.aborted, false);
    test.clock.advance(1);
    assert.equal(signal.aborted, true);
    const next = await test.attempt(index + 2);
    assert.deepEqual([given.checks, given.retired], [1, true]);
    assert.deepEqual(given.pathBias.calls, ["UseAttempt", "UseRollback"]);
    // What was slow is avoided from now on, but no exit is excluded.
    assert.deepEqual(next.given.avoided.slice(-2), [
      middleOf(index + 1),
      identityOf(index + 1),
    ]);
    assert.deepEqual(next.given.excluded, []);
  }
  (await test.attempt(6)).answer("late");
  assert.equal(await running, "late");
  assert.equal(test.clock.pendingTimers, 0);
});

Deno.test("StreamAttempts: the whole request has its time", async () => {
  const test = new TestAttempts();
  const running = test.run();
  let left = TIMEOUT;
  for (let number = 1; left > 0; number++) {
    const { given } = await test.attempt(number);
    given.checked.resolve();
    const step = Math.min(number <= 2 ? 10_000 : 15_000, left);
    test.clock.advance(step);
    left -= step;
  }
  await assert.rejects(running, { code: "stream-timeout", message: /120000 ms/ });
  const { retired, pathBias } = test.picker.given[test.picker.given.length - 1];
  assert.deepEqual([retired, pathBias.calls], [false, ["UseAttempt"]]);
  assert.equal(test.clock.pendingTimers, 0);
});

Deno.test("StreamAttempts: a check that fails for another reason than silence ends no attempt", async () => {
  const test = new TestAttempts();
  const running = test.run();
  const { given, answer, signal } = await test.attempt(1);
  test.clock.advance(1500);
  given.checked.reject(new CircuitError("circuit-destroyed", "a relay destroyed it"));
  await settled();
  assert.equal(signal.aborted, false);
  answer("well");
  assert.equal(await running, "well");
});

Deno.test("StreamAttempts: a check that fails after the answer changes nothing", async () => {
  const test = new TestAttempts();
  const running = test.run();
  const { given, answer } = await test.attempt(1);
  test.clock.advance(1500);
  answer("well");
  assert.equal(await running, "well");
  given.checked.reject(SILENT);
  await settled();
  assert.equal(test.picker.given.length, 1);
});

Deno.test("StreamAttempts: three exits may refuse, none is asked twice, and none is avoided for it", async () => {
  const test = new TestAttempts();
  const running = test.run();
  for (const number of [1, 2, 3]) {
    const { given } = await test.attempt(number);
    assert.deepEqual(
      given.excluded,
      [1, 2, 3].slice(0, number - 1).map(identityOf),
    );
    assert.deepEqual(given.avoided, []);
    await test.fail(number, "end-exit-policy");
  }
  await assert.rejects(running, { code: "end-exit-policy" });
  assert.deepEqual([test.made.length, test.clock.pendingTimers], [3, 0]);
});

Deno.test("StreamAttempts: losses and silence do not count as refusals", async () => {
  const test = new TestAttempts();
  const running = test.run();
  await test.fail(1, "end-resolve-failed");
  await test.fail(2, "stream-circuit-closed");
  (await test.attempt(3)).fail(new CircuitError("circuit-closed", "too late"));
  (await test.attempt(4)).fail(new CircuitError("circuit-channel-lost", "too late"));
  const { given } = await test.attempt(5);
  test.clock.advance(1500);
  given.checked.reject(SILENT);
  await test.fail(6, "end-misc");
  assert.deepEqual((await test.attempt(7)).given.excluded, [1, 6].map(identityOf));
  await test.fail(7, "end-no-route");
  await assert.rejects(running, { code: "end-no-route" });
});

Deno.test("StreamAttempts: after three lost circuits each further try waits, longer each time", async () => {
  const test = new TestAttempts();
  const running = test.run();
  for (const number of [1, 2, 3]) await test.fail(number, "stream-circuit-closed");
  let number = 4;
  for (const pause of [1000, 2000, 4000, 8000]) {
    await test.fail(number++, "stream-circuit-closed");
    // The time for the whole request, and the pause.
    await test.clock.untilPending(2);
    await settled();
    test.clock.advance(pause - 1);
    await settled();
    assert.equal(test.picker.given.length, number - 1);
    test.clock.advance(1);
    await test.attempt(number);
  }
  (await test.attempt(number)).answer("well");
  await running;
  assert.equal(test.clock.pendingTimers, 0);
});

Deno.test("StreamAttempts: a pause ends with the request's time or with its signal", async () => {
  const abort = new AbortController();
  for (const end of ["time", "signal"]) {
    const test = new TestAttempts();
    const running = test.run(end === "signal" ? abort.signal : NEVER);
    for (const number of [1, 2, 3, 4]) await test.fail(number, "stream-circuit-closed");
    await settled();
    assert.equal(test.clock.pendingTimers, 2);
    if (end === "signal") {
      abort.abort(new RangeError("enough"));
      await assert.rejects(running, /enough/);
    } else {
      // Each further pause is longer: the last one is cut off.
      for (let number = 5; test.clock.monotonic() < TIMEOUT; number++) {
        test.clock.advance(30_000);
        await settled();
        if (test.made.length === number) await test.fail(number, "stream-circuit-closed");
        await settled();
      }
      await assert.rejects(running, { code: "stream-timeout" });
    }
    assert.equal(test.clock.pendingTimers, 0);
  }
});

Deno.test("StreamAttempts: a request that was made does not change any more", async () => {
  const test = new TestAttempts();
  const running = test.run();
  const snapshots: { readonly request: CircuitRequest; readonly was: CircuitRequest }[] = [];
  for (const number of [1, 2, 3, 4]) {
    const { given, answer } = await test.attempt(number);
    const { request } = given;
    snapshots.push({
      request,
      was: {
        ...request,
        excludedExits: new Set(request.excludedExits),
        avoided: new Set(request.avoided),
      },
    });
    if (number === 2) {
      test.clock.advance(1500);
      given.checked.reject(SILENT);
    } else if (number === 4) answer("well");
    else await test.fail(number, "end-misc");
  }
  await running;
  for (const { request, was } of snapshots) assert.deepEqual(request, was);
  assert.equal(new Set(snapshots.map(({ request }) => request.excludedExits)).size, 4);
  assert.deepEqual([...snapshots[3].request.excludedExits], [1, 3].map(identityOf));
});

Deno.test("StreamAttempts: what each failure says of its circuit", async () => {
  // Of the path bias; whether the circuit is closed, retired or kept; whether another one is tried.
  const cases: [StreamErrorCode, string | undefined, string, boolean][] = [
    ["end-misc", "UseSuccess", "retired", true],
    ["end-resolve-failed", "UseSuccess", "retired", true],
    ["end-no-route", "UseSuccess", "retired", true],
    ["end-hibernating", "UseSuccess", "retired", true],
    ["end-resource-limit", "UseSuccess", "retired", true],
    ["end-exit-policy", "UseSuccess", "kept", true],
    ["end-not-directory", "UseSuccess", "kept", true],
    ["end-connection-refused", "UseSuccess", "kept", false],
    ["end-connection-reset", "UseSuccess", "kept", false],
    ["end-timeout", "UseSuccess", "kept", false],
    ["end-done", "UseSuccess", "kept", false],
    // Nothing can be concluded from this one.
    ["end-internal", undefined, "kept", false],
    ["end-tor-protocol", "UseFailed", "closed", true],
    ["end-destroy", "UseFailed", "closed", true],
    ["stream-circuit-closed", "UseRollback", "kept", true],
    ["stream-timeout", "UseRollback", "retired", true],
    // The exit has answered, though not what was hoped for.
    ["internal-answer-refused", "UseSuccess", "kept", true],
    ["resolve-failed-for-now", "UseSuccess", "kept", false],
  ];
  for (const [code, bias, fate, again] of cases) {
    const test = new TestAttempts();
    const running = test.run();
    await test.fail(1, code);
    if (again) {
      (await test.attempt(2)).answer("well");
      assert.equal(await running, "well", code);
    } else await assert.rejects(running, { code });
    const { circuit, pathBias, retired } = test.picker.given[0];
    assert.deepEqual(pathBias.calls, ["UseAttempt", ...(bias === undefined ? [] : [bias])], code);
    const found = circuit.closedBy !== undefined ? "closed" : retired ? "retired" : "kept";
    assert.equal(found, fate, code);
    assert.equal(test.clock.pendingTimers, 0);
  }
});

Deno.test("StreamAttempts: what is no TorError is thrown on at once", async () => {
  const test = new TestAttempts();
  const running = test.run();
  (await test.attempt(1)).fail(new RangeError("a defect"));
  await assert.rejects(running, /a defect/);
  assert.deepEqual([test.made.length, test.clock.pendingTimers], [1, 0]);
  assert.deepEqual(test.picker.given[0].pathBias.calls, ["UseAttempt", "UseRollback"]);
});

Deno.test("StreamAttempts: no circuit to be had, before and after a failure", async () => {
  const none = new CircuitError("no-exit", "none");
  const guardless = new CircuitError("no-guard", "none");
  const before = new TestAttempts();
  before.picker.failure = none;
  await assert.rejects(before.run(), none);
  assert.equal(before.clock.pendingTimers, 0);

  for (const [error, expected] of [[none, "end-misc"], [guardless, "no-guard"]] as const) {
    const test = new TestAttempts();
    const running = test.run();
    await test.attempt(1);
    test.picker.failure = error;
    await test.fail(1, "end-misc");
    // Where no exit is left to try, what the last one said is the answer.
    await assert.rejects(running, { code: expected });
    assert.equal(test.clock.pendingTimers, 0);
  }
});

Deno.test("StreamAttempts: given up by its signal, in an attempt and before", async () => {
  const test = new TestAttempts();
  const abort = new AbortController();
  const running = test.run(abort.signal);
  const { signal } = await test.attempt(1);
  abort.abort(new RangeError("enough"));
  await assert.rejects(running, /enough/);
  assert.match(String(signal.reason), /enough/);
  // That says nothing about the circuit.
  assert.deepEqual(test.picker.given[0].pathBias.calls, ["UseAttempt"]);
  assert.deepEqual([test.made.length, test.clock.pendingTimers], [1, 0]);
  await assert.rejects(test.run(abort.signal), /enough/);
  assert.equal(test.made.length, 1);
});
