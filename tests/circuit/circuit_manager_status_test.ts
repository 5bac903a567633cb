/** What the circuit manager tells of itself. */
import assert from "node:assert/strict";
import { CircuitError } from "../../src/circuit/errors.ts";
import { TestManager } from "./test_manager.ts";

Deno.test("CircuitManager: circuits tell their age, and whether they take new streams", async () => {
  const times: number[] = [];
  await using test = new TestManager({ onBuilt: (took) => times.push(took) });
  test.manager.update();
  const [first, second] = test.builder.take();
  test.clock.advance(700);
  await first.succeed(3);
  test.clock.advance(300);
  await second.succeed(4);
  assert.deepEqual(times, [700, 1000]);
  test.clock.advance(5000);
  const picked = await test.pick("a");
  const shown = () =>
    test.manager.circuits.map(({ circuit, age, isUsable, isolationKey }) => ({
      isPicked: circuit === picked.circuit,
      age,
      isUsable,
      isolationKey,
    }));
  assert.deepEqual(shown(), [
    { isPicked: true, age: 5300, isUsable: true, isolationKey: "a" },
    { isPicked: false, age: 5000, isUsable: true, isolationKey: undefined },
  ]);
});

Deno.test("CircuitManager: circuits that could not be built are counted by the reason", async () => {
  await using test = new TestManager();
  test.forecast.wanted = 3;
  test.manager.update();
  const [first, second, third] = test.builder.take();
  await first.fail(new CircuitError("circuit-timeout", "too slow"));
  await second.fail(new CircuitError("circuit-timeout", "too slow"));
  await third.fail(new Error("a surprise"));
  const { built, failures } = test.manager.statistics();
  assert.equal(built, 0);
  assert.deepEqual(failures, new Map([["circuit-timeout", 2], ["unknown", 1]]));
});
