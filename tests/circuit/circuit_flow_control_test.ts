import assert from "node:assert/strict";
import fc from "fast-check";
import { CircuitFlowControl } from "../../src/circuit/circuit_flow_control.ts";
import { CongestionControl, type CongestionSample } from "../../src/circuit/congestion_control.ts";
import { congestionControlParameters } from "../../src/circuit/congestion_control_parameters.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { FixedWindow } from "../../src/circuit/package_window.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

const PARAMETERS = congestionControlParameters("exit");

/** A digest that tells which message it is of. */
function digestOf(message: number): Uint8Array {
  const digest = new Uint8Array(20);
  new DataView(digest.buffer).setUint32(16, message);
  return digest;
}

function fixed(seed = 1): CircuitFlowControl {
  return new CircuitFlowControl(new FixedWindow(), new SeededRandom(seed));
}

/** Sends messages with these numbers, and gives those whose digest was asked for. */
function send(flow: CircuitFlowControl, from: number, to: number): number[] {
  const asked: number[] = [];
  for (let message = from; message <= to; message++) {
    flow.sent(() => {
      asked.push(message);
      return digestOf(message);
    });
  }
  return asked;
}

function assertViolation(action: () => void, message: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof CircuitError);
    assert.equal(error.code, "circuit-protocol-violation");
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("CircuitFlowControl: 1,000 messages, and 100 more for each SENDME, oldest first", () => {
  const flow = fixed();
  assert.equal(flow.isCongestionControl, false);
  const hundreds = [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000];
  assert.deepEqual(send(flow, 1, 1000), hundreds);
  assert.equal(flow.available, 0);
  for (const [index, message] of hundreds.entries()) {
    flow.acknowledged(digestOf(message), false);
    assert.equal(flow.available, (index + 1) * 100);
  }
  assertViolation(() => flow.acknowledged(digestOf(1000), false), /not due/);
});

Deno.test("CircuitFlowControl: a SENDME that is early, or whose digest is wrong in any bit", () => {
  const early = fixed();
  send(early, 1, 99);
  assertViolation(() => early.acknowledged(digestOf(99), false), /not due/);
  for (let bit = 0; bit < 160; bit++) {
    const flow = fixed();
    send(flow, 1, 200);
    const digest = digestOf(100);
    digest[bit >> 3] ^= 1 << (bit & 7);
    assertViolation(() => flow.acknowledged(digest, false), /wrong digest/);
  }
  const shorter = fixed();
  send(shorter, 1, 100);
  const cutOff = digestOf(100).subarray(0, 19);
  assertViolation(() => shorter.acknowledged(cutOff, false), /wrong digest/);
});

Deno.test("CircuitFlowControl: one message of each increment leaves room, at places that vary", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1 }), (seed) => {
      const flow = fixed(seed);
      const places = new Set<number>();
      for (let hundred = 0; hundred < 20; hundred++) {
        const roomy: number[] = [];
        for (let message = 0; message < 100; message++) {
          if (flow.nextIsRoomy) roomy.push(message);
          flow.sent(() => digestOf(0));
        }
        assert.equal(roomy.length, 1);
        places.add(roomy[0]);
      }
      // 20 of 100 places at random: seven or fewer different ones are as good as impossible.
      assert.ok(places.size > 7, `${places.size} places`);
    }),
    { seed: 1, numRuns: 50 },
  );
});

Deno.test("CircuitFlowControl: a SENDME is due at every 100th message", () => {
  const flow = fixed();
  const due: number[] = [];
  for (let message = 1; message <= 2500; message++) if (flow.received()) due.push(message);
  assert.deepEqual(due, Array.from({ length: 25 }, (_, index) => (index + 1) * 100));
});

/** A circuit with congestion control whose relay answers when the test says so. */
class CongestedCircuit {
  readonly clock = new FakeClock();
  readonly samples: CongestionSample[] = [];
  readonly flow: CircuitFlowControl;
  /** Messages sent, and those that the SENDMEs so far have answered. */
  sent = 0;
  answered = 0;
  readonly #increment: number;

  constructor(increment: number) {
    this.#increment = increment;
    const window = new CongestionControl(
      PARAMETERS,
      increment,
      this.clock,
      (sample) => this.samples.push(sample),
    );
    this.flow = new CircuitFlowControl(window, new SeededRandom(1));
  }

  /** Sends as many as may be sent, up to a limit. */
  send(limit = Infinity): void {
    for (let count = 0; count < limit && this.flow.available > 0; count++) {
      const message = ++this.sent;
      this.flow.sent(() => digestOf(message));
    }
  }

  /** Whether a SENDME is due. */
  get isDue(): boolean {
    return this.sent - this.answered >= this.#increment;
  }

  answer(isBlocked = false): void {
    this.answered += this.#increment;
    this.flow.acknowledged(digestOf(this.answered), isBlocked);
  }
}

Deno.test("CongestionControl: the increment that was agreed on rules both ways", () => {
  for (const increment of [30, 31, 32]) {
    const { flow } = new CongestedCircuit(increment);
    assert.equal(flow.isCongestionControl, true);
    assert.equal(flow.available, 124);
    assert.deepEqual(
      send(flow, 1, 124),
      [1, 2, 3, 4].map((count) => count * increment).filter((at) => at <= 124),
    );
    assert.equal(flow.available, 0);
    const due: number[] = [];
    for (let message = 1; message <= 100; message++) if (flow.received()) due.push(message);
    assert.deepEqual(due, [1, 2, 3].map((count) => count * increment));
  }
});

Deno.test("CongestionControl: an observer sees each SENDME; round trips are measured by the clock", () => {
  const circuit = new CongestedCircuit(31);
  circuit.send(31);
  circuit.clock.advance(20);
  circuit.send(93);
  circuit.clock.advance(30);
  circuit.answer();
  circuit.answer();
  assert.deepEqual(circuit.samples, [
    {
      cwnd: 155,
      inflight: 93,
      rtt: 50_000,
      averageRtt: 50_000,
      minRtt: 50_000,
      bdp: 124,
      inSlowStart: true,
      isBlocked: false,
    },
    {
      cwnd: 186,
      inflight: 62,
      rtt: 30_000,
      averageRtt: 36_666,
      minRtt: 36_666,
      bdp: 155,
      inSlowStart: true,
      isBlocked: false,
    },
  ]);
});

Deno.test("CongestionControl: a window that has shrunk under what is on its way allows nothing", () => {
  const circuit = new CongestedCircuit(31);
  // A window that has grown to 300 is in use when the way becomes slow.
  for (let round = 0; round < 6; round++) {
    circuit.send();
    circuit.clock.advance(1);
    circuit.answer();
  }
  circuit.send();
  circuit.clock.advance(2000);
  circuit.answer();
  const { cwnd, inflight, inSlowStart } = circuit.samples[circuit.samples.length - 1];
  assert.equal(inSlowStart, false);
  assert.ok(cwnd < 310, `${cwnd}`);
  assert.equal(circuit.flow.available, Math.max(0, cwnd - inflight));
  // It goes on when the rest is answered.
  while (circuit.isDue) circuit.answer();
  assert.ok(circuit.flow.available > 0);
});

Deno.test("CongestionControl: never more on its way than the window, never less than nothing", () => {
  const actions = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("send" as const), count: fc.nat(400) }),
      fc.record({
        kind: fc.constant("answer" as const),
        count: fc.nat(8),
        isBlocked: fc.boolean(),
      }),
      fc.record({ kind: fc.constant("wait" as const), count: fc.nat(300) }),
    ),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(actions, fc.integer({ min: 30, max: 32 }), (sequence, increment) => {
      const circuit = new CongestedCircuit(increment);
      let cwnd = PARAMETERS.cwndInit;
      for (const action of sequence) {
        if (action.kind === "wait") circuit.clock.advance(action.count);
        else if (action.kind === "send") {
          const before = circuit.sent;
          circuit.send(action.count);
          // A window that has shrunk may be exceeded by what was sent before, and only by that.
          const inflight = circuit.sent - circuit.answered;
          assert.ok(circuit.sent === before || inflight <= cwnd, `${inflight} of ${cwnd}`);
        } else {
          for (let count = 0; count < action.count && circuit.isDue; count++) {
            circuit.answer(action.isBlocked);
            const sample = circuit.samples[circuit.samples.length - 1];
            assert.equal(sample.inflight, circuit.sent - circuit.answered);
            assert.ok(sample.inflight >= 0);
            cwnd = sample.cwnd;
          }
        }
        assert.equal(
          circuit.flow.available,
          Math.max(0, cwnd - (circuit.sent - circuit.answered)),
        );
      }
      // Nothing hangs: when all is answered, there is room.
      while (circuit.isDue) circuit.answer();
      assert.ok(circuit.flow.available > 0);
    }),
    { seed: 1, numRuns: 200 },
  );
});
