import assert from "node:assert/strict";
import fc from "fast-check";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import {
  ConfluxUx,
  decodeConfluxSwitch,
  encodeConfluxSwitch,
  isMultiplexed,
} from "../../src/cell/conflux.ts";
import type { Circuit } from "../../src/circuit/circuit.ts";
import { ConfluxSet } from "../../src/circuit/conflux_set.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { QueueMemory } from "../../src/circuit/message_queue.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { builtCircuit, type RelayEnd } from "./relay_end.ts";

const { BEGIN, DATA, END, SENDME, XON, CONFLUX_SWITCH, CONFLUX_LINKED } = RelayCommand;
const EXIT = 0;
const EMPTY = new Uint8Array(0);

/** A stream that keeps what it gets. */
class Listener {
  readonly got: string[] = [];
  closedBy: CircuitError | undefined;
  onData: (() => void) | undefined;

  onMessage(command: number, buffer: Uint8Array, offset: number, length: number): void {
    this.got.push(
      `${command} ${new TextDecoder().decode(buffer.subarray(offset, offset + length))}`,
    );
    this.onData?.();
  }

  onCircuitClosed(error: CircuitError): void {
    this.closedBy = error;
  }

  onPackage(): boolean {
    return false;
  }
}

interface Pair {
  readonly set: ConfluxSet;
  readonly circuits: readonly Circuit[];
  readonly ends: readonly RelayEnd[];
  readonly memory: QueueMemory;
  readonly stream: Listener;
  readonly streamId: number;
}

/** A set of circuits with one hop each, of which the first is the nearest, and a stream on it. */
async function pair(desiredUx: ConfluxUx = ConfluxUx.HIGH_THROUGHPUT): Promise<Pair> {
  const built = [await builtCircuit(1), await builtCircuit(1)];
  const memory = new QueueMemory(2 ** 30);
  const set = new ConfluxSet({
    legs: built.map(({ circuit }, index) => ({ circuit, roundTripTime: 1000 * (index + 1) })),
    desiredUx,
    random: new SeededRandom(1),
    memory,
  });
  const stream = new Listener();
  const streamId = set.attachStream(stream);
  const circuits = built.map(({ circuit }) => circuit);
  return { set, circuits, ends: built.map(({ end }) => end), memory, stream, streamId };
}

function text(number: number): Uint8Array {
  return new TextEncoder().encode(String(number));
}

function data(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${DATA} ${index + 1}`);
}

function switchLeg(end: RelayEnd, relative: number): void {
  end.deliver(EXIT, CONFLUX_SWITCH, 0, encodeConfluxSwitch(relative));
}

function isOpen(set: ConfluxSet): boolean {
  return set.closedBy === undefined;
}

Deno.test("ConfluxSet: random splits over two legs, in any order of arrival, arrive in order", async () => {
  const plan = fc.record({
    legs: fc.array(fc.nat(1), { minLength: 1, maxLength: 120 }),
    arrivals: fc.array(fc.nat(1), { maxLength: 400 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ legs, arrivals }) => {
      const { set, ends, stream, streamId, memory } = await pair();
      // The exit's side: what it puts on each leg, with a SWITCH wherever it changes legs.
      const sent: (() => void)[][] = [[], []];
      const last = [0, 0];
      let current = legs[0];
      legs.forEach((leg, index) => {
        if (leg !== current) {
          const relative = last[current] - last[leg];
          sent[leg].push(() => switchLeg(ends[leg], relative));
          last[leg] = last[current];
          current = leg;
        }
        last[leg]++;
        sent[leg].push(() => void ends[leg].deliver(EXIT, DATA, streamId, text(index + 1)));
      });
      for (const leg of arrivals) sent[leg].shift()?.();
      // What came is always the beginning of what was sent.
      assert.deepEqual(stream.got, data(stream.got.length));
      for (const rest of sent) for (const deliver of rest) deliver();
      assert.deepEqual(stream.got, data(legs.length));
      assert.equal(set.closedBy, undefined);
      set.close();
      assert.equal(memory.used, 0);
    }),
    { seed: 1, numRuns: 80 },
  );
});

Deno.test("ConfluxSet: what it sends over legs that are full at random can be put in order again", async () => {
  const plan = fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), {
    minLength: 1,
    maxLength: 150,
  });
  await fc.assert(
    fc.asyncProperty(plan, async (steps) => {
      const { set, ends, streamId } = await pair();
      const sequences = [0, 0];
      const arrived = new Map<number, string>();
      let count = 0;
      for (const [isFirstFull, isSecondFull, isData] of steps) {
        ends[0].congested = isFirstFull;
        ends[1].congested = isSecondFull;
        if (isData && !set.canPackage) continue;
        const body = text(++count);
        if (isData) set.sendData(streamId, body, 0, body.length);
        else set.send(XON, streamId, body);
        ends.forEach((end, leg) => {
          for (const message of end.takeMessages()) {
            if (message.command === CONFLUX_SWITCH) {
              sequences[leg] += decodeConfluxSwitch(message.body);
            } else if (isMultiplexed(message.command)) {
              arrived.set(++sequences[leg], new TextDecoder().decode(message.body));
            }
          }
        });
      }
      assert.deepEqual([...arrived], Array.from({ length: count }, (_, i) => [i + 1, `${i + 1}`]));
      set.close();
    }),
    { seed: 2, numRuns: 60 },
  );
});

Deno.test("ConfluxSet: data goes by the nearest leg; beyond it only if the exit wishes throughput", async () => {
  for (
    const [ux, beyond] of [
      [ConfluxUx.HIGH_THROUGHPUT, true],
      [ConfluxUx.MIN_LATENCY, false],
    ] as const
  ) {
    const { set, ends, streamId } = await pair(ux);
    set.sendData(streamId, text(1), 0, 1);
    assert.deepEqual(ends.map((end) => end.takeMessages().length), [1, 0]);
    ends[0].congested = true;
    assert.equal(set.canPackage, beyond);
    if (beyond) {
      set.sendData(streamId, text(2), 0, 1);
      const [{ command, body }, second] = ends[1].takeMessages();
      assert.deepEqual([command, decodeConfluxSwitch(body)], [CONFLUX_SWITCH, 1]);
      assert.equal(second.command, DATA);
    }
    // What is not data goes in any case.
    set.send(END, streamId, text(3));
    assert.deepEqual(
      ends.map((end) => end.takeMessages().map(({ command }) => command)),
      beyond ? [[], [END]] : [[END], []],
    );
    set.close();
  }
});

Deno.test("ConfluxSet: room on any leg lets streams that wait send", async () => {
  const { set, ends, stream } = await pair();
  for (const end of ends) end.congested = true;
  let asked = 0;
  set.requestPackaging(Object.assign(stream, { onPackage: () => (asked++, false) }));
  assert.equal(asked, 0);
  ends[1].congested = false;
  ends[1].drain();
  assert.equal(asked, 1);
});

Deno.test("ConfluxSet: each leg has SENDMEs of its own, sent before the order is restored", async () => {
  const { ends, stream, streamId } = await pair();
  switchLeg(ends[1], 1);
  for (let count = 0; count < 100; count++) ends[1].deliver(EXIT, DATA, streamId, text(count + 2));
  assert.deepEqual(stream.got, []);
  const [sendme] = ends[1].takeMessages();
  assert.equal(sendme.command, SENDME);
  assert.deepEqual(ends[0].takeMessages(), []);
  ends[0].deliver(EXIT, DATA, streamId, text(1));
  assert.deepEqual(stream.got, data(101));
});

Deno.test("ConfluxSet: streams are half-open on both legs", async () => {
  const { set, ends, streamId } = await pair();
  set.detachStream(streamId, { data: 1, sendmes: 0, connectedPending: true, resolve: false });
  ends[0].deliver(EXIT, RelayCommand.CONNECTED, streamId);
  switchLeg(ends[1], 1);
  ends[1].deliver(EXIT, DATA, streamId, text(1));
  assert.ok(isOpen(set));
  ends[1].deliver(EXIT, DATA, streamId, text(2));
  assert.equal(set.closedBy?.code, "circuit-protocol-violation");
});

Deno.test("ConfluxSet: what may still come is what each leg can have on its way, and what waits", async () => {
  const { set, ends, streamId } = await pair();
  assert.equal(set.mostInFlight, 20_000);
  switchLeg(ends[1], 1);
  for (const number of [2, 3]) ends[1].deliver(EXIT, DATA, streamId, text(number));
  assert.equal(set.mostInFlight, 20_002);
  ends[0].deliver(EXIT, DATA, streamId, text(1));
  assert.equal(set.mostInFlight, 20_000);
});

/** Each closes the set and both of its circuits. */
const VIOLATIONS: readonly (readonly [string, RegExp, (given: Pair) => void])[] = [
  ["a sequence number that was delivered", /came twice/, ({ ends, streamId }) => {
    ends[0].deliver(EXIT, DATA, streamId, text(1));
    ends[1].deliver(EXIT, DATA, streamId, text(1));
  }],
  ["a sequence number that waits already", /came twice/, ({ ends, streamId }) => {
    switchLeg(ends[1], 1);
    ends[1].deliver(EXIT, DATA, streamId, text(2));
    for (const number of [1, 2]) ends[0].deliver(EXIT, DATA, streamId, text(number));
    ends[0].deliver(EXIT, DATA, streamId, text(2));
  }],
  ["a gap that no leg can fill", /a gap on every leg/, ({ ends, streamId }) => {
    for (const end of ends) {
      switchLeg(end, 1);
      end.deliver(EXIT, DATA, streamId, text(2));
    }
  }],
  ["SWITCH after SWITCH", /SWITCH after SWITCH/, ({ ends }) => {
    switchLeg(ends[1], 1);
    switchLeg(ends[1], 1);
  }],
  ["a SWITCH too far", /a SWITCH too far/, ({ ends }) => switchLeg(ends[1], 2 ** 32 - 1)],
  ["a SWITCH with a stream id", /for a stream that does not exist/, ({ ends }) => {
    ends[0].deliver(EXIT, CONFLUX_SWITCH, 77, encodeConfluxSwitch(0));
  }],
  ["a second LINKED", /an unexpected CONFLUX_LINKED/, ({ ends }) => {
    ends[0].deliver(EXIT, CONFLUX_LINKED, 0, new Uint8Array(50));
  }],
  ["DATA for no stream", /does not exist/, ({ ends, streamId }) => {
    ends[0].deliver(EXIT, DATA, streamId + 1, text(1));
  }],
  ["DATA with stream id 0", /unexpected DATA/, ({ ends }) => {
    ends[1].deliver(EXIT, DATA, 0, text(1));
  }],
  ["a SENDME that is not due", /not due/, ({ ends }) => {
    ends[1].deliver(EXIT, SENDME, 0, Uint8Array.of(1, 0, 20, ...new Uint8Array(20)));
  }],
];

for (const [name, message, act] of VIOLATIONS) {
  Deno.test(`ConfluxSet: ${name} closes all of it`, async () => {
    const given = await pair();
    act(given);
    const { set, circuits, stream, memory } = given;
    assert.equal(set.closedBy?.code, "circuit-protocol-violation");
    assert.match(set.closedBy.message, message);
    assert.ok(circuits.every(({ closedBy }) => closedBy !== undefined));
    assert.equal(stream.closedBy, set.closedBy);
    assert.equal(await set.whenClosed, set.closedBy);
    assert.equal(memory.used, 0);
  });
}

Deno.test("ConfluxSet: what waits is bounded in number", async () => {
  const { set, ends, streamId, memory } = await pair();
  switchLeg(ends[1], 1);
  for (let count = 0; count < 80_000; count++) ends[1].deliver(EXIT, XON, streamId, EMPTY);
  assert.ok(isOpen(set));
  ends[1].deliver(EXIT, XON, streamId, EMPTY);
  assert.equal(set.closedBy?.code, "conflux-queue-full");
  assert.equal(memory.used, 0);
});

Deno.test("ConfluxSet: a leg that has carried nothing may be lost, and streams go on", async () => {
  const { set, ends, stream, streamId } = await pair();
  set.send(BEGIN, streamId, EMPTY);
  ends[0].deliver(EXIT, DATA, streamId, text(1));
  ends[1].deliverCell(CellCommand.DESTROY, Uint8Array.of(9));
  assert.ok(isOpen(set));
  ends[0].deliver(EXIT, DATA, streamId, text(2));
  assert.deepEqual(stream.got, data(2));
  set.sendData(streamId, text(1), 0, 1);
  assert.deepEqual(ends[0].takeMessages().map(({ command }) => command), [BEGIN, DATA]);
  // The exit did not know yet, and has sent by the leg that is gone.
  switchLeg(ends[0], 5);
  ends[0].deliver(EXIT, DATA, streamId, text(8));
  assert.equal(set.closedBy?.code, "conflux-leg-lost");
});

Deno.test("ConfluxSet: without streams it does not go on with one leg", async () => {
  const { set, ends, streamId } = await pair();
  set.detachStream(streamId);
  ends[1].deliverCell(CellCommand.DESTROY, Uint8Array.of(9));
  assert.equal(set.closedBy?.code, "circuit-destroyed");
  assert.equal(ends[0].attached, false);
});

/** What makes the loss of the second leg that of the set; the first is the one in use. */
const LOSSES: readonly (readonly [string, (given: Pair) => void])[] = [
  ["is in use", ({ set, ends, streamId }) => {
    ends[0].congested = true;
    set.sendData(streamId, text(1), 0, 1);
  }],
  ["has data in flight", ({ set, ends, streamId }) => {
    ends[0].congested = true;
    for (let count = 0; count < 100; count++) set.sendData(streamId, text(1), 0, 1);
    ends[0].congested = false;
    set.sendData(streamId, text(1), 0, 1);
  }],
  ["has brought the last message", ({ ends, streamId }) => {
    ends[1].deliver(EXIT, DATA, streamId, text(1));
  }],
  ["has brought what waits", ({ ends, streamId }) => {
    switchLeg(ends[1], 1);
    ends[1].deliver(EXIT, DATA, streamId, text(2));
  }],
  ["was to bring what others wait for", ({ ends, streamId }) => {
    switchLeg(ends[0], 1);
    ends[0].deliver(EXIT, DATA, streamId, text(2));
  }],
];

for (const [why, act] of LOSSES) {
  Deno.test(`ConfluxSet: a leg that ${why} can't be lost alone`, async () => {
    const given = await pair();
    act(given);
    const { set, ends, circuits, stream, memory } = given;
    ends[1].deliverCell(CellCommand.DESTROY, Uint8Array.of(9));
    assert.equal(set.closedBy?.code, "circuit-destroyed");
    assert.ok(circuits.every(({ closedBy }) => closedBy !== undefined));
    assert.equal(stream.closedBy, set.closedBy);
    assert.equal(memory.used, 0);
  });
}

Deno.test("ConfluxSet: a channel that ends under a leg is found out by sending, too", async () => {
  const { set, ends, streamId, stream } = await pair();
  ends[0].closeChannel();
  assert.equal(set.closedBy?.code, "circuit-channel-lost");
  assert.throws(() => set.send(END, streamId, EMPTY), { code: "circuit-channel-lost" });
  assert.throws(() => set.attachStream(stream), { code: "circuit-channel-lost" });
});

Deno.test("ConfluxSet: a stream that closes it while it gets what waited ends the delivery", async () => {
  const { set, ends, stream, streamId, memory } = await pair();
  switchLeg(ends[1], 1);
  for (const number of [2, 3]) ends[1].deliver(EXIT, DATA, streamId, text(number));
  stream.onData = () => stream.got.length === 2 && set.close();
  ends[0].deliver(EXIT, DATA, streamId, text(1));
  assert.deepEqual(stream.got, data(2));
  assert.equal(set.closedBy?.code, "circuit-closed");
  assert.equal(memory.used, 0);
});

Deno.test("ConfluxSet: it is not made of a circuit that is closed, and closes the others", async () => {
  const built = [await builtCircuit(1), await builtCircuit(1)];
  built[1].circuit.close();
  assert.throws(
    () =>
      new ConfluxSet({
        legs: built.map(({ circuit }) => ({ circuit, roundTripTime: 1 })),
        desiredUx: ConfluxUx.NO_OPINION,
        random: new SeededRandom(1),
        memory: new QueueMemory(1),
      }),
    { code: "circuit-closed" },
  );
  assert.equal(built[0].circuit.closedBy?.code, "circuit-closed");
});
