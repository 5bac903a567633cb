/** Clients of exits that break the rules of XON and XOFF, on circuits with congestion control. */
import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import { dataAfterOurEnd } from "../../testnet/misbehaviours/relay_messages.ts";
import * as bad from "../../testnet/misbehaviours/stream_flow_control.ts";
import { httpUpload } from "../network/http_client.ts";
import { bodySha256 } from "../network/test_body.ts";
import type { Scenario } from "./scenario.ts";
import { StuckApplications } from "./stuck_application.ts";
import { cutOffDownload, cutOffUpload, expectViolation, startWith } from "./violations.ts";

/** What ends a stream, and all others of its circuit. */
interface Case {
  readonly misbehaviour: Misbehaviour;
  /** What the log says of the violation. */
  readonly what: string;
  readonly transfer?: (scenario: Scenario) => Promise<void>;
}

const CASES: readonly Case[] = [
  { misbehaviour: bad.xoffTooEarly, what: "an XOFF that was not due" },
  { misbehaviour: bad.xonTooEarly, what: "an XON that was not due" },
  {
    misbehaviour: bad.sendmeForStream,
    what: "a stream SENDME on a circuit with congestion control",
  },
  { misbehaviour: bad.xoffOfOtherVersion, what: "XOFF: version 1" },
  { misbehaviour: bad.xonWithoutRate, what: "XON: 4 bytes wanted, 0 left" },
  { misbehaviour: bad.xoffForStranger, what: "XOFF for a stream that does not exist" },
  { misbehaviour: bad.xonForStranger, what: "XON for a stream that does not exist" },
  { misbehaviour: bad.xoffTwice, what: "an XOFF that was not due", transfer: cutOffUpload },
  { misbehaviour: bad.xonFlood, what: "an XON that was not due", transfer: cutOffUpload },
];

for (const { misbehaviour, what, transfer = cutOffDownload } of CASES) {
  Deno.test(`stream flow control: ${misbehaviour.name}: the circuit is closed`, async () => {
    await using scenario = await startWith(misbehaviour);
    const mark = scenario.network.events.count;
    await transfer(scenario);
    await expectViolation(scenario, what, ["exit"], mark);
  });
}

Deno.test("stream flow control: XOFF and XON that are due are obeyed", async () => {
  await using scenario = await startWith(bad.xoffAndXon);
  const uploaded = await httpUpload(await scenario.connect(), 600_000, 1);
  assert.deepEqual(uploaded, { length: 600_000, sha256: bodySha256(600_000, 1) });
  assert.equal(scenario.log.count("Closing circuit"), 0);
});

/** Opens a stream of which nothing is read, and waits for the client's XOFF. */
async function stuckStream(scenario: Scenario, network: StuckApplications): Promise<Deno.Conn> {
  const since = scenario.network.events.count;
  const stuck = await scenario.connect("alice");
  network.stuck = false;
  await scenario.wait(
    scenario.network.events.until(
      (event) => event.kind === "message" && event.command === RelayCommand.XOFF,
      { since },
    ),
  );
  return stuck;
}

Deno.test("stream flow control: a window of DATA after XOFF is taken, and other streams go on", async () => {
  const network = new StuckApplications();
  const misbehaviour = bad.dataInSpiteOfXoff(9000);
  await using scenario = await startWith(misbehaviour, "exit", { runtime: { network } });
  using _stuck = await stuckStream(scenario, network);
  await scenario.download(100_000, "alice");
  assert.equal(scenario.log.count("Closing circuit"), 0);
});

Deno.test("stream flow control: DATA after XOFF without end closes the circuit", async () => {
  const network = new StuckApplications();
  const misbehaviour = bad.dataInSpiteOfXoff(11_000);
  await using scenario = await startWith(misbehaviour, "exit", { runtime: { network } });
  const mark = scenario.network.events.count;
  using _stuck = await stuckStream(scenario, network);
  await expectViolation(scenario, "DATA in spite of XOFF", ["exit"], mark);
});

Deno.test("stream flow control: a window of DATA after our END is legal, and no more", async () => {
  for (const [count, isLegal] of [[10_000, true], [10_001, false]] as const) {
    await using scenario = await startWith(dataAfterOurEnd({ count, end: isLegal }));
    const mark = scenario.network.events.count;
    (await scenario.connect("alice")).close();
    if (isLegal) {
      await scenario.download(100_000, "alice");
      assert.equal(scenario.log.count("Closing circuit"), 0);
    } else {
      const what = "DATA for a stream that does not exist";
      await expectViolation(scenario, what, ["exit"], mark);
    }
  }
});
