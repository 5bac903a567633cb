import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import { encodeBegin } from "../../src/cell/stream_messages.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { StreamError, type StreamErrorCode } from "../../src/stream/errors.ts";
import { TorStream } from "../../src/stream/tor_stream.ts";
import { builtCircuit, type RelayEnd } from "../circuit/relay_end.ts";

const { BEGIN, BEGIN_DIR, DATA, END, CONNECTED, SENDME, RESOLVED, XON } = RelayCommand;
const CELL_DATA = 498;
const EXIT = 2;

/** A stream that was begun, and its other end. */
async function begun() {
  const { circuit, end } = await builtCircuit();
  const stream = TorStream.begin(circuit, BEGIN, encodeBegin("example.com", 80, 0));
  const { streamId } = end.takeMessage();
  return { circuit, end, stream, streamId };
}

/** A stream that was begun and answered. */
async function connected() {
  const parts = await begun();
  parts.end.deliver(EXIT, CONNECTED, parts.streamId);
  await parts.stream.connected;
  return parts;
}

async function failsWith(failing: Promise<unknown>, code: StreamErrorCode): Promise<void> {
  await assert.rejects(failing, (error) => {
    assert.ok(error instanceof StreamError, `${error}`);
    assert.equal(error.code, code);
    return true;
  });
}

/** The numbers of messages by command that the client has sent since the last time. */
function takeCounts(end: RelayEnd): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { command, streamId } of end.takeMessages()) {
    const key = streamId === 0 ? -command : command;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

Deno.test("TorStream: BEGIN to CONNECTED, data both ways, END", async () => {
  const { circuit, end } = await builtCircuit();
  const stream = TorStream.begin(circuit, BEGIN, encodeBegin("example.com", 80, 1));
  const { command, streamId, body, hop } = end.takeMessage();
  assert.deepEqual([hop, command], [EXIT, BEGIN]);
  assert.equal(new TextDecoder().decode(body), "example.com:80\0\0\0\0\x01");
  end.deliver(EXIT, CONNECTED, streamId, Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 60));
  assert.deepEqual(await stream.connected, {
    address: { kind: "ip4", value: "1.2.3.4" },
    ttl: 60,
  });
  await stream.write(new TextEncoder().encode("question"));
  const question = end.takeMessage();
  assert.deepEqual([question.command, question.streamId], [DATA, streamId]);
  assert.equal(new TextDecoder().decode(question.body), "question");
  end.deliver(EXIT, DATA, streamId, Uint8Array.of(1, 2));
  end.deliver(EXIT, DATA, streamId, Uint8Array.of(3));
  assert.deepEqual(await stream.read(), Uint8Array.of(1, 2, 3));
  end.deliver(EXIT, DATA, streamId, Uint8Array.of(4));
  end.deliver(EXIT, END, streamId, Uint8Array.of(6));
  assert.equal(circuit.streamCount, 0);
  assert.deepEqual(await stream.read(), Uint8Array.of(4));
  assert.equal(await stream.read(), null);
  assert.equal(await stream.read(), null);
  await failsWith(stream.write(Uint8Array.of(1)), "end-done");
  stream.close();
  assert.deepEqual(end.takeCells(), []);
});

Deno.test("TorStream: every END reason has its code, unknown ones and none are misc", async () => {
  const codes: [number[], StreamErrorCode][] = [
    [[], "end-misc"],
    [[1], "end-misc"],
    [[2], "end-resolve-failed"],
    [[3], "end-connection-refused"],
    [[4, 1, 2, 3, 4, 0, 0, 0, 1], "end-exit-policy"],
    [[5], "end-destroy"],
    [[6], "end-done"],
    [[7], "end-timeout"],
    [[8], "end-no-route"],
    [[9], "end-hibernating"],
    [[10], "end-internal"],
    [[11], "end-resource-limit"],
    [[12], "end-connection-reset"],
    [[13], "end-tor-protocol"],
    [[14], "end-not-directory"],
    [[15], "end-misc"],
    [[255], "end-misc"],
  ];
  for (const [body, code] of codes) {
    const refused = await begun();
    refused.end.deliver(EXIT, END, refused.streamId, Uint8Array.from(body));
    await failsWith(refused.stream.connected, code);

    const cut = await connected();
    const reading = cut.stream.read();
    cut.end.deliver(EXIT, END, cut.streamId, Uint8Array.from(body));
    if (code === "end-done") assert.equal(await reading, null);
    else await failsWith(reading, code);
    assert.equal(cut.circuit.closedBy, undefined);
  }
});

Deno.test("TorStream: data may be written before CONNECTED", async () => {
  const { end, stream, streamId } = await begun();
  await stream.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual(end.takeMessage().body, Uint8Array.of(1, 2, 3));
  end.deliver(EXIT, END, streamId, Uint8Array.of(3));
  await failsWith(stream.connected, "end-connection-refused");
  await failsWith(stream.write(Uint8Array.of(4)), "end-connection-refused");
});

Deno.test("TorStream: 500 messages go out, then 50 for each SENDME", async () => {
  const { end, stream, streamId } = await connected();
  const bytes = new Uint8Array(700 * CELL_DATA).map((_, index) => index % 251);
  let written = false;
  const writing = stream.write(bytes).then(() => written = true);
  const parts: Uint8Array[] = [];
  const take = () => {
    const messages = end.takeMessages();
    for (const { body } of messages) parts.push(body);
    return messages.length;
  };
  assert.equal(take(), 500);
  end.deliver(EXIT, SENDME, streamId);
  assert.equal(take(), 50);
  for (let sendme = 0; sendme < 2; sendme++) end.deliver(EXIT, SENDME, streamId);
  assert.equal(take(), 100);
  await Promise.resolve();
  assert.equal(written, false);
  // 50 more, and the few that the roomy messages have cost.
  for (let sendme = 0; sendme < 2; sendme++) end.deliver(EXIT, SENDME, streamId);
  take();
  await writing;
  assert.equal(parts.length, 701);
  // One of each hundred leaves room for 16 random bytes and their zeros.
  assert.equal(parts.filter(({ length }) => length === CELL_DATA - 20).length, 7);
  let at = 0;
  for (const part of parts) {
    assert.deepEqual(part, bytes.subarray(at, at + part.length));
    at += part.length;
  }
  assert.equal(at, bytes.length);
});

Deno.test("TorStream: the circuit's window holds all its streams", async () => {
  const { circuit, end, stream } = await connected();
  const others = [1, 2].map(() =>
    TorStream.begin(circuit, BEGIN, encodeBegin("example.com", 80, 0))
  );
  end.takeCells();
  const bytes = new Uint8Array(450 * CELL_DATA);
  const writing = [stream, ...others].map((each) => each.write(bytes));
  // The BEGINs were taken raw, so the relays have lost count: only the number matters here.
  assert.equal(end.takeCells().length, 1000);
  circuit.close();
  for (const failed of writing.slice(2)) await failsWith(failed, "stream-circuit-closed");
  await Promise.allSettled(writing);
});

Deno.test("TorStream: a congested channel stops streams until it has drained", async () => {
  const { end, stream } = await connected();
  end.congested = true;
  const writing = stream.write(new Uint8Array(3 * CELL_DATA - 20));
  assert.deepEqual(end.takeCells(), []);
  end.drain();
  assert.deepEqual(end.takeCells(), []);
  end.congested = false;
  end.drain();
  await writing;
  assert.equal(end.takeMessages().length, 3);
});

Deno.test("TorStream: writes go out in order, an empty one at once", async () => {
  const { end, stream } = await connected();
  end.congested = true;
  const done: number[] = [];
  const writes = [1, 2, 3].map((byte) =>
    stream.write(Uint8Array.of(byte)).then(() => done.push(byte))
  );
  await stream.write(new Uint8Array(0));
  assert.deepEqual(done, []);
  end.congested = false;
  end.drain();
  await Promise.all(writes);
  assert.deepEqual(done, [1, 2, 3]);
  assert.deepEqual(end.takeMessages().map(({ body }) => [...body]), [[1], [2], [3]]);
});

Deno.test("TorStream: a reader that does not read stops stream SENDMEs, not circuit SENDMEs", async () => {
  const { circuit, end, stream, streamId } = await connected();
  const receive = (count: number) => {
    for (let index = 0; index < count; index++) {
      end.deliver(EXIT, DATA, streamId, new Uint8Array(CELL_DATA));
    }
    return takeCounts(end);
  };
  // -SENDME is one for the circuit.
  assert.deepEqual(receive(500), { [-SENDME]: 5 });
  assert.equal((await stream.read())?.length, 500 * CELL_DATA);
  assert.deepEqual(takeCounts(end), { [SENDME]: 10 });
  assert.deepEqual(receive(49), {});
  await stream.read();
  assert.deepEqual(takeCounts(end), {});
  assert.deepEqual(receive(1), {});
  await stream.read();
  assert.deepEqual(takeCounts(end), { [SENDME]: 1 });
  assert.deepEqual(receive(500), { [-SENDME]: 5 });
  assert.equal(circuit.closedBy?.code, undefined);
});

Deno.test("TorStream: more DATA than its window closes the circuit", async () => {
  const { circuit, end, stream, streamId } = await connected();
  for (let count = 0; count <= 500; count++) {
    assert.equal(circuit.closedBy?.code, undefined);
    end.deliver(EXIT, DATA, streamId, Uint8Array.of(1));
  }
  assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
  // What had come is still there to be read.
  assert.equal((await stream.read())?.length, 500);
  await failsWith(stream.read(), "stream-circuit-closed");
});

Deno.test("TorStream: an empty DATA message counts and wakes nobody for nothing", async () => {
  const { end, stream, streamId } = await connected();
  let got = false;
  const reading = stream.read().then((bytes) => {
    got = true;
    return bytes;
  });
  end.deliver(EXIT, DATA, streamId);
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(got, false);
  end.deliver(EXIT, DATA, streamId, Uint8Array.of(5));
  assert.deepEqual(await reading, Uint8Array.of(5));
});

Deno.test("TorStream: messages that a stream never gets close the circuit", async () => {
  const cases: [command: number, body: Uint8Array, isConnected: boolean][] = [
    [CONNECTED, new Uint8Array(0), true],
    [SENDME, new Uint8Array(0), true],
    [RESOLVED, new Uint8Array(0), true],
    [XON, new Uint8Array(5), true],
    [BEGIN, new Uint8Array(5), true],
    [DATA, Uint8Array.of(1), false],
    [CONNECTED, Uint8Array.of(0, 1), false],
    [CONNECTED, Uint8Array.of(0, 0, 0, 0, 7), false],
  ];
  for (const [command, body, isConnected] of cases) {
    const { circuit, end, stream, streamId } = await (isConnected ? connected() : begun());
    const reading = stream.read();
    end.deliver(EXIT, command, streamId, body);
    assert.equal(circuit.closedBy?.code, "circuit-protocol-violation", `command ${command}`);
    await failsWith(reading, "stream-circuit-closed");
    if (!isConnected) await failsWith(stream.connected, "stream-circuit-closed");
  }
});

Deno.test("TorStream: close sends one END with MISC, and what was on its way is legal", async () => {
  const { circuit, end, stream, streamId } = await connected();
  // 120 messages sent and 60 received and not read: two SENDMEs and 440 DATA may still come.
  await stream.write(new Uint8Array(118 * CELL_DATA));
  for (let count = 0; count < 60; count++) {
    end.deliver(EXIT, DATA, streamId, Uint8Array.of(1));
  }
  end.takeMessages();
  stream.close();
  stream.close();
  const { command, streamId: ended, body } = end.takeMessage();
  assert.deepEqual([command, ended, [...body]], [END, streamId, [1]]);
  assert.equal(circuit.streamCount, 0);
  for (let count = 0; count < 2; count++) end.deliver(EXIT, SENDME, streamId);
  for (let count = 0; count < 440; count++) {
    end.deliver(EXIT, DATA, streamId, new Uint8Array(CELL_DATA));
  }
  assert.equal(circuit.closedBy?.code, undefined);
  assert.deepEqual(takeCounts(end), { [-SENDME]: 5 });
  end.deliver(EXIT, DATA, streamId, Uint8Array.of(1));
  assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
});

Deno.test("TorStream: closed before CONNECTED, which may still come once, and then END", async () => {
  const { circuit, end, stream, streamId } = await begun();
  const waiting = stream.connected;
  stream.close();
  await failsWith(waiting, "stream-closed");
  end.deliver(EXIT, CONNECTED, streamId);
  end.deliver(EXIT, END, streamId, Uint8Array.of(6));
  assert.equal(circuit.closedBy?.code, undefined);
  end.deliver(EXIT, END, streamId, Uint8Array.of(6));
  assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
});

Deno.test("TorStream: close rejects who reads and who writes", async () => {
  const { end, stream } = await connected();
  end.congested = true;
  const reading = stream.read();
  const writing = stream.write(Uint8Array.of(1));
  stream.close();
  await failsWith(reading, "stream-closed");
  await failsWith(writing, "stream-closed");
  await failsWith(stream.read(), "stream-closed");
  end.congested = false;
  end.drain();
  assert.equal(end.takeMessage().command, END);
});

Deno.test("TorStream: a circuit closed under it rejects everything", async () => {
  const { circuit, end, stream } = await begun();
  end.congested = true;
  const waits = [stream.connected, stream.read(), stream.write(Uint8Array.of(1))];
  circuit.close();
  for (const wait of waits) await failsWith(wait, "stream-circuit-closed");
  await failsWith(stream.read(), "stream-circuit-closed");
  await failsWith(stream.write(Uint8Array.of(1)), "stream-circuit-closed");
  end.takeCells();
  stream.close();
  assert.deepEqual(end.takeCells(), []);
  assert.throws(() => TorStream.begin(circuit, BEGIN_DIR), CircuitError);
});

Deno.test("TorStream: nobody has to wait for the answer, whatever it is", async () => {
  const { circuit, end } = await builtCircuit();
  for (let count = 0; count < 3; count++) TorStream.begin(circuit, BEGIN_DIR);
  const [first, second] = end.takeMessages();
  end.deliver(EXIT, END, first.streamId, Uint8Array.of(14));
  end.deliver(EXIT, CONNECTED, second.streamId);
  circuit.close();
  await circuit.whenClosed;
});

Deno.test("TorStream: in full flow a reader gets what one turn brings, or a whole piece", async () => {
  const { circuit, end, stream, streamId } = await connected();
  const deliver = (count: number) => {
    for (; count > 0; count--) end.deliver(EXIT, DATA, streamId, new Uint8Array(CELL_DATA));
  };
  const read = async () => (await stream.read())?.length;
  /** Whether a read is done when all that is not left to a later turn was done. */
  const isDone = async (reading: Promise<unknown>) => {
    const late = Symbol();
    let microtasks = Promise.resolve<unknown>(late);
    for (let count = 0; count < 20; count++) microtasks = microtasks.then(() => late);
    return await Promise.race([reading, microtasks]) !== late;
  };

  // A stream that says little is read at once.
  let reading = read();
  deliver(1);
  assert.equal(await isDone(reading), true);
  assert.equal(await reading, CELL_DATA);

  deliver(8);
  assert.equal(await read(), 8 * CELL_DATA);
  reading = read();
  deliver(3);
  assert.equal(await isDone(reading), false);
  deliver(2);
  assert.equal(await reading, 5 * CELL_DATA);

  // A whole piece waits for no turn.
  reading = read();
  deliver(64);
  assert.equal(await isDone(reading), true);
  assert.equal(await reading, 64 * CELL_DATA);

  // Nor does the end.
  reading = read();
  deliver(1);
  end.deliver(EXIT, END, streamId, Uint8Array.of(6));
  assert.equal(await isDone(reading), true);
  assert.equal(await reading, CELL_DATA);
  assert.equal(await stream.read(), null);
  assert.equal(circuit.closedBy, undefined);
});
