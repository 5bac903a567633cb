import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type CongestionControlParameters,
  congestionControlParameters,
} from "../../src/circuit/congestion_control_parameters.ts";
import { Vegas } from "../../src/circuit/vegas.ts";

const PARAMETERS = congestionControlParameters("exit");
const INCREMENT = 31;

/** Times in microseconds; 1 for true. */
type Step = readonly [
  sent: number,
  answered: number,
  blocked: number,
  inflight: number,
  averageRtt: number,
  minRtt: number,
  cwnd: number,
  inSlowStart: number,
  cwndFull: number,
  isBlocked: number,
];

/** The vectors of C tor's test_congestion_control.c. */
const VECTORS: readonly { readonly name: string; readonly steps: readonly Step[] }[] = [
  {
    name: "C tor's edge cases of round-trip times, and the end of slow start by the queue",
    steps: [
      [100000, 200000, 0, 124, 100000, 100000, 155, 1, 0, 0],
      [200000, 300000, 0, 155, 100000, 100000, 186, 1, 1, 0],
      [350000, 500000, 0, 186, 133333, 100000, 217, 1, 1, 0],
      [500000, 550000, 0, 217, 77777, 77777, 248, 1, 1, 0],
      [600000, 700000, 0, 248, 92592, 77777, 279, 1, 1, 0],
      [700000, 750000, 0, 279, 64197, 64197, 310, 1, 0, 0],
      [750000, 875000, 0, 310, 104732, 64197, 341, 1, 1, 0],
      [875000, 900000, 0, 341, 51577, 51577, 372, 1, 1, 0],
      [900000, 950000, 0, 279, 50525, 50525, 403, 1, 1, 0],
      [950000, 1000000, 0, 279, 50175, 50175, 434, 1, 1, 0],
      [1000000, 1050000, 0, 279, 50058, 50058, 465, 1, 1, 0],
      [1050000, 1100000, 0, 279, 50019, 50019, 496, 1, 1, 0],
      [1100000, 1150000, 0, 279, 50006, 50006, 527, 1, 1, 0],
      [1150000, 1200000, 0, 279, 50002, 50002, 558, 1, 1, 0],
      [1200000, 1250000, 0, 550, 50000, 50000, 589, 1, 1, 0],
      [1250000, 1300000, 0, 550, 50000, 50000, 620, 1, 0, 0],
      [1300000, 1350000, 0, 550, 50000, 50000, 635, 1, 1, 0],
      [1350000, 1400000, 0, 550, 50000, 50000, 650, 1, 1, 0],
      [1400000, 1450000, 0, 150, 50000, 50000, 650, 1, 0, 0],
      [1450000, 1500000, 0, 150, 50000, 50000, 650, 1, 0, 0],
      [1500000, 1550000, 0, 550, 50000, 50000, 664, 1, 1, 0],
      [1500000, 1600000, 0, 550, 83333, 50000, 584, 0, 1, 0],
      [1600000, 1650000, 0, 550, 61111, 50000, 585, 0, 1, 0],
      [1650000, 1700000, 0, 550, 53703, 50000, 586, 0, 1, 0],
      [1700000, 1750000, 0, 100, 51234, 50000, 586, 0, 0, 0],
      [1750000, 1900000, 0, 100, 117078, 50000, 559, 0, 0, 0],
      [1900000, 2000000, 0, 100, 105692, 50000, 558, 0, 0, 0],
      [2000000, 2075000, 0, 500, 85230, 50000, 558, 0, 1, 0],
      [2075000, 2125000, 1, 500, 61743, 50000, 557, 0, 1, 1],
      [2125000, 2150000, 0, 500, 37247, 37247, 558, 0, 1, 0],
      [2150000, 2350000, 0, 500, 145749, 37247, 451, 0, 1, 0],
    ],
  },
  {
    name: "the end of slow start by a blocked channel",
    steps: [
      [100000, 200000, 0, 124, 100000, 100000, 155, 1, 0, 0],
      [200000, 300000, 0, 155, 100000, 100000, 186, 1, 1, 0],
      [350000, 500000, 0, 186, 133333, 100000, 217, 1, 1, 0],
      [500000, 550000, 1, 217, 77777, 77777, 403, 0, 1, 1],
      [600000, 700000, 0, 248, 92592, 77777, 404, 0, 1, 0],
      [700000, 750000, 1, 404, 64197, 64197, 403, 0, 0, 1],
      [750000, 875000, 0, 403, 104732, 64197, 404, 0, 1, 0],
    ],
  },
  {
    name: "C tor's first real upload",
    steps: [
      [18258527, 19002938, 0, 83, 744411, 744411, 155, 1, 0, 0],
      [18258580, 19254257, 0, 52, 911921, 744411, 186, 1, 1, 0],
      [20003224, 20645298, 0, 164, 732023, 732023, 217, 1, 1, 0],
      [20003367, 21021444, 0, 133, 922725, 732023, 248, 1, 1, 0],
      [20003845, 21265508, 0, 102, 1148683, 732023, 279, 1, 1, 0],
      [20003975, 21429157, 0, 71, 1333015, 732023, 310, 1, 0, 0],
      [20004309, 21707677, 0, 40, 1579917, 732023, 310, 1, 0, 0],
    ],
  },
  {
    name: "C tor's second real upload",
    steps: [
      [358297091, 358854163, 0, 83, 557072, 557072, 155, 1, 0, 0],
      [358297649, 359123845, 0, 52, 736488, 557072, 186, 1, 1, 0],
      [359492879, 359995330, 0, 186, 580463, 557072, 217, 1, 1, 0],
      [359493043, 360489243, 0, 217, 857621, 557072, 248, 1, 1, 0],
      [359493232, 360489673, 0, 248, 950167, 557072, 279, 1, 1, 0],
      [359493795, 360489971, 0, 279, 980839, 557072, 310, 1, 0, 0],
      [359493918, 360490248, 0, 310, 991166, 557072, 341, 1, 1, 0],
      [359494029, 360716465, 0, 341, 1145346, 557072, 372, 1, 1, 0],
      [359996888, 360948867, 0, 372, 1016434, 557072, 403, 1, 1, 0],
      [359996979, 360949330, 0, 403, 973712, 557072, 434, 1, 1, 0],
      [360489528, 361113615, 0, 434, 740628, 557072, 465, 1, 1, 0],
      [360489656, 361281604, 0, 465, 774841, 557072, 496, 1, 1, 0],
      [360489837, 361500461, 0, 496, 932029, 557072, 482, 0, 1, 0],
      [360489963, 361500631, 0, 482, 984455, 557072, 482, 0, 1, 0],
      [360490117, 361842481, 0, 482, 1229727, 557072, 481, 0, 1, 0],
    ],
  },
];

for (const { name, steps } of VECTORS) {
  Deno.test(`Vegas: ${name}`, () => {
    const vegas = new Vegas(PARAMETERS, INCREMENT);
    for (const [sent] of steps) vegas.roundTrip.sent(sent);
    for (const [index, [, answered, blocked, inflight, ...expected]] of steps.entries()) {
      vegas.acknowledged(answered, inflight, blocked === 1);
      const { cwnd, inSlowStart, cwndFull, isBlocked, roundTrip } = vegas;
      const flags = [inSlowStart, cwndFull, isBlocked].map(Number);
      assert.deepEqual(
        [roundTrip.average, roundTrip.min, cwnd, ...flags],
        expected,
        `step ${index}`,
      );
    }
  });
}

/** A circuit whose messages are all answered after `rtt` microseconds. */
class SteadyCircuit {
  readonly vegas: Vegas;
  now = 0;
  inflight = 0;

  constructor(parameters: Partial<CongestionControlParameters> = {}) {
    this.vegas = new Vegas({ ...PARAMETERS, ...parameters }, INCREMENT);
  }

  /** One SENDME; the window is full when it comes, unless another use of it is given. */
  step(rtt: number, { inflight = this.vegas.cwnd, isBlocked = false } = {}): void {
    this.vegas.roundTrip.sent(this.now);
    this.now += rtt;
    this.vegas.acknowledged(this.now, inflight, isBlocked);
  }
}

Deno.test("Vegas: slow start grows by the increment up to the cap, then ever slower, and ends at the limit", () => {
  const circuit = new SteadyCircuit();
  const { vegas } = circuit;
  const growth: number[] = [];
  for (let step = 0; step < 5000 && vegas.inSlowStart; step++) {
    const before = vegas.cwnd;
    circuit.step(1000);
    growth.push(vegas.cwnd - before);
    const most = before <= PARAMETERS.ssCap ? INCREMENT : INCREMENT * PARAMETERS.ssCap / before;
    assert.ok(growth[step] >= 1 && growth[step] <= most, `${growth[step]} at ${before}`);
  }
  assert.deepEqual(growth.slice(0, 16), new Array(16).fill(31));
  assert.equal(growth[16], 15);
  assert.equal(vegas.cwnd, PARAMETERS.ssMax);
  assert.equal(vegas.inSlowStart, false);
});

Deno.test("Vegas: slow start ends where it would grow slower than after it", () => {
  const circuit = new SteadyCircuit({ cwndInc: 1000, cwndIncRate: 250 });
  circuit.step(1000);
  assert.deepEqual([circuit.vegas.inSlowStart, circuit.vegas.cwnd], [false, 155]);
});

Deno.test("Vegas: a window that is not in use does not grow, in slow start and after", () => {
  const circuit = new SteadyCircuit();
  for (let step = 0; step < 100; step++) circuit.step(1000, { inflight: 31 });
  assert.equal(circuit.vegas.inSlowStart, true);
  // With one increment on its way and four of a gap, the first two windows count as full.
  assert.equal(circuit.vegas.cwnd, 186);
  circuit.step(1000, { isBlocked: true, inflight: 31 });
  const { cwnd } = circuit.vegas;
  assert.equal(circuit.vegas.inSlowStart, false);
  for (let step = 0; step < 100; step++) circuit.step(1000, { inflight: 31 });
  assert.ok(circuit.vegas.cwnd <= cwnd);
});

Deno.test("Vegas: after slow start the queue is held between alpha and beta", () => {
  const circuit = new SteadyCircuit();
  const { vegas } = circuit;
  // The way takes 1,000 cells in 100 ms; what is beyond waits, and all take the longer for it.
  const step = () => circuit.step(Math.max(100_000, vegas.cwnd * 100));
  for (let count = 0; count < 3000; count++) step();
  assert.equal(vegas.inSlowStart, false);
  const seen: number[] = [];
  for (let count = 0; count < 500; count++) {
    step();
    seen.push(vegas.cwnd - 1000);
  }
  assert.ok(Math.min(...seen) >= PARAMETERS.alpha - 5, `${Math.min(...seen)}`);
  assert.ok(Math.max(...seen) <= PARAMETERS.beta + 5, `${Math.max(...seen)}`);
});

Deno.test("Vegas: a clock that stands still all the time leaves the window as it is", () => {
  const circuit = new SteadyCircuit();
  for (let step = 0; step < 50; step++) circuit.step(0);
  const { vegas } = circuit;
  assert.deepEqual([vegas.cwnd, vegas.inSlowStart, vegas.bdp], [124, true, 124]);
  // A blocked channel is a sign of congestion all the same.
  circuit.step(0, { isBlocked: true });
  assert.deepEqual([vegas.cwnd, vegas.inSlowStart], [124 + 186, false]);
});

Deno.test("Vegas: the window never leaves its bounds", () => {
  const parameters = fc.record({
    cwndInit: fc.integer({ min: 31, max: 10_000 }),
    cwndMin: fc.integer({ min: 31, max: 1000 }),
    cwndMax: fc.integer({ min: 500, max: 20_000 }),
    cwndInc: fc.integer({ min: 1, max: 1000 }),
    cwndIncRate: fc.integer({ min: 1, max: 250 }),
    cwndFullPerCwnd: fc.boolean(),
    gamma: fc.integer({ min: 0, max: 1000 }),
    delta: fc.integer({ min: 0, max: 65_535 }),
    ssMax: fc.integer({ min: 500, max: 10_000 }),
  });
  const steps = fc.array(
    fc.record({
      rtt: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 10 ** 8 })),
      use: fc.integer({ min: 0, max: 100 }),
      isBlocked: fc.boolean(),
    }),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(parameters, steps, (changed, sequence) => {
      const circuit = new SteadyCircuit(changed);
      const { vegas } = circuit;
      const { cwndInit, cwndMin, cwndMax, gamma, ssMax } = changed;
      // The queue that ends slow start may be less than the least window after it.
      const least = Math.min(cwndInit, cwndMin, cwndMax, gamma, ssMax);
      for (const { rtt, use, isBlocked } of sequence) {
        circuit.step(rtt, { inflight: Math.floor(vegas.cwnd * use / 100), isBlocked });
        assert.ok(Number.isInteger(vegas.cwnd) && vegas.cwnd >= least, `${vegas.cwnd}`);
        assert.ok(vegas.cwnd <= Math.max(cwndMax, cwndInit), `${vegas.cwnd}`);
        assert.ok(Number.isInteger(vegas.bdp) && vegas.bdp >= 0, `${vegas.bdp}`);
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});
