import assert from "node:assert/strict";
import { type CircuitEvent, CircuitEvents } from "../../src/client/circuit_events.ts";
import { CircuitError } from "../../src/circuit/errors.ts";

Deno.test("each circuit is told once when it is there, and once when it is closed", async () => {
  const events = new CircuitEvents();
  const told: CircuitEvent[] = [];
  const forget = events.onEvent((event) => told.push(event));
  const closing = [1, 2].map(() => Promise.withResolvers<CircuitError>());
  const open = closing.map(({ promise }, index) => ({
    circuit: { number: index + 1, whenClosed: promise },
  }));
  events.noteBuilt(open.slice(0, 1));
  events.noteBuilt(open);
  closing[0].resolve(new CircuitError("circuit-destroyed", "it was destroyed"));
  await closing[0].promise;
  assert.deepEqual(told, [
    { kind: "built", number: 1 },
    { kind: "built", number: 2 },
    { kind: "closed", number: 1, code: "circuit-destroyed" },
  ]);
  forget();
  closing[1].resolve(new CircuitError("circuit-closed", "it was closed"));
  await closing[1].promise;
  assert.equal(told.length, 3);
});
