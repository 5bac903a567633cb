import assert from "node:assert/strict";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import { probe } from "../../src/circuit/probe.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { builtCircuit, NEVER } from "./relay_end.ts";

const { BEGIN, CONNECTED, DATA, END, SENDME, RESOLVED } = RelayCommand;
const EXIT = 2;

async function probed(seed = 1) {
  const { circuit, end } = await builtCircuit();
  const abort = new AbortController();
  const answered = probe(circuit, new SeededRandom(seed), abort.signal);
  answered.catch(() => {});
  const { command, streamId, body } = end.takeMessage();
  assert.equal(command, BEGIN);
  return { circuit, end, abort, answered, streamId, body };
}

Deno.test("probe: BEGIN to port 25 of a random address in 0.0.0.0/8, without flags", async () => {
  const asked = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const { body, circuit } = await probed(seed);
    const text = new TextDecoder().decode(body);
    assert.match(text, /^0\.\d{1,3}\.\d{1,3}\.\d{1,3}:25\0$/);
    assert.ok(text.slice(0, -4).split(".").every((part) => Number(part) < 256), text);
    asked.add(text);
    circuit.close();
  }
  assert.equal(asked.size, 20);
});

Deno.test("probe: END, for whatever reason, is the answer", async () => {
  for (const reason of [4, 1, 13]) {
    const { circuit, end, answered, streamId } = await probed();
    end.deliver(EXIT, END, streamId, Uint8Array.of(reason));
    await answered;
    assert.deepEqual([end.takeCells(), circuit.streamCount, circuit.closedBy], [[], 0, undefined]);
    // The stream is gone: a second END is for none.
    end.deliver(EXIT, END, streamId, Uint8Array.of(reason));
    assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
  }
});

Deno.test("probe: CONNECTED answers too, and the stream is ended on this side", async () => {
  const { circuit, end, answered, streamId } = await probed();
  end.deliver(EXIT, CONNECTED, streamId, Uint8Array.of(0, 1, 2, 3, 0, 0, 0, 9));
  await answered;
  const { command, streamId: ended, body } = end.takeMessage();
  assert.deepEqual([command, ended, [...body]], [END, streamId, [1]]);
  assert.equal(circuit.streamCount, 0);
  // What was on its way may still come, but no second CONNECTED.
  end.deliver(EXIT, DATA, streamId, Uint8Array.of(1));
  assert.equal(circuit.closedBy?.code, undefined);
  end.deliver(EXIT, CONNECTED, streamId);
  assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
});

Deno.test("probe: given up, it ends its stream, and the late answers are legal", async () => {
  const { circuit, end, abort, answered, streamId } = await probed();
  abort.abort(new RangeError("enough"));
  await assert.rejects(answered, /enough/);
  const { command, body } = end.takeMessage();
  assert.deepEqual([command, [...body]], [END, [1]]);
  assert.equal(circuit.streamCount, 0);
  end.deliver(EXIT, CONNECTED, streamId, Uint8Array.of(0, 1, 2, 3, 0, 0, 0, 9));
  end.deliver(EXIT, DATA, streamId, Uint8Array.of(1));
  end.deliver(EXIT, END, streamId, Uint8Array.of(4));
  assert.equal(circuit.closedBy?.code, undefined);
  // But nothing after the END.
  end.deliver(EXIT, DATA, streamId, Uint8Array.of(1));
  assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
});

Deno.test("probe: what no probe gets closes the circuit", async () => {
  for (const command of [DATA, SENDME, RESOLVED]) {
    const { circuit, end, answered, streamId } = await probed();
    end.deliver(EXIT, command, streamId);
    await assert.rejects(answered, { code: "circuit-protocol-violation" });
    assert.equal(circuit.closedBy?.code, "circuit-protocol-violation");
  }
});

Deno.test("probe: a circuit that is closed under it, or was closed before", async () => {
  const { circuit, end, answered } = await probed();
  end.deliverCell(CellCommand.DESTROY, Uint8Array.of(1));
  await assert.rejects(answered, { code: "circuit-destroyed" });
  assert.deepEqual(end.takeCells(), []);
  await assert.rejects(probe(circuit, new SeededRandom(1), NEVER), {
    code: "circuit-destroyed",
  });

  const lost = await probed();
  lost.end.closeChannel();
  await assert.rejects(lost.answered, { code: "circuit-channel-lost" });
  lost.abort.abort();
});

Deno.test("probe: given up when its channel is lost, it throws the signal's reason alone", async () => {
  const { end, abort, answered } = await probed();
  end.onBegin = () => {
    end.closeChannel();
    throw end.closedBy;
  };
  abort.abort(new RangeError("enough"));
  await assert.rejects(answered, /enough/);
});

Deno.test("probe: nothing is sent when it was given up before", async () => {
  const { circuit, end } = await builtCircuit();
  const signal = AbortSignal.abort(new RangeError("enough"));
  await assert.rejects(probe(circuit, new SeededRandom(1), signal), /enough/);
  assert.deepEqual([end.takeCells(), circuit.streamCount], [[], 0]);
});

Deno.test("probe: where the channel was lost before, no stream is left", async () => {
  const { circuit, end } = await builtCircuit();
  end.closeChannel();
  const failing = probe(circuit, new SeededRandom(1), NEVER);
  await assert.rejects(failing, { code: "circuit-channel-lost" });
  assert.equal(circuit.streamCount, 0);
});
