/** Streams on circuits with congestion control, over a circuit that is real but for that. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { RelayCommand } from "../../src/cell/command.ts";
import { encodeXoff, encodeXon } from "../../src/cell/flow_control_messages.ts";
import { StreamError } from "../../src/stream/errors.ts";
import {
  type ControlledStream,
  controlledStream,
  deliverData,
  EXIT,
  takeStreamMessages,
} from "./congestion_controlled.ts";
import { ExitModel, type Step } from "./xon_xoff_model.ts";

const { DATA, END, SENDME, XOFF, XON } = RelayCommand;
const CELL_DATA = 498;
/** The messages of 498 bytes that cc_xoff_client of 500 lets wait. */
const UNDER_LIMIT = 489;
/** Bytes that an exit must have been sent for each XOFF. */
const XOFF_EXIT = 500 * 488;

/** The client's messages about flow control since the last time: XOFF, or XON with its rate. */
function flowMessages(test: ControlledStream): string[] {
  return takeStreamMessages(test).filter(({ command }) => command !== DATA).map((message) =>
    message.command === XOFF
      ? "XOFF"
      : `${message.command === XON ? "XON" : message.command} ${
        new DataView(message.body.buffer).getUint32(1)
      }`
  );
}

/** How many bytes of data the client has sent since the last time. */
function dataSent(test: ControlledStream): number {
  const messages = takeStreamMessages(test).filter(({ command }) => command === DATA);
  return messages.reduce((sum, { body }) => sum + body.length, 0);
}

/** More DATA than may wait, for longer than the grace period: XOFF goes out. */
function provokeXoff(test: ControlledStream): void {
  deliverData(test, UNDER_LIMIT + 1);
  test.clock.advance(6);
  deliverData(test, 1);
  assert.deepEqual(flowMessages(test), ["XOFF"]);
}

function assertViolation({ circuit }: ControlledStream, what: RegExp): void {
  assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
  assert.match(circuit.closedBy.message, what);
}

Deno.test("XonXoff: no SENDMEs and no XON while the reader keeps up", async () => {
  const test = await controlledStream();
  for (let round = 0; round < 20; round++) {
    deliverData(test, 100);
    test.clock.advance(1000);
    assert.equal((await test.stream.read())?.length, 100 * CELL_DATA);
  }
  assert.deepEqual(flowMessages(test), []);
});

Deno.test("XonXoff: XOFF when more than cc_xoff_client has waited for 5 ms", async () => {
  const test = await controlledStream();
  deliverData(test, UNDER_LIMIT);
  test.clock.advance(1000);
  deliverData(test, 1);
  test.clock.advance(5);
  deliverData(test, 1);
  assert.deepEqual(flowMessages(test), []);
  test.clock.advance(0.1);
  deliverData(test, 1);
  assert.deepEqual(flowMessages(test), ["XOFF"]);
  test.clock.advance(1000);
  deliverData(test, 500);
  assert.deepEqual(flowMessages(test), []);
});

Deno.test("XonXoff: a reader that comes within the grace period averts XOFF", async () => {
  const test = await controlledStream();
  for (let round = 0; round < 3; round++) {
    deliverData(test, UNDER_LIMIT + 10);
    test.clock.advance(4);
    await test.stream.read();
    const next = test.stream.read();
    deliverData(test, 1);
    await next;
    test.clock.advance(4);
  }
  assert.deepEqual(flowMessages(test), []);
});

Deno.test("XonXoff: what the reader has taken still waits until it comes back", async () => {
  const test = await controlledStream();
  deliverData(test, UNDER_LIMIT);
  await test.stream.read();
  deliverData(test, 1);
  test.clock.advance(6);
  deliverData(test, 1);
  assert.deepEqual(flowMessages(test), ["XOFF"]);
  await test.stream.read();
  assert.deepEqual(flowMessages(test), []);
  const next = test.stream.read();
  assert.equal(flowMessages(test).length, 1);
  deliverData(test, 1);
  await next;
});

Deno.test("XonXoff: XON with the rate at which the reader took it, when all is taken", async () => {
  const test = await controlledStream();
  provokeXoff(test);
  deliverData(test, 100);
  test.clock.advance(994);
  // 591 messages in a second: from when more than 32 waited, which was 6 ms before.
  assert.equal((await test.stream.read())?.length, 591 * CELL_DATA);
  assert.deepEqual(flowMessages(test), []);
  const next = test.stream.read();
  assert.deepEqual(flowMessages(test), [`XON ${Math.floor(591 * CELL_DATA / 1000)}`]);
  deliverData(test, 1);
  await next;
  assert.deepEqual(flowMessages(test), []);
});

Deno.test("XonXoff: XON without a rate when too little was taken to measure one", async () => {
  const test = await controlledStream({ xonRate: 5000 * CELL_DATA });
  provokeXoff(test);
  await test.stream.read();
  const next = test.stream.read();
  assert.deepEqual(flowMessages(test), ["XON 0"]);
  deliverData(test, 1);
  await next;
});

Deno.test("XonXoff: XON again when the rate has changed, and when data no longer waits at all", async () => {
  const test = await controlledStream();
  const { stream, clock } = test;
  provokeXoff(test);
  deliverData(test, 100);
  clock.advance(994);
  await stream.read();
  // The reader has come back for what it gets now: the time begins here.
  const next = stream.read();
  assert.deepEqual(flowMessages(test), ["XON 294"]);
  deliverData(test, 300);
  await next;
  for (const count of [300, 1]) {
    clock.advance(1500);
    deliverData(test, count);
    assert.equal((await stream.read())?.length, count * CELL_DATA);
  }
  // (2 * 99 + 294) / 3, for something still waits.
  assert.deepEqual(flowMessages(test), ["XON 164"]);
  const readAsItComes = async (rounds: number) => {
    for (let left = rounds; left > 0; left--) {
      const next = stream.read();
      deliverData(test, 20);
      await next;
    }
  };
  await readAsItComes(25);
  assert.deepEqual(flowMessages(test), []);
  await readAsItComes(3);
  assert.deepEqual(flowMessages(test), ["XON 328"]);
});

Deno.test("XonXoff: after XOFF a whole window may come, and not one message more", async () => {
  const test = await controlledStream();
  provokeXoff(test);
  deliverData(test, 10_000);
  assert.equal(test.circuit.closedBy, undefined);
  test.end.takeCells();
  deliverData(test, 1);
  assertViolation(test, /DATA in spite of XOFF/);
  // What had come is still there to be read.
  assert.equal((await test.stream.read())?.length, (UNDER_LIMIT + 2 + 10_000) * CELL_DATA);
});

Deno.test("XonXoff: nothing more is said of a stream that has ended", async () => {
  for (const byExit of [true, false]) {
    const test = await controlledStream();
    provokeXoff(test);
    if (byExit) test.end.deliver(EXIT, END, test.streamId, Uint8Array.of(6));
    else test.stream.close();
    assert.deepEqual(takeStreamMessages(test).length, byExit ? 0 : 1);
    assert.equal((await test.stream.read())?.length, (UNDER_LIMIT + 2) * CELL_DATA);
    if (byExit) assert.equal(await test.stream.read(), null);
    else await assert.rejects(test.stream.read(), StreamError);
    assert.deepEqual(flowMessages(test), []);
  }
});

Deno.test("XonXoff: XOFF stops what we send, XON lets it go on", async () => {
  const test = await controlledStream();
  const { stream, end, streamId } = test;
  await stream.write(new Uint8Array(XOFF_EXIT));
  assert.equal(dataSent(test), XOFF_EXIT);
  end.deliver(EXIT, XOFF, streamId, encodeXoff());
  let written = false;
  const writing = stream.write(new Uint8Array(1000)).then(() => written = true);
  end.drain();
  await Promise.resolve();
  assert.equal(written, false);
  assert.equal(dataSent(test), 0);
  end.deliver(EXIT, XON, streamId, encodeXon(0));
  await writing;
  assert.equal(dataSent(test), 1000);
  assert.equal(test.clock.pendingTimers, 0);
});

Deno.test("XonXoff: XOFF in the middle of a write", async () => {
  const test = await controlledStream();
  const { end, streamId, stream } = test;
  await stream.write(new Uint8Array(XOFF_EXIT));
  end.congested = true;
  const writing = stream.write(new Uint8Array(10_000));
  dataSent(test);
  end.deliver(EXIT, XOFF, streamId, encodeXoff());
  end.congested = false;
  end.drain();
  assert.equal(dataSent(test), 0);
  end.deliver(EXIT, XON, streamId, encodeXon(0));
  await writing;
  assert.equal(dataSent(test), 10_000);
});

Deno.test("XonXoff: XON's rate paces what we send, by a second's worth at most and few timers", async () => {
  const test = await controlledStream();
  const { stream, end, streamId, clock } = test;
  await stream.write(new Uint8Array(XOFF_EXIT));
  dataSent(test);
  end.deliver(EXIT, XON, streamId, encodeXon(20));
  const writing = stream.write(new Uint8Array(60_000));
  const first = dataSent(test);
  assert.ok(first >= 20_000 && first < 20_000 + CELL_DATA, `${first} bytes at once`);
  let sent = first;
  while (sent < 60_000) {
    assert.equal(clock.pendingTimers, 1);
    clock.advance(400);
    sent += dataSent(test);
    assert.ok(sent <= 20_000 + CELL_DATA + 20 * clock.monotonic(), `${sent} bytes`);
  }
  await writing;
  // 40,000 bytes at 20 a ms, in steps of 400 ms.
  assert.ok(clock.monotonic() <= 2400, `${clock.monotonic()} ms`);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("XonXoff: a stream that is paced leaves no timer when it ends", async () => {
  for (const end of ["END", "close", "circuit"] as const) {
    const test = await controlledStream();
    await test.stream.write(new Uint8Array(XOFF_EXIT));
    test.end.deliver(EXIT, XON, test.streamId, encodeXon(1));
    const failed = assert.rejects(test.stream.write(new Uint8Array(5000)), StreamError);
    assert.equal(test.clock.pendingTimers, 1);
    if (end === "END") test.end.deliver(EXIT, END, test.streamId, Uint8Array.of(1));
    else if (end === "close") test.stream.close();
    else test.circuit.close();
    await failed;
    assert.equal(test.clock.pendingTimers, 0);
  }
});

Deno.test("XonXoff: XON lifts a limit before its timer is due", async () => {
  const test = await controlledStream();
  const { stream, end, streamId } = test;
  await stream.write(new Uint8Array(2 * XOFF_EXIT));
  end.deliver(EXIT, XON, streamId, encodeXon(1));
  const writing = stream.write(new Uint8Array(5000));
  end.deliver(EXIT, XON, streamId, encodeXon(0xffff_ffff));
  await writing;
  assert.equal(test.clock.pendingTimers, 0);
});

Deno.test("XonXoff: messages that must not come close the circuit", async () => {
  const cases: [sent: number, messages: [command: number, body: Uint8Array][], what: RegExp][] = [
    [XOFF_EXIT - 1, [[XOFF, encodeXoff()]], /an XOFF that was not due/],
    [XOFF_EXIT - 1, [[XON, encodeXon(0)]], /an XON that was not due/],
    [4 * XOFF_EXIT / 2, [[XOFF, encodeXoff()], [XOFF, encodeXoff()]], /an XOFF that was not due/],
    [XOFF_EXIT, [[XON, encodeXon(1)], [XON, encodeXon(2)]], /an XON that was not due/],
    [XOFF_EXIT, [[XOFF, new Uint8Array(0)]], /XOFF: 1 bytes wanted/],
    [XOFF_EXIT, [[XOFF, Uint8Array.of(1)]], /XOFF: version 1/],
    [XOFF_EXIT, [[XON, Uint8Array.of(0, 0, 0, 1)]], /XON: 4 bytes wanted/],
    [XOFF_EXIT, [[XON, Uint8Array.of(7, 0, 0, 0, 1)]], /XON: version 7/],
    [XOFF_EXIT, [[SENDME, new Uint8Array(0)]], /a stream SENDME on a circuit with congestion/],
  ];
  for (const [sent, messages, what] of cases) {
    const test = await controlledStream();
    await test.stream.write(new Uint8Array(sent));
    for (const [index, [command, body]] of messages.entries()) {
      assert.equal(test.circuit.closedBy, undefined, `${what}, message ${index}`);
      test.end.deliver(EXIT, command, test.streamId, body);
    }
    assertViolation(test, what);
  }
});

Deno.test("XonXoff: after our END, DATA within a window and the XONs and XOFFs that are due are legal", async () => {
  const started = async () => {
    const test = await controlledStream();
    await test.stream.write(new Uint8Array(XOFF_EXIT));
    test.stream.close();
    return test;
  };
  const legal = await started();
  const { end, streamId } = legal;
  end.deliver(EXIT, XOFF, streamId, encodeXoff());
  end.deliver(EXIT, XON, streamId, encodeXon(5));
  deliverData(legal, 10_000);
  assert.equal(legal.circuit.closedBy, undefined);
  deliverData(legal, 1);
  assertViolation(legal, /DATA for a stream that does not exist/);

  for (const [command, body] of [[XOFF, encodeXoff()], [XON, encodeXon(5)]] as const) {
    const test = await started();
    test.end.deliver(EXIT, command, test.streamId, body);
    assert.equal(test.circuit.closedBy, undefined);
    test.end.deliver(EXIT, command, test.streamId, body);
    assertViolation(test, /for a stream that does not exist/);
  }
  const sendme = await started();
  sendme.end.deliver(EXIT, SENDME, sendme.streamId);
  assertViolation(sendme, /SENDME for a stream that does not exist/);
});

/** What happens next, and how much of it. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant<Step>("data"), fc.nat(200)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant<Step>("data"), fc.nat(1500)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant<Step>("read"), fc.nat(3)) },
  { weight: 5, arbitrary: fc.tuple(fc.constant<Step>("write"), fc.nat(200_000)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant<Step>("stop"), fc.constant(0)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant<Step>("go"), fc.nat(1_000_000)) },
  { weight: 4, arbitrary: fc.tuple(fc.constant<Step>("wait"), fc.nat(3000)) },
);

Deno.test("XonXoff: bytes in are bytes out, whatever reads, XOFFs, XONs and pauses come between", async () => {
  const seen = { xoffsFromClient: 0, xoffsFromExit: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
      const exit = await ExitModel.start();
      for (const [kind, count] of steps) await exit[kind](count);
      await exit.finish();
      seen.xoffsFromClient += exit.counts.xoffsFromClient;
      seen.xoffsFromExit += exit.counts.xoffsFromExit;
    }),
    { seed: 1, numRuns: 30 },
  );
  // Else nothing was tested.
  assert.ok(seen.xoffsFromClient > 10 && seen.xoffsFromExit > 10, JSON.stringify(seen));
});
