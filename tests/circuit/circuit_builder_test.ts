import assert from "node:assert/strict";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import { ChannelError } from "../../src/channel/errors.ts";
import type { BuildTimes } from "../../src/circuit/build_times.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { type Fixture, learnFrom, withBuildTimes } from "./measured_circuits.ts";
import { NEVER, testHop } from "./relay_end.ts";
import { PATH, TestBuilder } from "./test_builder.ts";
import { settled } from "./test_circuits.ts";

/** What a test works with. */
interface Setup {
  readonly clock: Fixture["clock"];
  readonly times: BuildTimes;
  readonly test: TestBuilder;
}

/** Runs with a builder; nothing may run when it is over. */
async function withBuilder(
  run: (setup: Setup) => Promise<void>,
  learned = false,
): Promise<void> {
  await withBuildTimes(async ({ clock, load }) => {
    const times = await load();
    if (learned) learnFrom(times, 100);
    const test = new TestBuilder(clock, times);
    await run({ clock, times, test });
    await test.builder.close();
    assert.deepEqual(test.violations, []);
    await times.close();
    assert.equal(clock.pendingTimers, 0);
  });
}

/** How long the guard may take to answer CREATE2, in ms. */
const SILENT_AFTER = 3000;

Deno.test("CircuitBuilder: three hops, and what guard and path bias are told when", async () => {
  await withBuilder(async ({ clock, times, test }) => {
    const building = test.build();
    assert.deepEqual([test.waitsFor, test.steps], [1, ["started"]]);
    await test.answer(1);
    assert.deepEqual([test.waitsFor, test.steps], [2, ["started", "channel-open", "first-hop"]]);
    assert.deepEqual(test.log, []);
    clock.advance(700);
    await test.answer(1);
    assert.deepEqual([test.waitsFor, test.log], [3, ["BuildAttempt"]]);
    await test.answer(1);
    const built = await building;
    assert.deepEqual(test.log, ["BuildAttempt", "BuildSuccess", "success"]);
    assert.equal(test.waitsFor, undefined);
    assert.deepEqual([built.guard, built.middle, built.exit], PATH);
    assert.equal(built.guardChoice.relay, built.guard);
    assert.equal(built.circuit.closedBy, undefined);
    assert.deepEqual(test.asked, [{ target: PATH[0], retry: undefined }]);
    // The time is recorded, and no timer is left.
    assert.equal(times.statistics().total, 1);
    assert.equal(clock.pendingTimers, 0);

    built.circuit.close();
    await built.circuit.whenClosed;
    assert.deepEqual(test.log.slice(3), ["closed local"]);
  });
});

Deno.test("CircuitBuilder: how a built circuit ended, the guard is told", async () => {
  const ends: [string, (test: TestBuilder) => void][] = [
    ["remote", ({ end }) => end.deliverCell(CellCommand.DESTROY, Uint8Array.of(1))],
    ["remote", ({ end }) => end.deliver(1, RelayCommand.TRUNCATED, 0, Uint8Array.of(1))],
    ["channel-lost", ({ end }) => end.closeChannel()],
  ];
  for (const [expected, finish] of ends) {
    await withBuilder(async ({ test }) => {
      const building = test.build();
      await test.answer(3);
      const { circuit } = await building;
      finish(test);
      await circuit.whenClosed;
      assert.deepEqual(test.log.slice(3), [`closed ${expected}`]);
    });
  }
});

Deno.test("CircuitBuilder: a channel that cannot be had is the guard's fault, unless there is no network", async () => {
  for (
    const [code, told] of [
      ["connect-refused", ["failure", "closed local"]],
      ["network-unreachable", ["closed local"]],
    ] as const
  ) {
    await withBuilder(async ({ test }) => {
      const lost = new ChannelError(code, "the test says so");
      test.end.closedBy = lost;
      await assert.rejects(test.build(), lost);
      assert.deepEqual(test.log, told);
    });
  }
});

Deno.test("CircuitBuilder: what fails at the first hop is the guard's fault, behind it not", async () => {
  for (
    const [hops, told] of [
      [0, ["failure", "closed remote"]],
      [1, ["closed remote"]],
      [2, ["BuildAttempt", "closed remote"]],
    ] as const
  ) {
    await withBuilder(async ({ test }) => {
      const building = test.build();
      await test.answer(hops);
      await test.end.untilSent();
      test.end.deliverCell(CellCommand.DESTROY, Uint8Array.of(6));
      await assert.rejects(building, { code: "circuit-destroyed" });
      assert.deepEqual(test.log, told);
      assert.equal(test.end.attached, false);
      // Whoever said something so far: the channel is good for other circuits.
      assert.equal(test.end.retired, false);
    });
  }
});

Deno.test("CircuitBuilder: a guard that fails too many circuits is refused at the second hop", async () => {
  await withBuilder(async ({ test }) => {
    test.pathBias.answer = "refused";
    const building = test.build();
    await test.answer(2);
    await assert.rejects(building, { code: "circuit-closed" });
    assert.deepEqual(test.log, ["BuildAttempt", "closed local"]);
    assert.equal(test.end.attached, false);
  });
});

Deno.test("CircuitBuilder: a circuit that is too slow fails, but is built on and measured", async () => {
  await withBuilder(async ({ clock, times, test }) => {
    const building = test.build();
    await test.answer(1);
    clock.advance(times.timeout);
    await assert.rejects(building, { code: "circuit-timeout" });
    assert.deepEqual(test.log, []);
    assert.equal(test.end.attached, true);

    let isClosed = false;
    const closing = test.builder.close().then(() => isClosed = true);
    await settled();
    assert.equal(isClosed, false);

    await test.answer(1);
    clock.advance(10);
    await test.answer(1);
    await closing;
    assert.deepEqual(test.log, ["BuildAttempt", "BuildSuccess", "success", "closed local"]);
    assert.equal(test.end.attached, false);
    assert.equal(test.end.takeCells().at(-1)?.command, CellCommand.DESTROY);
    assert.equal(times.statistics().total, 101);
  }, true);
});

Deno.test("CircuitBuilder: one that is never finished is closed at the second timeout", async () => {
  await withBuilder(async ({ clock, times, test }) => {
    const { timeout, closeTimeout } = times;
    assert.ok(timeout < closeTimeout);
    const building = test.build();
    await test.answer(2);
    clock.advance(timeout);
    await assert.rejects(building, { code: "circuit-timeout" });
    times.noteNetworkAlive();
    assert.deepEqual(test.log, ["BuildAttempt"]);
    clock.advance(closeTimeout - timeout - 1);
    await settled();
    assert.equal(test.end.attached, true);
    clock.advance(1);
    await test.builder.close();
    assert.equal(test.end.attached, false);
    assert.deepEqual(test.log, ["BuildAttempt", "Timeout", "closed local"]);
    assert.equal(times.statistics().abandoned, 1);
    assert.equal(test.end.retired, false);
  }, true);
});

Deno.test("CircuitBuilder: before anything is learned there is one timeout, which closes it", async () => {
  await withBuilder(async ({ clock, times, test }) => {
    const building = test.build();
    await test.answer(1);
    clock.advance(times.timeout - 1);
    await settled();
    assert.equal(test.end.attached, true);
    clock.advance(1);
    await assert.rejects(building, { code: "circuit-timeout" });
    assert.equal(test.end.attached, false);
    assert.deepEqual(test.log, ["Timeout", "closed local"]);
  });
});

Deno.test("CircuitBuilder: a first hop that is silent is noted so, then failed, and its channel retired", async () => {
  await withBuilder(async ({ clock, times, test }) => {
    const building = test.build();
    await test.end.untilSent();
    clock.advance(SILENT_AFTER - 1);
    assert.deepEqual(test.log, []);
    clock.advance(1);
    assert.deepEqual(test.log, ["silent"]);
    assert.equal(test.end.retired, false);
    clock.advance(times.timeout - SILENT_AFTER);
    await assert.rejects(building, { code: "circuit-timeout" });
    assert.deepEqual(test.log.slice(1), ["Timeout", "failure", "closed local"]);
    assert.equal(test.end.retired, true);
  });

  // One that is too slow for use only goes on to be measured.
  await withBuilder(async ({ clock, times, test }) => {
    const { timeout, closeTimeout } = times;
    assert.ok(timeout < SILENT_AFTER && SILENT_AFTER < closeTimeout);
    const building = test.build();
    await test.end.untilSent();
    clock.advance(timeout);
    await assert.rejects(building, { code: "circuit-timeout" });
    assert.deepEqual(test.log, []);
    clock.advance(closeTimeout - timeout);
    await test.builder.close();
    assert.deepEqual(test.log, ["silent", "Timeout", "failure", "closed local"]);
    assert.equal(test.end.retired, true);
  }, true);
});

Deno.test("CircuitBuilder: a first hop that answers too late is not silent", async () => {
  await withBuilder(async ({ clock, times, test }) => {
    // While no circuit is open it stays usable; then another one opens, and it answers.
    let isOpen = false;
    const building = test.build({ anyCircuitOpen: () => isOpen });
    await test.end.untilSent();
    clock.advance(times.timeout + 100);
    assert.deepEqual(test.log, []);
    isOpen = true;
    await test.answer(1);
    await assert.rejects(building, { code: "circuit-timeout" });
    assert.deepEqual(test.log, []);
    await test.answer(2);
    await test.builder.close();
    assert.deepEqual(test.log, ["BuildAttempt", "BuildSuccess", "success", "closed local"]);
  }, true);
});

Deno.test("CircuitBuilder: while no other circuit is open, a late one is of use", async () => {
  await withBuilder(async ({ clock, times, test }) => {
    const building = test.build({ anyCircuitOpen: () => false });
    await test.answer(2);
    clock.advance(times.closeTimeout - 1);
    await test.answer(1);
    const { circuit } = await building;
    assert.equal(circuit.closedBy?.code, undefined);
    assert.deepEqual(test.log, ["BuildAttempt", "BuildSuccess", "success"]);
    circuit.close();
  }, true);
});

Deno.test("CircuitBuilder: time runs from CREATE on, not while the channel is opened", async () => {
  await withBuilder(async ({ clock, times, test }) => {
    const { promise, resolve } = Promise.withResolvers<typeof test.end>();
    test.channel = promise;
    const building = test.build();
    clock.advance(2 * times.closeTimeout);
    resolve(test.end);
    await test.answer(3);
    (await building).circuit.close();
  }, true);
});

Deno.test("CircuitBuilder: given up at any step, it leaves nothing and blames nobody", async () => {
  const told = [["closed local"], ["closed local"], ["BuildAttempt", "closed local"]];
  for (const hops of [0, 1, 2]) {
    await withBuilder(async ({ test }) => {
      const abort = new AbortController();
      const building = test.build({ signal: abort.signal });
      await test.answer(hops);
      await test.end.untilSent();
      abort.abort(new RangeError("enough"));
      await assert.rejects(building, /enough/);
      assert.deepEqual(test.log, told[hops]);
      assert.equal(test.end.attached, false);
    });
  }
  await withBuilder(async ({ test }) => {
    const abort = new AbortController();
    test.channel = new Promise(() => {});
    const building = test.build({ signal: abort.signal });
    abort.abort(new RangeError("enough"));
    await assert.rejects(building, /enough/);
    assert.deepEqual(test.log, ["closed local"]);
  });
});

Deno.test("CircuitBuilder: measuring is given up by the signal of its build", async () => {
  await withBuilder(async ({ clock, times, test }) => {
    const abort = new AbortController();
    const building = test.build({ signal: abort.signal });
    await test.answer(1);
    clock.advance(times.timeout);
    await assert.rejects(building, { code: "circuit-timeout" });
    abort.abort(new RangeError("enough"));
    await test.builder.close();
    assert.deepEqual(test.log, ["closed local"]);
    assert.equal(test.end.attached, false);
  }, true);
});

Deno.test("CircuitBuilder: a circuit that waits for better guards is given when it may be used", async () => {
  await withBuilder(async ({ test }) => {
    test.guards.outcome = "waiting";
    const building = test.build();
    let isBuilt = false;
    building.then(() => isBuilt = true);
    await test.answer(3);
    await settled();
    assert.deepEqual([isBuilt, test.log.at(-1)], [false, "success"]);
    test.guards.settling.resolve("usable");
    (await building).circuit.close();
  });
});

Deno.test("CircuitBuilder: a circuit that may not be used any more is closed", async () => {
  for (const outcome of ["waiting", "never"] as const) {
    await withBuilder(async ({ test }) => {
      test.guards.outcome = outcome;
      test.guards.settling.resolve("expired");
      const building = test.build();
      await test.answer(3);
      await assert.rejects(building, { code: "circuit-closed" });
      assert.deepEqual(test.log.slice(2), ["success", "closed local"]);
      assert.equal(test.end.attached, false);
    });
  }
  await withBuilder(async ({ test }) => {
    const abort = new AbortController();
    test.guards.outcome = "waiting";
    const building = test.build({ signal: abort.signal });
    await test.answer(3);
    abort.abort(new RangeError("enough"));
    await assert.rejects(building, /enough/);
    assert.deepEqual(test.log.slice(2), ["success", "closed local"]);
    assert.equal(test.end.attached, false);
  });
});

Deno.test("CircuitBuilder: without a path nothing is begun", async () => {
  await withBuilder(async ({ test }) => {
    const building = test.build({ target: { kind: "name", port: 25 } });
    await assert.rejects(building, { code: "no-exit" });
    assert.deepEqual([test.log, test.steps, test.asked], [[], [], []]);
  });
});

Deno.test("CircuitBuilder: one hop for a directory, tried once and for 15 s", async () => {
  const { rsaIdentity } = testHop(0);
  const target = { hostname: "10.0.0.1", port: 9001, rsaIdentity };
  await withBuilder(async ({ clock, test }) => {
    const building = test.builder.oneHop(target, NEVER);
    await test.end.untilSent();
    test.end.answerCreate();
    const circuit = await building;
    assert.deepEqual([circuit.hops, test.steps, test.log], [1, ["one-hop"], []]);
    assert.deepEqual(test.asked, [{ target, retry: false }]);
    assert.equal(clock.pendingTimers, 0);
    circuit.close();
  });
  await withBuilder(async ({ clock, test }) => {
    const failing = assert.rejects(
      test.builder.oneHop(target, NEVER),
      (error) => error instanceof CircuitError && error.code === "circuit-timeout",
    );
    await test.end.untilSent();
    clock.advance(15_000);
    await failing;
    assert.equal(test.end.attached, false);
  });
  await withBuilder(async ({ test }) => {
    const abort = new AbortController();
    const failing = assert.rejects(test.builder.oneHop(target, abort.signal), /enough/);
    await test.end.untilSent();
    abort.abort(new RangeError("enough"));
    await failing;
    assert.equal(test.end.attached, false);
  });
});

/** The list of extensions that asks for congestion control. */
const CC_REQUEST = "010100";
/** A CC_RESPONSE with the increment of 31. */
const CC_RESPONSE = Uint8Array.of(1, 2, 1, 31);

Deno.test("CircuitBuilder: congestion control is asked of the exit alone", async () => {
  await withBuilder(async ({ test }) => {
    const building = test.build();
    await test.answer(2);
    test.end.relayMessage = CC_RESPONSE;
    await test.answer(1);
    const { circuit } = await building;
    const asked = test.end.asked.map((message) => message?.toHex());
    assert.deepEqual(asked, [undefined, undefined, CC_REQUEST]);
    assert.equal(circuit.usesStreamSendmes, false);
    circuit.close();
  });
});

Deno.test("CircuitBuilder: an exit that does not agree has fixed windows", async () => {
  await withBuilder(async ({ test }) => {
    const building = test.build();
    await test.answer(3);
    const { circuit } = await building;
    assert.equal(test.end.asked[2]?.toHex(), CC_REQUEST);
    assert.equal(circuit.usesStreamSendmes, true);
    circuit.close();
  });
});

Deno.test("CircuitBuilder: a directory that is a known relay is asked as well", async () => {
  await withBuilder(async ({ test }) => {
    const [relay] = PATH;
    test.end.relayMessage = CC_RESPONSE;
    const building = test.builder.oneHop(relay, NEVER);
    await test.end.untilSent();
    test.end.answerCreate();
    const circuit = await building;
    assert.equal(test.end.asked[0]?.toHex(), CC_REQUEST);
    assert.equal(circuit.usesStreamSendmes, false);
    circuit.close();
  });
});
