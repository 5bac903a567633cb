/** Many streams at once, and a slow reader beside a fast one, through embedded relays. */
import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import type { RelayEvent } from "../../testnet/events.ts";
import { Scenario } from "../misbehaviour/scenario.ts";
import { EchoServer } from "./echo_server.ts";
import { EchoStreams } from "./echo_streams.ts";
import { SlowApplications } from "./slow_applications.ts";

const STREAMS = 100;
const CIRCUITS = 4;
const PIECES = 3;
const PIECE_LENGTH = 10_000;
/** Bytes that may wait for a slow reader before XOFF is sent. */
const XOFF_LIMIT = 500 * 488;
/** Bytes that an embedded exit may have on their way when XOFF comes. */
const RELAY_WINDOW = 1000 * 498;
/** More bytes than embedded relays carry in the 5 ms that XOFF waits for the reader. */
const GRACE = 1_000_000;

/** The messages of a kind that have come to exits for streams. */
function cameToExits(scenario: Scenario, command: number, since: number): RelayEvent[] {
  return scenario.network.events.since(since).filter((event) =>
    event.kind === "message" && event.command === command && event.streamId !== 0
  );
}

for (const parameters of ["", "cc_alg=0"]) {
  const how = parameters === "" ? "congestion control" : "fixed windows";
  Deno.test(`many streams: ${STREAMS} echo all that they send, with ${how}`, async () => {
    await using echo = new EchoServer("127.0.0.1");
    const names = { "echo.test.example": echo.hostname };
    await using scenario = await Scenario.start({ parameters, names });
    const mark = scenario.network.events.count;
    const { socks: proxy } = scenario;
    const target = { hostname: "echo.test.example", port: echo.port };
    await using streams = await EchoStreams.open({
      proxy,
      target,
      streams: STREAMS,
      circuits: CIRCUITS,
    });
    const { bytes, latencies } = await streams.run(PIECES, PIECE_LENGTH);
    assert.equal(bytes, STREAMS * PIECES * PIECE_LENGTH);
    assert.equal(latencies.length, STREAMS * PIECES);
    const begins = cameToExits(scenario, RelayCommand.BEGIN, mark);
    assert.equal(begins.length, STREAMS);
    assert.equal(scenario.log.count("Closing circuit"), 0);
    assert.equal(cameToExits(scenario, RelayCommand.XOFF, mark).length, 0);
  });
}

Deno.test("many streams: a slow reader keeps neither a fast one nor more than its windows", async () => {
  const network = new SlowApplications();
  await using scenario = await Scenario.start({ exits: 1, runtime: { network } });
  const { events } = scenario.network;
  const { traffic } = scenario.network.relay("exit0");
  const mark = events.count;
  // What both do goes through one circuit.
  await scenario.download(1000, "alice");
  const before = traffic.dataBackward;
  network.rate = 1000;
  const slow = await scenario.connect("alice");
  network.rate = undefined;
  await slow.write(new TextEncoder().encode("GET /endless HTTP/1.1\r\nHost: web\r\n\r\n"));
  await scenario.wait(
    events.until((event) => event.kind === "message" && event.command === RelayCommand.XOFF, {
      since: mark,
    }),
  );
  for (let round = 0; round < 3; round++) await scenario.download(2_000_000, "alice");
  const forSlow = traffic.dataBackward - before - 3 * 2_000_000;
  assert.ok(forSlow > XOFF_LIMIT, `${forSlow} bytes were sent to the slow reader`);
  assert.ok(
    forSlow < XOFF_LIMIT + GRACE + RELAY_WINDOW + network.taken,
    `${forSlow} bytes were sent to the slow reader, which took ${network.taken}`,
  );
  slow.close();
  assert.equal(cameToExits(scenario, RelayCommand.XOFF, mark).length, 1);
  assert.equal(scenario.log.count("Closing circuit"), 0);
  const circuits = cameToExits(scenario, RelayCommand.BEGIN, mark).map((event) =>
    "circuit" in event && event.circuit
  );
  assert.equal(new Set(circuits).size, 1);
});
