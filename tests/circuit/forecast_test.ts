import assert from "node:assert/strict";
import type { BuildTimes } from "../../src/circuit/build_times.ts";
import { Forecast } from "../../src/circuit/forecast.ts";
import { ReadyCircuit } from "../../src/circuit/ready_circuits.ts";
import { type ExitTarget, needsStableRelays } from "../../src/path/exit_target.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import type { FakeClock } from "../runtime/fake_clock.ts";
import { learnFrom, withBuildTimes } from "./measured_circuits.ts";
import { relayOf, testCircuit } from "./test_circuits.ts";
import { AHEAD, MINUTE, NET_DIR, SSH } from "./test_manager.ts";

const LONG_LIVED = new Set([22]);
const TIMEOUT = 30 * MINUTE;
const MAIL: ExitTarget = { kind: "name", port: 993 };
const RESOLVE: ExitTarget = { kind: "resolve" };
const SSH_AHEAD: ExitTarget = { kind: "any-port", ports: [22] };

/** A forecast, and the circuits that are open. */
class TestForecast {
  isActive = true;
  readonly open: ReadyCircuit[] = [];
  readonly forecast: Forecast;

  constructor(readonly clock: FakeClock, readonly times: BuildTimes) {
    this.forecast = new Forecast({
      runtime: { clock, random: new SeededRandom(1), network: new SystemNetwork() },
      times,
      isActive: () => this.isActive,
      drawTimeout: () => TIMEOUT,
      longLivedPorts: LONG_LIVED,
    });
  }

  /** Opens a circuit whose exit has this number, built for the target. */
  async add(exit: number, target: ExitTarget): Promise<ReadyCircuit> {
    const { built } = await testCircuit(NET_DIR, [1, 2, exit], 1);
    const ready = new ReadyCircuit(built, Infinity, needsStableRelays(target, LONG_LIVED));
    this.open.push(ready);
    return ready;
  }

  /** What it wants built, one after the other, until it wants no more. */
  wants(planned: readonly ExitTarget[] = []): ExitTarget[] {
    const targets: ExitTarget[] = [];
    for (;;) {
      const advice = this.forecast.next(this.open, [...planned, ...targets]);
      if (advice.kind === "wait") return targets;
      targets.push(advice.target);
      assert.ok(targets.length < 30);
    }
  }

  /** After how many ms it wants to be asked again, when it wants nothing now. */
  delay(planned: readonly ExitTarget[] = []): number | undefined {
    const advice = this.forecast.next(this.open, planned);
    assert.ok(advice.kind === "wait");
    return advice.delay;
  }
}

/** Runs with a forecast; build times are not learned unless said. */
async function withForecast(
  run: (test: TestForecast) => void | Promise<void>,
  learnCircuitBuildTimeout = false,
): Promise<void> {
  await withBuildTimes(async ({ clock, load }) => {
    const times = await load({ learnCircuitBuildTimeout });
    await run(new TestForecast(clock, times));
    await times.close();
  });
}

Deno.test("Forecast: at the start, two circuits to port 443", async () => {
  await withForecast(async (test) => {
    assert.deepEqual(test.wants(), [AHEAD, AHEAD]);
    assert.deepEqual(test.wants([AHEAD]), [AHEAD]);
    await test.add(3, AHEAD);
    assert.deepEqual(test.wants(), [AHEAD]);
    await test.add(4, AHEAD);
    assert.deepEqual(test.wants(), []);
    assert.equal(test.delay(), undefined);
  });
});

Deno.test("Forecast: a used or retired circuit is replaced", async () => {
  await withForecast(async (test) => {
    const used = await test.add(3, AHEAD);
    const retired = await test.add(3, AHEAD);
    assert.deepEqual(test.wants(), []);
    used.isolationKey = "a";
    assert.deepEqual(test.wants(), [AHEAD]);
    retired.retire();
    assert.deepEqual(test.wants(), [AHEAD, AHEAD]);
  });
});

Deno.test("Forecast: what was asked for is expected again, two circuits for each port", async () => {
  const cases: [ExitTarget, ExitTarget][] = [
    [MAIL, { kind: "any-port", ports: [993] }],
    [{ kind: "address", family: 4, port: 993 }, { kind: "any-port", ports: [993] }],
    [{ kind: "address", family: 6, port: 443 }, { kind: "address", family: 6, port: 443 }],
  ];
  for (const [used, wanted] of cases) {
    await withForecast(async (test) => {
      await test.add(3, AHEAD);
      await test.add(3, AHEAD);
      test.forecast.noteUsed(used);
      assert.deepEqual(test.wants(), [wanted, wanted]);
    });
  }
});

Deno.test("Forecast: several ports are alternatives for one circuit", async () => {
  await withForecast(async (test) => {
    test.forecast.noteUsed(MAIL);
    const both: ExitTarget = { kind: "any-port", ports: [443, 993] };
    assert.deepEqual(test.wants(), [both, both]);
    // The exits allow one of the ports alone, so that the other one is still wanted.
    await test.add(3, both);
    await test.add(3, both);
    assert.deepEqual(test.wants(), [{ kind: "any-port", ports: [993] }, {
      kind: "any-port",
      ports: [993],
    }]);
  });
});

Deno.test("Forecast: lookups are expected as port 80, other targets not at all", async () => {
  await withForecast(async (test) => {
    test.forecast.noteUsed({ kind: "internal" });
    test.forecast.noteUsed(SSH_AHEAD);
    assert.deepEqual(test.wants(), [AHEAD, AHEAD]);
    test.forecast.noteUsed(RESOLVE);
    const both: ExitTarget = { kind: "any-port", ports: [443, 80] };
    assert.deepEqual(test.wants(), [both, both]);
    await test.add(3, AHEAD);
    await test.add(3, AHEAD);
    assert.deepEqual(test.wants(), []);
  });
});

Deno.test("Forecast: for long-lived ports only circuits count that were wanted of Stable relays", async () => {
  await withForecast(async (test) => {
    test.forecast.noteUsed(SSH);
    await test.add(3, AHEAD);
    await test.add(3, AHEAD);
    await test.add(5, RESOLVE);
    await test.add(5, RESOLVE);
    assert.deepEqual(test.wants(), [SSH_AHEAD, SSH_AHEAD]);
    await test.add(5, SSH_AHEAD);
    assert.deepEqual(test.wants(), [SSH_AHEAD]);
    await test.add(5, SSH_AHEAD);
    assert.deepEqual(test.wants(), []);
  });
});

Deno.test("Forecast: nothing is wanted any more when nothing was used for the timeout", async () => {
  await withForecast((test) => {
    test.clock.advance(TIMEOUT);
    assert.equal(test.wants().length, 2);
    test.clock.advance(1);
    assert.deepEqual(test.wants(), []);
    assert.equal(test.delay(), undefined);
    test.forecast.noteUsed(MAIL);
    assert.deepEqual(test.wants()[0], { kind: "any-port", ports: [993] });
  });
});

Deno.test("Forecast: nothing at all is wanted while the client is not active", async () => {
  await withForecast((test) => {
    test.isActive = false;
    assert.deepEqual(test.wants(), []);
    assert.equal(test.delay(), undefined);
    test.isActive = true;
    assert.ok(test.wants().length > 2);
  }, true);
});

Deno.test("Forecast: while build times are wanting, circuits are built to be measured, one in a while", async () => {
  await withForecast(async (test) => {
    await test.add(3, AHEAD);
    await test.add(3, AHEAD);
    // The first one at once; the next ones some time after the last of any kind.
    assert.deepEqual(test.forecast.next(test.open, []), { kind: "build", target: RESOLVE });
    test.times.noteLaunched();
    assert.equal(test.delay([RESOLVE]), 10_000);
    test.clock.advance(4000);
    assert.equal(test.delay([RESOLVE]), 6000);
    test.clock.advance(6000);
    assert.deepEqual(test.wants([RESOLVE])[0], RESOLVE);
    // But not with ten unused circuits.
    const planned = Array.from({ length: 8 }, () => RESOLVE);
    assert.deepEqual(test.wants(planned), []);
    assert.equal(test.delay(planned), undefined);
    // Ports come first.
    test.forecast.noteUsed(MAIL);
    assert.deepEqual(test.wants()[0], { kind: "any-port", ports: [993] });
  }, true);
});

Deno.test("Forecast: with build times enough, none is built to be measured", async () => {
  await withForecast(async (test) => {
    await test.add(3, AHEAD);
    await test.add(3, AHEAD);
    learnFrom(test.times, 100);
    assert.deepEqual(test.wants(), []);
    assert.equal(test.delay(), undefined);
  }, true);
});

Deno.test("Forecast: ports that no exit allows are forgotten until they are used again", async () => {
  await withForecast(async (test) => {
    await test.add(3, AHEAD);
    await test.add(3, AHEAD);
    test.forecast.noteUsed(MAIL);
    const [target] = test.wants();
    // The exit was one for other ports, because none allows this one.
    test.forecast.noteBuilt(target, relayOf(NET_DIR, 3));
    assert.deepEqual(test.wants(), []);
    test.forecast.noteUsed(MAIL);
    assert.deepEqual(test.wants(), [target, target]);
    // There was none at all.
    test.forecast.noteBuilt(target, undefined);
    assert.deepEqual(test.wants(), []);

    const ipv6: ExitTarget = { kind: "address", family: 6, port: 443 };
    test.forecast.noteUsed(ipv6);
    test.forecast.noteBuilt(ipv6, undefined);
    assert.deepEqual(test.wants(), []);
  });
});

Deno.test("Forecast: nothing is forgotten where an exit allows one of the ports", async () => {
  await withForecast((test) => {
    test.forecast.noteUsed(MAIL);
    const [target] = test.wants();
    test.forecast.noteBuilt(target, relayOf(NET_DIR, 3));
    assert.deepEqual(test.wants()[0], target);
    // Neither for a circuit that was built to be measured, nor when there was no exit for it.
    test.forecast.noteBuilt(RESOLVE, relayOf(NET_DIR, 5));
    test.forecast.noteBuilt(RESOLVE, undefined);
    assert.deepEqual(test.wants()[0], target);
  });
});

Deno.test("Forecast: unused circuits are kept a little longer than ports are expected", async () => {
  await withForecast((test) => {
    for (
      const [left, spread] of [[TIMEOUT, 2.5 * MINUTE], [TIMEOUT - 10 * MINUTE, MINUTE], [0, 0]]
    ) {
      test.clock.advance(TIMEOUT - left - test.clock.monotonic());
      const timeout = test.forecast.unusedTimeout();
      assert.ok(timeout >= left + 1000 && timeout <= left + 2000 + spread, `${timeout}`);
    }
  });
});

Deno.test("Forecast: while build times are wanting, unused circuits are kept for 3 minutes", async () => {
  await withForecast((test) => {
    assert.equal(test.forecast.unusedTimeout(), 3 * MINUTE);
    learnFrom(test.times, 100);
    assert.ok(test.forecast.unusedTimeout() > TIMEOUT);
  }, true);
});
