import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import { type HalfOpenStream, HalfOpenStreams } from "../../src/circuit/half_open_streams.ts";

const { DATA, SENDME, CONNECTED, END, RESOLVED, XON, XOFF, BEGIN, EXTENDED2 } = RelayCommand;

function withStream(stream: Partial<HalfOpenStream>): HalfOpenStreams {
  const streams = new HalfOpenStreams();
  streams.add(7, { data: 0, sendmes: 0, connectedPending: false, resolve: false, ...stream });
  return streams;
}

Deno.test("HalfOpenStreams: DATA and SENDMEs up to what was on the way, and no more", () => {
  const streams = withStream({ data: 3, sendmes: 2 });
  const accepted = (command: number, times: number) =>
    Array.from({ length: times }, () => streams.accept(7, command));
  assert.deepEqual(accepted(DATA, 5), [true, true, true, false, false]);
  assert.deepEqual(accepted(SENDME, 3), [true, true, false]);
});

Deno.test("HalfOpenStreams: CONNECTED once if it was awaited", () => {
  const pending = withStream({ connectedPending: true });
  assert.equal(pending.accept(7, CONNECTED), true);
  assert.equal(pending.accept(7, CONNECTED), false);
  assert.equal(withStream({}).accept(7, CONNECTED), false);
});

Deno.test("HalfOpenStreams: XON and XOFF as the stream's own limits say, and never without", () => {
  const came: string[] = [];
  const flowMessages = {
    onXon: () => came.push("XON") < 3,
    onXoff: () => came.push("XOFF") < 3,
  };
  const limited = withStream({ flowMessages });
  const accepted = [XOFF, XON, XOFF, XON].map((command) => limited.accept(7, command));
  assert.deepEqual(accepted, [true, true, false, false]);
  assert.deepEqual(came, ["XOFF", "XON", "XOFF", "XON"]);
  for (const command of [XON, XOFF]) assert.equal(withStream({}).accept(7, command), false);
});

Deno.test("HalfOpenStreams: END ends it; then nothing is legal and the id is free", () => {
  const streams = withStream({ data: 10, sendmes: 10, connectedPending: true });
  assert.deepEqual([streams.has(7), streams.size], [true, 1]);
  assert.equal(streams.accept(7, END), true);
  assert.deepEqual([streams.has(7), streams.size], [false, 0]);
  for (const command of [DATA, SENDME, CONNECTED, END, XON]) {
    assert.equal(streams.accept(7, command), false);
  }
});

Deno.test("HalfOpenStreams: a lookup takes RESOLVED or END, and no data", () => {
  assert.equal(withStream({ resolve: true, data: 5 }).accept(7, DATA), false);
  assert.equal(withStream({ resolve: true, sendmes: 5 }).accept(7, SENDME), false);
  for (const command of [RESOLVED, END]) {
    const streams = withStream({ resolve: true });
    assert.equal(streams.accept(7, command), true);
    assert.equal(streams.has(7), false);
  }
  assert.equal(withStream({}).accept(7, RESOLVED), false);
});

Deno.test("HalfOpenStreams: other commands, and ids that never were, are illegal", () => {
  const streams = withStream({ data: 5, sendmes: 5, connectedPending: true });
  for (const command of [BEGIN, EXTENDED2, 0, 255]) assert.equal(streams.accept(7, command), false);
  assert.equal(streams.accept(8, END), false);
});
