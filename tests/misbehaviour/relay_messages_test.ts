import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import type { RelayEvent } from "../../testnet/events.ts";
import * as bad from "../../testnet/misbehaviours/relay_messages.ts";
import { assertRefused } from "../network/socks_assertions.ts";
import { socks5Resolve, SocksReply } from "../network/socks_client.ts";
import type { Position } from "./first_circuit.ts";
import { HeldClock } from "./held_clock.ts";
import { Scenario, WEB_NAME } from "./scenario.ts";
import { StuckApplications } from "./stuck_application.ts";
import {
  cutOffDownload,
  cutOffUpload,
  expectViolation,
  FIXED_WINDOWS,
  startWith,
} from "./violations.ts";

const NO_HOP = "a relay cell that no hop sent";
const NO_STREAM = "for a stream that does not exist";

/** Any hop may have spoilt a cell that no hop's key fits; else it is known who sent it. */
function suspectsOf(what: string, position: Position): readonly Position[] {
  return what === NO_HOP ? ["guard", "middle", "exit"] : [position];
}

interface Case {
  readonly misbehaviour: Misbehaviour;
  readonly position?: Position;
  /** Whether it is one only without congestion control. */
  readonly isFixedWindows?: boolean;
  /** What the log says of the violation. */
  readonly what: string;
  readonly transfer?: (scenario: Scenario) => Promise<void>;
}

/** Once a stream is open it cannot be moved: it is lost, and the next goes by another circuit. */
const STREAM_IS_LOST: readonly Case[] = [
  { misbehaviour: bad.badDigest, what: NO_HOP },
  { misbehaviour: bad.droppedCell, what: NO_HOP },
  { misbehaviour: bad.duplicatedCell, what: NO_HOP },
  { misbehaviour: bad.overlongLength, what: "a relay message longer than its cell" },
  { misbehaviour: bad.dataForStranger, what: `DATA ${NO_STREAM}` },
  { misbehaviour: bad.endForStranger, what: `END ${NO_STREAM}` },
  { misbehaviour: bad.dataForCircuit, what: "an unexpected DATA for the circuit" },
  { misbehaviour: bad.connectedTwice, what: "a second CONNECTED" },
  { misbehaviour: bad.beginToClient, what: "an unexpected BEGIN for a stream" },
  {
    misbehaviour: bad.xoffWithoutNegotiation,
    isFixedWindows: true,
    what: "an unexpected XOFF for a stream",
  },
  { misbehaviour: bad.circuitSendmeNotDue, what: "a circuit SENDME that was not due" },
  {
    misbehaviour: bad.streamSendmeNotDue,
    isFixedWindows: true,
    what: "a stream SENDME that was not due",
  },
  { misbehaviour: bad.dataFromMiddle, position: "middle", what: "DATA from a hop without streams" },
  {
    misbehaviour: bad.sendmeFromMiddle,
    position: "middle",
    what: "a SENDME from a hop without streams",
  },
  { misbehaviour: bad.extendedUnasked, position: "middle", what: "an unexpected EXTENDED2" },
  {
    misbehaviour: bad.sendmeWithWrongDigest,
    what: "a circuit SENDME with a wrong digest",
    transfer: cutOffUpload,
  },
  {
    misbehaviour: bad.sendmeWithoutDigest,
    what: "SENDME: version 0",
    transfer: cutOffUpload,
  },
];

for (const each of STREAM_IS_LOST) {
  const { misbehaviour, position = "exit", isFixedWindows, what, transfer } = each;
  Deno.test(`relay messages: ${misbehaviour.name} (${position}): the circuit is closed`, async () => {
    const options = isFixedWindows ? FIXED_WINDOWS : {};
    await using scenario = await startWith(misbehaviour, position, options);
    const mark = scenario.network.events.count;
    await (transfer ?? cutOffDownload)(scenario);
    await expectViolation(scenario, what, suspectsOf(what, position), mark);
  });
}

/** Before the exit has answered, the client itself tries another circuit. */
const RETRIED: readonly Case[] = [
  { misbehaviour: bad.dataBeforeConnected, what: "DATA before CONNECTED" },
  { misbehaviour: bad.malformedConnected, what: "CONNECTED: 4 bytes wanted, 3 left" },
  { misbehaviour: bad.tamperedCells, position: "middle", what: NO_HOP },
  {
    misbehaviour: bad.relayEarlyBackwards,
    position: "guard",
    what: "an unexpected RELAY_EARLY cell",
  },
];

for (const { misbehaviour, position = "exit", what } of RETRIED) {
  Deno.test(`relay messages: ${misbehaviour.name} (${position}): another circuit is tried`, async () => {
    await using scenario = await startWith(misbehaviour, position);
    const mark = scenario.network.events.count;
    await scenario.download(100_000);
    assert.equal(scenario.log.count("Trying another circuit"), 1);
    await expectViolation(scenario, what, suspectsOf(what, position), mark);
  });
}

/** After the stream, when all of it has come: only the circuit is lost. */
const CIRCUIT_IS_LOST: readonly Case[] = [
  { misbehaviour: bad.dataAfterTheirEnd, what: `DATA ${NO_STREAM}` },
  { misbehaviour: bad.endTwice, what: `END ${NO_STREAM}` },
];

for (const { misbehaviour, what } of CIRCUIT_IS_LOST) {
  Deno.test(`relay messages: ${misbehaviour.name}: only the circuit is lost`, async () => {
    await using scenario = await startWith(misbehaviour);
    const mark = scenario.network.events.count;
    await scenario.download(100_000);
    await expectViolation(scenario, what, ["exit"], mark);
  });
}

Deno.test("relay messages: RESOLVED twice: the answer is taken, the circuit closed", async () => {
  await using scenario = await startWith(bad.resolvedTwice);
  const mark = scenario.network.events.count;
  assert.equal(await socks5Resolve(scenario.socks, WEB_NAME), scenario.web.hostname);
  await expectViolation(scenario, `RESOLVED ${NO_STREAM}`, ["exit"], mark);
});

Deno.test("relay messages: DROP and unknown commands are ignored", async () => {
  await using scenario = await startWith(bad.ignoredMessages);
  await scenario.download(400_000);
  assert.equal(scenario.log.count("Closing circuit"), 0);
});

Deno.test("relay messages: cells for unknown circuits, and unknown cells, are ignored", async () => {
  const { cellsForStrangers } = bad;
  const everywhere = ["authority0", "guard0", "guard1"].map((name) => [name, cellsForStrangers]);
  await using scenario = await Scenario.start({
    misbehaviours: Object.fromEntries(everywhere),
  });
  await scenario.download(100_000);
  assert.equal(scenario.log.count("ended:"), 0);
  assert.equal(scenario.log.count("Closing circuit"), 0);
  assert.deepEqual(scenario.client.violations.relays, []);
});

/** Whether a circuit SENDME came from the client to an exit. */
function isSendme(event: RelayEvent): boolean {
  return event.kind === "message" && event.relay.startsWith("exit") &&
    event.command === RelayCommand.SENDME && event.streamId === 0;
}

/** Fails unless so many circuit SENDMEs, and no more, come to the exits after a mark. */
async function expectSendmes(scenario: Scenario, since: number, count: number): Promise<void> {
  const { events } = scenario.network;
  const came = () => events.since(since).filter(isSendme).length;
  while (came() < count) {
    await scenario.wait(events.until(isSendme, { since: events.count }));
  }
  assert.equal(came(), count);
}

/** Opens a stream through which nothing goes, and ends it from the client's side. */
async function openAndEnd(scenario: Scenario): Promise<void> {
  const mark = scenario.network.events.count;
  (await scenario.connect("alice")).close();
  await scenario.wait(
    scenario.network.events.until(
      (event) => event.kind === "message" && event.command === RelayCommand.END,
      { since: mark },
    ),
  );
}

Deno.test("relay messages: all the DATA that the window allows after our END is legal and counted", async () => {
  await using scenario = await startWith(
    bad.dataAfterOurEnd({ count: 500, end: true }),
    "exit",
    FIXED_WINDOWS,
  );
  const mark = scenario.network.events.count;
  await openAndEnd(scenario);
  // By the same circuit: only one that lives, and has counted right, carries it to its end.
  await scenario.download(700_000, "alice");
  assert.equal(scenario.log.count("Closing circuit"), 0);
  const begins = scenario.network.events.since(mark).filter((event) =>
    event.kind === "message" && event.command === RelayCommand.BEGIN
  );
  assert.equal(
    new Set(begins.map((event) => `${event.relay} ${"circuit" in event && event.circuit}`)).size,
    1,
  );
  // 500 messages after the END, and 1,406 or a few more for the download with its head.
  await expectSendmes(scenario, mark, 19);
});

Deno.test("relay messages: one DATA more than the window after our END closes the circuit", async () => {
  await using scenario = await startWith(
    bad.dataAfterOurEnd({ count: 501, end: false }),
    "exit",
    FIXED_WINDOWS,
  );
  const mark = scenario.network.events.count;
  await openAndEnd(scenario);
  await scenario.logged(`DATA ${NO_STREAM}`);
  // Of the 501, and of nothing else so far.
  await expectSendmes(scenario, mark, 5);
  await expectViolation(scenario, `DATA ${NO_STREAM}`, ["exit"], mark);
});

Deno.test("relay messages: more DATA than a stream's window closes the circuit", async () => {
  const network = new StuckApplications();
  await using scenario = await startWith(bad.streamWindowOverrun, "exit", {
    ...FIXED_WINDOWS,
    runtime: { network },
  });
  const mark = scenario.network.events.count;
  const stuck = await scenario.connect();
  network.stuck = false;
  await expectViolation(scenario, "more DATA than the stream window", ["exit"], mark);
  stuck.close();
});

Deno.test("relay messages: more DATA than the circuit's window is taken, within the streams' windows", async () => {
  // Each hundred is acknowledged at once, so that the circuit's window, as the client sees it, is
  // never used up; what bounds its memory is the window of each stream.
  await using scenario = await startWith(bad.circuitWindowOverrun(), "exit", FIXED_WINDOWS);
  const mark = scenario.network.events.count;
  const bodies = await Promise.all([1, 2, 3].map(async () => {
    const conn = await scenario.connect("alice");
    return await new Response(conn.readable).bytes();
  }));
  for (const body of bodies) assert.deepEqual(body, new Uint8Array(499 * 498).fill(0x41));
  await expectSendmes(scenario, mark, 14);
  assert.equal(scenario.log.count("Closing circuit"), 0);
});

/** As a user of the public network would have it. */
const REJECT_INTERNAL = ["ClientDNSRejectInternalAddresses 1"];

for (const address of ["10.0.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:192.168.0.1"]) {
  const lie = bad.connectedSays(address);
  Deno.test(`relay messages: ${lie.name} is not believed: another circuit is tried`, async () => {
    await using scenario = await startWith(
      lie,
      "exit",
      { torrc: REJECT_INTERNAL },
      bad.connectedSays("198.51.100.7"),
    );
    await scenario.download(100_000);
    assert.equal(scenario.log.count("[internal-answer-refused]"), 1);
    assert.equal(scenario.log.count("Trying another circuit"), 1);
    // A lie about the address is no violation: streams that are on the circuit go on.
    assert.equal(scenario.log.count("Closing circuit"), 0);
  });
}

Deno.test("relay messages: when all exits say CONNECTED to an internal address, the request fails", async () => {
  const lie = bad.connectedSays("10.0.0.1");
  await using scenario = await Scenario.start({
    exits: 3,
    misbehaviours: { exit0: lie, exit1: lie, exit2: lie },
    torrc: REJECT_INTERNAL,
  });
  await assertRefused(scenario.connect(), SocksReply.GeneralFailure);
  await scenario.logged("A SOCKS request for [scrubbed] failed: the exit answered with");
});

Deno.test("relay messages: RESOLVED to an internal address is refused", async () => {
  await using scenario = await startWith(
    bad.resolvedSays("192.168.0.1"),
    "exit",
    { torrc: REJECT_INTERNAL },
    bad.resolvedSays("198.51.100.7"),
  );
  await assertRefused(socks5Resolve(scenario.socks, WEB_NAME));
  assert.equal(scenario.log.count("[internal-answer-refused]"), 1);
});

Deno.test("relay messages: exits that all break the protocol have few circuits built for one request", async () => {
  const { dataBeforeConnected: bug } = bad;
  const clock = new HeldClock();
  await using scenario = await Scenario.start({
    misbehaviours: { exit0: bug, exit1: bug },
    torrc: ["SocksTimeout 1", "ConnectBackoffInitial 200 msec", "ConnectBackoffJitter 0"],
    clock,
  });
  const refused = assertRefused(scenario.connect(), SocksReply.TtlExpired);
  // Four circuits are lost at once; then there are pauses of 0.2, 0.4 and 0.8 seconds.
  for (const pause of [200, 400, 800]) {
    assert.equal(await scenario.wait(clock.untilTimer(800)), pause);
    clock.advance(pause);
  }
  await refused;
  assert.equal(scenario.log.count("Trying another circuit"), 6);
});
