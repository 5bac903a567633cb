import assert from "node:assert/strict";
import { DatagramSocket } from "../../src/runtime/datagram_socket.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0 };

Deno.test("a message arrives, with where it came from, and can be answered", async () => {
  const server = await DatagramSocket.bind(LOOPBACK, (bytes, from) => server.send(bytes, from));
  const arrived = Promise.withResolvers<[Uint8Array, unknown]>();
  const client = await DatagramSocket.bind(LOOPBACK, (bytes, from) => {
    arrived.resolve([bytes, from]);
  });
  client.send(Uint8Array.of(1, 2, 3), server.address);
  const [bytes, from] = await arrived.promise;
  assert.deepEqual([bytes.toHex(), from], ["010203", server.address]);
  await client.close();
  await server.close();
});

Deno.test("a port that is taken, and an address that is not ours, are errors of Deno's", async () => {
  const taken = await DatagramSocket.bind(LOOPBACK, () => {});
  await assert.rejects(DatagramSocket.bind(taken.address, () => {}), Deno.errors.AddrInUse);
  const other = { hostname: "192.0.2.1", port: 0 };
  await assert.rejects(DatagramSocket.bind(other, () => {}), Deno.errors.AddrNotAvailable);
  await taken.close();
});

Deno.test({
  name: "without permission: an error, and not the end of the process",
  permissions: { net: false },
  fn: () => assert.rejects(DatagramSocket.bind(LOOPBACK, () => {}), Deno.errors.NotCapable),
});
