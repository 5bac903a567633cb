import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import type { RelayEvent } from "../../testnet/events.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { Scenario } from "../misbehaviour/scenario.ts";
import { httpUpload } from "../network/http_client.ts";
import { socks5Connect } from "../network/socks_client.ts";
import { bodySha256 } from "../network/test_body.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { connectTo, happened, RawCircuit } from "./raw_circuit.ts";

const LENGTH = 3_000_000;

for (const distinctAddresses of [true, false]) {
  const where = distinctAddresses ? "addresses of their own" : "one address";
  Deno.test({
    name: `embedded relays with ${where} carry bytes both ways`,
    // Only Linux answers on all of 127.0.0.0/8 without being told to.
    ignore: distinctAddresses && Deno.build.os !== "linux",
    fn: async () => {
      await using scenario = await Scenario.start({ authorities: 3, distinctAddresses });
      const { network, client } = scenario;
      assert.equal(network.distinctAddresses, distinctAddresses);
      await scenario.download(LENGTH);
      using conn = await socks5Connect(scenario.socks, scenario.target);
      const sent = await httpUpload(conn, LENGTH, 2);
      assert.deepEqual(sent, { length: LENGTH, sha256: bodySha256(LENGTH, 2) });
      assert.deepEqual(client.violations.relays, []);
    },
  });
}

Deno.test("the same seed makes the same network, but for its ports", async () => {
  const consensus = async (seed: string) => {
    await using network = await EmbeddedNetwork.start({ seed, clock: new FakeClock() });
    const entries = new TextDecoder().decode(network.documents.consensus).match(/^[rmsw] .*$/gm);
    return (entries ?? []).map((line) => line.replace(/^(r .*) \d+ 0$/, "$1"));
  };
  const first = await consensus("a seed");
  assert.equal(first.length, 4 * 7);
  assert.deepEqual(await consensus("a seed"), first);
  assert.notDeepEqual(await consensus("another seed"), first);
});

Deno.test("many downloads at once share a circuit", async () => {
  await using scenario = await Scenario.start();
  const mark = scenario.network.events.count;
  await Promise.all(Array.from({ length: 16 }, () => scenario.download(300_000)));
  const begins = scenario.network.events.since(mark).filter((event) =>
    event.kind === "message" && event.command === RelayCommand.BEGIN
  );
  assert.equal(begins.length, 16);
  const circuits = begins.map((event) =>
    event.kind === "message" ? `${event.relay} ${event.circuit}` : ""
  );
  assert.equal(new Set(circuits).size, 1);
  assert.deepEqual(scenario.client.violations.relays, []);
});

Deno.test("only the relays of the path carry a download, each as much as the others", async () => {
  await using scenario = await Scenario.start();
  const { network, client } = scenario;
  const cells = () =>
    network.relays.map(({ nickname, traffic }) => [nickname, traffic.cellsBackward] as const);
  const before = new Map(cells());
  await scenario.download(LENGTH);
  const carriers = cells()
    .filter(([nickname, count]) => count - (before.get(nickname) ?? 0) >= LENGTH / 498)
    .map(([nickname]) => nickname);
  const paths = client.circuits.map((path) =>
    path.map((identity) => network.relayOf(identity)?.nickname)
  );
  assert.ok(
    paths.some((path) => path.toSorted().join() === carriers.toSorted().join()),
    `${carriers} are none of ${JSON.stringify(paths)}`,
  );
});

Deno.test("a server whose client does not read is held back by the relays too", async () => {
  await using scenario = await Scenario.start();
  const { network, web } = scenario;
  const conn = await scenario.connect();
  try {
    await conn.write(new TextEncoder().encode("GET /endless HTTP/1.1\r\nHost: web\r\n\r\n"));
    const sent = () => web.connections.at(-1)?.sent ?? 0;
    const carried = () =>
      network.relays.reduce((sum, { traffic }) => sum + traffic.dataBackward, 0);
    // While others download through the same relays, this one comes to a stand.
    let last = -1;
    for (let seed = 0; carried() === 0 || sent() !== last; seed++) {
      last = sent();
      await scenario.download(1_000_000);
      assert.ok(seed < 50 && sent() < 60_000_000, `the server could send ${sent()} bytes`);
    }
  } finally {
    conn.close();
  }
  await web.idle();
});

Deno.test("a relay closes a link that has had no circuit for three minutes, and no other", async () => {
  const clock = new FakeClock(Date.now());
  await using network = await EmbeddedNetwork.start({ guards: 2, middles: 0, exits: 0, clock });
  const [used, unused] = [network.relay("guard0"), network.relay("guard1")];
  await using busy = await connectTo(used);
  await using idle = await connectTo(unused);
  await RawCircuit.through(busy, [used]);
  const gone = await RawCircuit.through(idle, [unused]);
  gone.sendCell(4, Uint8Array.of(0));
  await happened(network, ({ kind }) => kind === "circuit-closed");
  clock.advance(179_000);
  assert.equal(unused.linkCount, 1);
  const mark = network.events.count;
  clock.advance(1000);
  const isClosed = (event: RelayEvent) => event.kind === "channel-closed";
  assert.equal((await happened(network, isClosed, mark)).relay, "guard1");
  assert.deepEqual([used.linkCount, busy.closedBy], [1, undefined]);
});

Deno.test("a network that is too large fails to start, and leaves nothing", async () => {
  await assert.rejects(
    EmbeddedNetwork.start({ guards: 0, authorities: 11 }),
    /there are \d+ fixed RSA keys/,
  );
});
