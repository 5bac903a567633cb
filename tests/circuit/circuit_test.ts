import assert from "node:assert/strict";
import fc from "fast-check";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import type { Circuit, StreamReceiver } from "../../src/circuit/circuit.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { builtCircuit, type RelayEnd } from "./relay_end.ts";

const { DATA, SENDME, END, DROP, CONNECTED, TRUNCATE } = RelayCommand;
const NOTHING = new Uint8Array(0);

/** A stream that counts. */
class CountingStream implements StreamReceiver {
  readonly messages: { command: number; body: Uint8Array }[] = [];
  readonly closedBy: CircuitError[] = [];
  /** What onPackage does. */
  package: (limit: number) => boolean = () => false;

  onMessage(command: number, buffer: Uint8Array, offset: number, length: number): void {
    this.messages.push({ command, body: buffer.slice(offset, offset + length) });
  }

  onCircuitClosed(error: CircuitError): void {
    this.closedBy.push(error);
  }

  onPackage(limit: number): boolean {
    return this.package(limit);
  }
}

function assertViolation(circuit: Circuit, end: RelayEnd, message: RegExp): void {
  assert.equal(circuit.closedBy?.code, "circuit-protocol-violation", circuit.closedBy?.message);
  assert.match(circuit.closedBy?.message ?? "", message);
  const last = end.takeCells().at(-1);
  assert.deepEqual([last?.command, last?.body[0]], [CellCommand.DESTROY, 0]);
  assert.equal(end.attached, false);
}

/** The digest of a version 1 SENDME that a circuit has sent. */
function sendmeBody(digest: Uint8Array): string {
  return `010014${digest.toHex()}`;
}

Deno.test("Circuit: RELAY_EARLY cells are spent on what goes past the first hop, 8 less 0 or 1", async () => {
  const counts = new Set<number>();
  for (let seed = 1; seed <= 16; seed++) {
    const { circuit, end } = await builtCircuit(3, new SeededRandom(seed));
    for (let count = 0; count < 12; count++) circuit.send(DROP, 0, NOTHING);
    const early = end.takeMessages().map(({ cell }) => cell === CellCommand.RELAY_EARLY);
    // Two went on the EXTEND2; the rest come first and without a gap.
    const spent = early.lastIndexOf(true) + 1;
    assert.ok(early.slice(0, spent).every((isEarly) => isEarly));
    counts.add(spent + 2);
    circuit.close();
  }
  assert.deepEqual([...counts].toSorted(), [7, 8]);
});

Deno.test("Circuit: a circuit of one hop spends no RELAY_EARLY cells on other messages", async () => {
  const { circuit, end } = await builtCircuit(1);
  for (let count = 0; count < 5; count++) circuit.send(DROP, 0, NOTHING);
  assert.ok(end.takeMessages().every(({ cell }) => cell === CellCommand.RELAY));
});

Deno.test("Circuit: what follows a message in its cell is four zeros and random bytes", async () => {
  const { circuit, end } = await builtCircuit();
  for (const length of [0, 1, 477, 478, 490, 493, 494, 495, 498]) {
    circuit.send(DROP, 0, new Uint8Array(length).fill(0xff));
    const { body, padding } = end.takeMessage();
    assert.equal(body.length, length);
    assert.equal(padding.length, 498 - length);
    assert.ok(padding.subarray(0, 4).every((byte) => byte === 0));
    const random = padding.subarray(4);
    if (random.length >= 16) assert.ok(new Set(random).size > 4, random.toHex());
  }
});

Deno.test("Circuit: a cell that no hop recognizes closes it", async () => {
  const { circuit, end } = await builtCircuit();
  end.deliverCell(CellCommand.RELAY, new Uint8Array(509).fill(1));
  assertViolation(circuit, end, /no hop sent/);
});

Deno.test("Circuit: a cell changed on the way closes it, whichever bit it is", async () => {
  for (const at of [0, 1, 4, 8, 10, 11, 508]) {
    const { circuit, end } = await builtCircuit(1);
    const stream = new CountingStream();
    const id = circuit.attachStream(stream);
    const deliverCell = end.deliverCell.bind(end);
    end.deliverCell = (command, body) => {
      body[at] ^= 0x10;
      deliverCell(command, body);
    };
    end.deliver(0, DATA, id, new Uint8Array(498));
    assertViolation(circuit, end, /no hop sent/);
    assert.deepEqual(stream.messages, []);
  }
});

Deno.test("Circuit: RELAY_EARLY towards the client closes it", async () => {
  const { circuit, end } = await builtCircuit();
  end.deliver(2, DROP, 0, NOTHING, { cell: CellCommand.RELAY_EARLY });
  assertViolation(circuit, end, /RELAY_EARLY/);
});

Deno.test("Circuit: a length over 498 closes it, 498 does not", async () => {
  const { circuit, end } = await builtCircuit();
  end.deliver(2, DROP, 0, NOTHING, { length: 498 });
  assert.equal(circuit.closedBy, undefined);
  end.deliver(2, DROP, 0, NOTHING, { length: 499 });
  assertViolation(circuit, end, /longer than its cell/);
});

Deno.test("Circuit: DROP from any hop is ignored", async () => {
  const { circuit, end } = await builtCircuit();
  for (const hop of [0, 1, 2]) end.deliver(hop, DROP, 0, new Uint8Array(100));
  assert.equal(circuit.closedBy, undefined);
  assert.deepEqual(end.takeCells(), []);
});

Deno.test("Circuit: messages for the circuit that a client never gets", async () => {
  for (const command of [TRUNCATE, CONNECTED, RelayCommand.BEGIN, RelayCommand.EXTENDED]) {
    const { circuit, end } = await builtCircuit();
    end.deliver(2, command, 0, new Uint8Array(20));
    assertViolation(circuit, end, /unexpected/);
  }
});

Deno.test("Circuit: messages that nobody knows are ignored", async () => {
  const { circuit, end } = await builtCircuit();
  for (const command of [0, 27, 250]) {
    for (const streamId of [0, 77]) end.deliver(2, command, streamId, new Uint8Array(20));
  }
  assert.equal(circuit.closedBy, undefined);
});

Deno.test("Circuit: stream messages come from the last hop only", async () => {
  for (const command of [DATA, END, SENDME, CONNECTED]) {
    const { circuit, end } = await builtCircuit();
    const stream = new CountingStream();
    const id = circuit.attachStream(stream);
    end.deliver(1, command, id, Uint8Array.of(1));
    assertViolation(circuit, end, /without streams/);
    assert.deepEqual(stream.messages, []);
    assert.equal(stream.closedBy.length, 1);
  }
});

Deno.test("Circuit: messages for a stream that never was, or for none, close it", async () => {
  for (const [command, streamId] of [[DATA, 9], [END, 9], [SENDME, 9], [CONNECTED, 9], [DATA, 0]]) {
    const { circuit, end } = await builtCircuit();
    end.deliver(2, command, streamId, Uint8Array.of(1));
    assertViolation(circuit, end, streamId === 0 ? /DATA for the circuit/ : /does not exist/);
  }
});

Deno.test("Circuit: an END from the exit leaves nothing half open", async () => {
  const { circuit, end } = await builtCircuit();
  const stream = new CountingStream();
  const id = circuit.attachStream(stream);
  circuit.detachStream(id);
  end.deliver(2, END, id, Uint8Array.of(6));
  assertViolation(circuit, end, /does not exist/);
});

Deno.test("Circuit: a circuit SENDME that is not due, of a wrong hop, version, length or digest", async () => {
  const cases: [hop: number, change: (body: Uint8Array) => Uint8Array, message: RegExp][] = [
    [1, (body) => body, /SENDME from a hop/],
    [2, () => NOTHING, /version 0/],
    [2, (body) => (body[0] = 2, body), /version 2/],
    [2, (body) => body.subarray(0, 22), /SENDME/],
    [2, (body) => (body[22] ^= 1, body), /wrong digest/],
  ];
  for (const [hop, change, message] of cases) {
    const { circuit, end } = await builtCircuit();
    const id = circuit.attachStream(new CountingStream());
    for (let count = 0; count < 100; count++) circuit.sendData(id, Uint8Array.of(1), 0, 1);
    const digest = end.takeMessages()[99].digest;
    end.deliver(hop, SENDME, 0, change(Uint8Array.fromHex(sendmeBody(digest))));
    assertViolation(circuit, end, message);
  }
  const { circuit, end } = await builtCircuit();
  end.deliver(2, SENDME, 0, Uint8Array.fromHex(sendmeBody(new Uint8Array(20))));
  assertViolation(circuit, end, /not due/);
});

Deno.test("Circuit: SENDMEs with the digests of each 100th DATA open the window again", async () => {
  const { circuit, end } = await builtCircuit();
  const id = circuit.attachStream(new CountingStream());
  const digests: Uint8Array[] = [];
  for (let count = 1; count <= 1000; count++) {
    assert.equal(circuit.canPackage, true);
    circuit.sendData(id, Uint8Array.of(count), 0, 1);
    // Other messages change the digest, but are not counted.
    if (count % 250 === 0) circuit.send(DROP, 0, NOTHING);
    for (const { command, digest } of end.takeMessages()) {
      if (command === DATA && count % 100 === 0) digests.push(digest);
    }
  }
  assert.equal(circuit.canPackage, false);
  for (const digest of digests) {
    end.deliver(2, SENDME, 0, Uint8Array.fromHex(sendmeBody(digest)));
    assert.equal(circuit.canPackage, true);
  }
  assert.equal(circuit.closedBy, undefined);
});

Deno.test("Circuit: every 100th DATA is answered with its digest, for open and half-open streams", async () => {
  const { circuit, end } = await builtCircuit();
  const open = new CountingStream();
  const openId = circuit.attachStream(open);
  const leftId = circuit.attachStream(new CountingStream());
  circuit.detachStream(leftId, { data: 1000, sendmes: 0, connectedPending: false, resolve: false });
  for (let count = 1; count <= 600; count++) {
    const digest = end.deliver(2, DATA, count % 2 ? leftId : openId, Uint8Array.of(count));
    const answers = end.takeMessages();
    if (count % 100 !== 0) assert.deepEqual(answers, []);
    else {
      const [{ hop, command, streamId, body }] = answers;
      assert.deepEqual([answers.length, hop, command, streamId], [1, 2, SENDME, 0]);
      assert.equal(body.toHex(), sendmeBody(digest));
    }
  }
  assert.equal(open.messages.length, 300);
});

Deno.test("Circuit: a half-open stream's window, and then a violation", async () => {
  const { circuit, end } = await builtCircuit();
  const id = circuit.attachStream(new CountingStream());
  circuit.detachStream(id, { data: 3, sendmes: 1, connectedPending: true, resolve: false });
  end.deliver(2, CONNECTED, id);
  end.deliver(2, SENDME, id);
  for (let count = 0; count < 3; count++) end.deliver(2, DATA, id, Uint8Array.of(1));
  assert.equal(circuit.closedBy, undefined);
  end.deliver(2, DATA, id, Uint8Array.of(1));
  assertViolation(circuit, end, /DATA for a stream/);
});

Deno.test("Circuit: ids are never those of streams that are open or half open", async () => {
  const { circuit, end } = await builtCircuit(1);
  const taken = new Set<number>();
  const halfOpen = { data: 0, sendmes: 0, connectedPending: false, resolve: false };
  for (let count = 0; count < 65535; count++) {
    const id = circuit.attachStream(new CountingStream());
    assert.ok(id >= 1 && id <= 65535 && !taken.has(id));
    taken.add(id);
    if (count % 2 === 0) circuit.detachStream(id, halfOpen);
  }
  assert.throws(
    () => circuit.attachStream(new CountingStream()),
    (error) => error instanceof CircuitError && error.code === "circuit-full",
  );
  const [first] = taken;
  end.deliver(0, END, first, Uint8Array.of(6));
  assert.equal(circuit.attachStream(new CountingStream()), first);
});

Deno.test("Circuit: streams that wait take turns of 16 messages", async () => {
  const { circuit, end } = await builtCircuit();
  end.congested = true;
  for (const count of [40, 20, 40]) {
    const stream = new CountingStream();
    const id = circuit.attachStream(stream);
    let left = count;
    stream.package = (limit) => {
      for (let sent = 0; sent < limit && left > 0; sent++, left--) {
        circuit.sendData(id, Uint8Array.of(1), 0, 1);
      }
      return left > 0;
    };
    circuit.requestPackaging(stream);
  }
  assert.deepEqual(end.takeCells(), []);
  end.congested = false;
  end.drain();
  const runs: number[] = [];
  let before: number | undefined;
  for (const { streamId } of end.takeMessages()) {
    if (streamId === before) runs[runs.length - 1]++;
    else runs.push(1);
    before = streamId;
  }
  assert.deepEqual(runs, [16, 16, 16, 16, 4, 16, 8, 8]);
});

Deno.test("Circuit: when it is closed each stream is told once, and nothing more is sent", async () => {
  const { circuit, end } = await builtCircuit();
  const streams = [new CountingStream(), new CountingStream()];
  const ids = streams.map((stream) => circuit.attachStream(stream));
  let ended = 0;
  circuit.onStreamEnded = () => ended++;
  circuit.detachStream(ids[0]);
  circuit.detachStream(ids[0]);
  assert.deepEqual([ended, circuit.streamCount], [1, 1]);
  circuit.close();
  circuit.close(new CircuitError("circuit-full", "too late"));
  end.closeChannel();
  assert.deepEqual(streams.map(({ closedBy }) => closedBy.map(({ code }) => code)), [
    [],
    ["circuit-closed"],
  ]);
  assert.equal(end.takeCells().length, 1);
  assert.throws(() => circuit.attachStream(new CountingStream()), CircuitError);
  assert.throws(() => circuit.send(DROP, 0, NOTHING), CircuitError);
});

Deno.test("Circuit: whatever relay messages come, it goes on or is closed for a violation", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          hop: fc.nat(2),
          command: fc.oneof(fc.nat(50), fc.nat(255)),
          known: fc.boolean(),
          body: fc.uint8Array({ maxLength: 40 }),
          length: fc.option(fc.nat(65535), { nil: undefined, freq: 6 }),
        }),
        { maxLength: 12 },
      ),
      async (messages) => {
        const { circuit, end } = await builtCircuit();
        const id = circuit.attachStream(new CountingStream());
        for (const { hop, command, known, body, length } of messages) {
          end.deliver(hop, command, known ? id : 0, body, { length });
        }
        const code = circuit.closedBy?.code ?? "open";
        assert.ok(["open", "circuit-protocol-violation", "circuit-truncated"].includes(code), code);
        circuit.close();
      },
    ),
    { seed: 1, numRuns: 60 },
  );
});
