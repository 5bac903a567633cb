import assert from "node:assert/strict";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import type { DirectoryServer } from "../../src/directory/transport.ts";
import { DirectoryStreams } from "../../src/stream/directory_streams.ts";
import { builtCircuit, NEVER, testHop } from "../circuit/relay_end.ts";

const SERVER: DirectoryServer = {
  kind: "fallback",
  hostname: "10.0.0.1",
  port: 9001,
  rsaIdentity: testHop(0).rsaIdentity,
  ipv6: undefined,
};

async function opened(signal: AbortSignal) {
  const { circuit, end } = await builtCircuit(1);
  const asked: unknown[] = [];
  const streams = new DirectoryStreams({
    oneHop: (target) => {
      asked.push(target);
      return Promise.resolve(circuit);
    },
  });
  const stream = await streams.open(SERVER, signal);
  return { circuit, end, stream, asked };
}

Deno.test("DirectoryStreams: BEGIN_DIR on a circuit of its own, which is closed with it", async () => {
  const { circuit, end, stream, asked } = await opened(NEVER);
  assert.deepEqual(asked, [SERVER]);
  const { command, streamId, body } = end.takeMessage();
  assert.deepEqual([command, body.length], [RelayCommand.BEGIN_DIR, 0]);
  await stream.write(Uint8Array.of(1));
  assert.equal(end.takeMessage().command, RelayCommand.DATA);
  end.deliver(0, RelayCommand.CONNECTED, streamId);
  end.deliver(0, RelayCommand.DATA, streamId, Uint8Array.of(2));
  assert.deepEqual(await stream.read(), Uint8Array.of(2));
  end.deliver(0, RelayCommand.END, streamId, Uint8Array.of(6));
  assert.equal(await stream.read(), null);
  stream.close();
  stream.close();
  assert.equal(circuit.closedBy?.code, "circuit-closed");
  assert.deepEqual(end.takeCells().map(({ command }) => command), [CellCommand.DESTROY]);
});

Deno.test("DirectoryStreams: its signal closes it, also when it was aborted while the circuit was made", async () => {
  const abort = new AbortController();
  const { circuit, stream } = await opened(abort.signal);
  const reading = stream.read();
  abort.abort();
  await assert.rejects(reading, { code: "stream-closed" });
  assert.equal(circuit.closedBy?.code, "circuit-closed");

  const late = await opened(abort.signal);
  assert.equal(late.circuit.closedBy?.code, "circuit-closed");
  await assert.rejects(late.stream.read(), { code: "stream-closed" });
});
