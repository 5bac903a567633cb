import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import { CellError } from "../../src/cell/errors.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { StreamError } from "../../src/stream/errors.ts";
import { lookUp } from "../../src/stream/lookup.ts";
import { builtCircuit, NEVER } from "../circuit/relay_end.ts";

const { RESOLVE, RESOLVED, END, DATA, SENDME } = RelayCommand;
const EXIT = 2;

async function asked() {
  const { circuit, end } = await builtCircuit();
  const abort = new AbortController();
  const answers = lookUp(circuit, "example.com", abort.signal);
  const { command, streamId, body } = end.takeMessage();
  assert.deepEqual([command, new TextDecoder().decode(body)], [RESOLVE, "example.com\0"]);
  return { circuit, end, abort, answers, streamId };
}

Deno.test("lookUp: RESOLVED ends it and leaves nothing", async () => {
  const { circuit, end, answers, streamId } = await asked();
  end.deliver(EXIT, RESOLVED, streamId, Uint8Array.of(4, 4, 1, 2, 3, 4, 0, 0, 0, 9));
  assert.deepEqual(await answers, [{ kind: "ip4", value: "1.2.3.4", ttl: 9 }]);
  assert.equal(circuit.streamCount, 0);
  assert.deepEqual(end.takeCells(), []);
  end.deliver(EXIT, RESOLVED, streamId);
  assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
});

Deno.test("lookUp: END rejects with its reason", async () => {
  const { circuit, end, answers, streamId } = await asked();
  end.deliver(EXIT, END, streamId, Uint8Array.of(2));
  await assert.rejects(
    answers,
    (error) => error instanceof StreamError && error.code === "end-resolve-failed",
  );
  assert.deepEqual(end.takeCells(), []);
  assert.equal(circuit.closedBy?.code, undefined);
});

Deno.test("lookUp: given up, it ends with MISC, and the answer may still come once", async () => {
  const { circuit, end, abort, answers, streamId } = await asked();
  abort.abort(new RangeError("enough"));
  await assert.rejects(answers, /enough/);
  const { command, body } = end.takeMessage();
  assert.deepEqual([command, [...body]], [END, [1]]);
  assert.equal(circuit.streamCount, 0);
  end.deliver(EXIT, RESOLVED, streamId, Uint8Array.of(4, 4, 1, 2, 3, 4, 0, 0, 0, 9));
  assert.equal(circuit.closedBy?.code, undefined);
  end.deliver(EXIT, END, streamId, Uint8Array.of(6));
  assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
});

Deno.test("lookUp: a malformed answer or another message closes the circuit", async () => {
  const cases: [number, Uint8Array][] = [
    [RESOLVED, Uint8Array.of(4, 3, 1, 2, 3, 0, 0, 0, 0)],
    [DATA, Uint8Array.of(1)],
    [SENDME, new Uint8Array(0)],
  ];
  for (const [command, body] of cases) {
    const { circuit, end, answers, streamId } = await asked();
    end.deliver(EXIT, command, streamId, body);
    await assert.rejects(
      answers,
      (error) => error instanceof StreamError && error.code === "stream-circuit-closed",
    );
    assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
  }
});

Deno.test("lookUp: the circuit is closed already, under it, or while it asks", async () => {
  const closed = await builtCircuit();
  closed.circuit.close();
  await assert.rejects(lookUp(closed.circuit, "example.com", NEVER), CircuitError);

  const { circuit, answers } = await asked();
  circuit.close();
  await assert.rejects(
    answers,
    (error) => error instanceof StreamError && error.code === "stream-circuit-closed",
  );

  const failing = await builtCircuit();
  failing.end.onBegin = () => {
    failing.end.closeChannel();
    throw failing.end.closedBy;
  };
  await assert.rejects(lookUp(failing.circuit, "example.com", NEVER), /lost the channel/);
});

Deno.test("lookUp: a name that does not fit into a message is refused before anything is sent", async () => {
  const { circuit, end } = await builtCircuit();
  await assert.rejects(lookUp(circuit, "a".repeat(499), NEVER), CellError);
  assert.deepEqual(end.takeCells(), []);
  assert.equal(circuit.streamCount, 0);
});
