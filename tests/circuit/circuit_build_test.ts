import assert from "node:assert/strict";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import { ChannelError } from "../../src/channel/errors.ts";
import { Circuit } from "../../src/circuit/circuit.ts";
import { CircuitError, type CircuitErrorCode } from "../../src/circuit/errors.ts";
import { builtCircuit, NEVER, RelayEnd, testHop, testParts, withLength } from "./relay_end.ts";

/** The error that `failing` rejects with, which must have this code. */
async function failsWith(failing: Promise<unknown>, code: CircuitErrorCode): Promise<CircuitError> {
  const error = await failing.then(() => undefined, (reason) => reason);
  assert.ok(error instanceof CircuitError, `${error}`);
  assert.equal(error.code, code, error.message);
  return error;
}

/** Only a DESTROY without a reason must have been sent, and the circuit must be gone. */
function assertDestroyed(end: RelayEnd): void {
  const cells = end.takeCells();
  assert.deepEqual(cells.map(({ command }) => command), [CellCommand.DESTROY]);
  assert.ok(cells[0].body.every((byte) => byte === 0));
  assertGone(end);
}

function assertGone(end: RelayEnd): void {
  assert.deepEqual([end.attached, end.drainListeners.size], [false, 0]);
}

Deno.test("Circuit: CREATE_FAST when the onion key is not known", async () => {
  const end = new RelayEnd();
  const { rsaIdentity } = testHop(0);
  const creating = Circuit.create(end, { rsaIdentity }, testParts(), NEVER);
  end.answerCreate();
  const circuit = await creating;
  assert.equal(circuit.hops, 1);
  circuit.send(RelayCommand.BEGIN_DIR, 7, new Uint8Array(0));
  const { cell, hop, command, streamId } = end.takeMessage();
  assert.deepEqual([cell, hop, command, streamId], [CellCommand.RELAY, 0, 13, 7]);
  circuit.close();
  assertDestroyed(end);
});

Deno.test("Circuit: three hops, each by EXTEND2 to the one before in a RELAY_EARLY cell", async () => {
  const end = new RelayEnd();
  const creating = Circuit.create(end, testHop(0), testParts(), NEVER);
  end.answerCreate();
  const circuit = await creating;
  // IPv4 address and port of each.
  const addresses = ["0a000002232a", "0a000003232b"];
  for (const index of [1, 2]) {
    const extending = circuit.extend(testHop(index), NEVER);
    const { cell, hop, streamId, body } = end.answerExtend();
    await extending;
    assert.deepEqual([cell, hop, streamId], [CellCommand.RELAY_EARLY, index - 1, 0]);
    assert.equal(body.subarray(3, 9).toHex(), addresses[index - 1]);
    assert.equal(body[0], 3);
  }
  assert.equal(circuit.hops, 3);
  circuit.close();
  circuit.close();
  assertDestroyed(end);
  assert.equal((await circuit.whenClosed).code, "circuit-closed");
});

Deno.test("Circuit: a wrong AUTH in CREATED2, CREATED_FAST and EXTENDED2", async () => {
  const first = new RelayEnd();
  const creating = Circuit.create(first, testHop(0), testParts(), NEVER);
  const [{ body }] = first.takeCells();
  const { reply } = first.ntorReply(0, body.subarray(4, 88));
  reply[63] ^= 1;
  first.deliverCell(CellCommand.CREATED2, withLength(reply));
  await failsWith(creating, "circuit-handshake-failed");
  assertDestroyed(first);

  const fast = new RelayEnd();
  const { rsaIdentity } = testHop(0);
  const creatingFast = Circuit.create(fast, { rsaIdentity }, testParts(), NEVER);
  fast.takeCells();
  fast.deliverCell(CellCommand.CREATED_FAST, new Uint8Array(40));
  await failsWith(creatingFast, "circuit-handshake-failed");
  assertDestroyed(fast);

  const { circuit, end } = await builtCircuit(2);
  const extending = circuit.extend(testHop(2), NEVER);
  const extended = end.ntorReply(2, end.takeMessage().body.subarray(-84)).reply;
  extended[32] ^= 0x80;
  end.deliver(1, RelayCommand.EXTENDED2, 0, withLength(extended));
  const error = await failsWith(extending, "circuit-handshake-failed");
  assert.equal(circuit.closedBy, error);
  assertDestroyed(end);
});

Deno.test("Circuit: a reply that is cut off or runs past its cell", async () => {
  for (const reply of [withLength(new Uint8Array(63)), Uint8Array.of(0xff, 0xff)]) {
    const end = new RelayEnd();
    const creating = Circuit.create(end, testHop(0), testParts(), NEVER);
    end.takeCells();
    end.deliverCell(CellCommand.CREATED2, reply);
    await failsWith(creating, "circuit-handshake-failed");
    assertDestroyed(end);
  }
});

Deno.test("Circuit: CREATED of another kind than was asked for", async () => {
  const { CREATED, CREATED_FAST, RELAY, RELAY_EARLY } = CellCommand;
  for (const command of [CREATED, CREATED_FAST, RELAY, RELAY_EARLY]) {
    const end = new RelayEnd();
    const creating = Circuit.create(end, testHop(0), testParts(), NEVER);
    end.takeCells();
    end.deliverCell(command, new Uint8Array(80));
    await failsWith(creating, "circuit-protocol-violation");
    assertDestroyed(end);
  }
});

Deno.test("Circuit: a second CREATED2 closes the circuit, before and after its keys are made", async () => {
  const end = new RelayEnd();
  const creating = Circuit.create(end, testHop(0), testParts(), NEVER);
  end.answerCreate();
  end.deliverCell(CellCommand.CREATED2, new Uint8Array(80));
  await failsWith(creating, "circuit-protocol-violation");
  assertDestroyed(end);

  const built = await builtCircuit(1);
  built.end.deliverCell(CellCommand.CREATED2, new Uint8Array(80));
  assert.equal(built.circuit.closedBy?.code, "circuit-protocol-violation");
  assertDestroyed(built.end);
});

Deno.test("Circuit: DESTROY while it is made and after, answered by nothing", async () => {
  const end = new RelayEnd();
  const creating = Circuit.create(end, testHop(0), testParts(), NEVER);
  end.takeCells();
  end.deliverCell(CellCommand.DESTROY, Uint8Array.of(5));
  assert.match((await failsWith(creating, "circuit-destroyed")).message, /resource-limit/);
  assert.deepEqual(end.takeCells(), []);
  assertGone(end);

  const built = await builtCircuit(2);
  const extending = built.circuit.extend(testHop(2), NEVER);
  built.end.takeCells();
  built.end.deliverCell(CellCommand.DESTROY, Uint8Array.of(200));
  assert.match((await failsWith(extending, "circuit-destroyed")).message, /unknown reason 200/);
  assert.equal((await built.circuit.whenClosed).code, "circuit-destroyed");
  assert.throws(() => built.circuit.send(RelayCommand.DROP, 0, new Uint8Array(0)), CircuitError);
  assert.deepEqual(built.end.takeCells(), []);
});

Deno.test("Circuit: DESTROY together with CREATED2 is the reason that is told", async () => {
  const end = new RelayEnd();
  const creating = Circuit.create(end, testHop(0), testParts(), NEVER);
  end.answerCreate();
  end.deliverCell(CellCommand.DESTROY, Uint8Array.of(1));
  await failsWith(creating, "circuit-destroyed");
});

Deno.test("Circuit: TRUNCATED from any hop closes it", async () => {
  for (const hop of [0, 1]) {
    const { circuit, end } = await builtCircuit(2);
    const extending = circuit.extend(testHop(2), NEVER);
    end.takeCells();
    end.deliver(hop, RelayCommand.TRUNCATED, 0, Uint8Array.of(6));
    assert.match((await failsWith(extending, "circuit-truncated")).message, /connect-failed/);
    assertDestroyed(end);
  }
  const { circuit, end } = await builtCircuit();
  end.deliver(1, RelayCommand.TRUNCATED, 0);
  assert.match(circuit.closedBy?.message ?? "", /none/);
});

Deno.test("Circuit: EXTENDED2 from a hop that was not asked, or that nobody waits for", async () => {
  const { circuit, end } = await builtCircuit(2);
  const extending = circuit.extend(testHop(2), NEVER);
  const { reply } = end.ntorReply(2, end.takeMessage().body.subarray(-84));
  end.deliver(0, RelayCommand.EXTENDED2, 0, withLength(reply));
  await failsWith(extending, "circuit-protocol-violation");
  assertDestroyed(end);

  const built = await builtCircuit();
  built.end.deliver(2, RelayCommand.EXTENDED2, 0, withLength(reply));
  assert.equal(built.circuit.closedBy?.code, "circuit-protocol-violation");
});

Deno.test("Circuit: given up by its signal, with the signal's reason", async () => {
  const end = new RelayEnd();
  const abort = new AbortController();
  const creating = Circuit.create(end, testHop(0), testParts(), abort.signal);
  end.takeCells();
  abort.abort(new RangeError("enough"));
  await assert.rejects(creating, /enough/);
  assertDestroyed(end);

  const built = await builtCircuit(1);
  const extending = built.circuit.extend(testHop(1), abort.signal);
  await assert.rejects(extending, /enough/);
  assert.equal(built.circuit.closedBy?.code, "circuit-handshake-failed");
});

Deno.test("Circuit: a hop that EXTEND2 cannot name closes it, and nothing is left unheard", async () => {
  const { circuit, end } = await builtCircuit(1);
  const extending = circuit.extend({ ...testHop(1), hostname: "2001:db8::1" }, NEVER);
  await failsWith(extending, "circuit-handshake-failed");
  assertDestroyed(end);
});

Deno.test("Circuit: a channel that fails while the first cell is sent, and nothing is left unheard", async () => {
  const { rsaIdentity } = testHop(0);
  for (const relay of [testHop(0), { rsaIdentity }]) {
    const end = new RelayEnd();
    end.onBegin = () => {
      end.closeChannel();
      throw end.closedBy;
    };
    await failsWith(
      Circuit.create(end, relay, testParts(), NEVER),
      "circuit-channel-lost",
    );
    assertGone(end);
  }
});

Deno.test("Circuit: the channel is closed already, or closed under it", async () => {
  const closed = new RelayEnd();
  closed.closeChannel();
  await assert.rejects(
    Circuit.create(closed, testHop(0), testParts(), NEVER),
    ChannelError,
  );

  const { circuit, end } = await builtCircuit(2);
  const extending = circuit.extend(testHop(2), NEVER);
  end.closeChannel();
  const error = await failsWith(extending, "circuit-channel-lost");
  assert.ok(error.cause instanceof ChannelError);
  await failsWith(circuit.extend(testHop(2), NEVER), "circuit-channel-lost");
});

Deno.test("Circuit: closing does not throw when the channel fails at that moment", async () => {
  const { circuit, end } = await builtCircuit(1);
  end.onBegin = () => {
    end.closeChannel();
    throw end.closedBy;
  };
  circuit.close();
  assert.equal(circuit.closedBy?.code, "circuit-channel-lost");
  assertGone(end);
});
