import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import { encode, TestAuthority, writeMicrodescriptor } from "../../testnet/document_writer.ts";
import * as bad from "../../testnet/misbehaviours/directory.ts";
import { WebServer } from "../network/web_server.ts";
import { type Asked, onFirstLink, onFirstRequest, PATHS } from "./first_request.ts";
import { HeldClock } from "./held_clock.ts";
import { Scenario, type ScenarioOptions } from "./scenario.ts";

const HOUR = 3_600_000;

/** Every relay that serves directory documents. */
const DIRECTORIES = ["authority0", "authority1", "authority2", "guard0", "guard1"];

/** A client whose clock stands still, on a network with three authorities. */
function start(misbehaviour: Misbehaviour, options: ScenarioOptions = {}): Promise<Scenario> {
  const misbehaviours = Object.fromEntries(DIRECTORIES.map((name) => [name, misbehaviour]));
  const clock = new HeldClock();
  return Scenario.start({ authorities: 3, clock, bootstrap: false, ...options, misbehaviours });
}

/** Who was asked for something, in the order in which they were. */
function asked({ network }: Scenario, what: Asked): readonly string[] {
  return network.events.since().flatMap((event) =>
    event.kind === "directory" && event.path.startsWith(PATHS[what]) ? event.relay : []
  );
}

/** Waits until the client says that it will try another directory, and lets that time pass. */
async function untilNextTry(scenario: Scenario, clock: HeldClock): Promise<void> {
  const line = await scenario.logged("trying another in");
  clock.advance(1000 * (1 + Number(/trying another in (\d+) s/.exec(line)?.[1])));
}

/** Fails unless the client is as good as new: it joins, and downloads through honest relays. */
async function expectService(scenario: Scenario): Promise<void> {
  await scenario.bootstrapped();
  await scenario.download(100_000);
}

type MakeBad = (scenario: () => Scenario) => Misbehaviour;

/** What is served in place of the first consensus, and the code of the error. */
const BAD_CONSENSUSES: readonly (readonly [string, MakeBad])[] = [
  ["too-few-signatures", (scenario) =>
    bad.anotherDocument("signed by one of three", () => {
      const { documents } = scenario().network;
      return documents.writeConsensus({ signers: documents.authorities.slice(0, 1) });
    })],
  ["too-few-signatures", (scenario) =>
    bad.anotherDocument("signed by unknown keys", () => {
      const signers = ["ann", "bob", "eve"].map((name) => new TestAuthority(name));
      return scenario().network.documents.writeConsensus({ signers });
    })],
  [
    "too-few-signatures",
    () =>
      bad.changedText(
        "changed after it was signed",
        (text) => text.replace("Bandwidth=30000", "Bandwidth=30001"),
      ),
  ],
  ["consensus-expired", (scenario) =>
    bad.anotherDocument("expired", () => {
      const { documents } = scenario().network;
      const validAfter = documents.validAfter - 48 * HOUR;
      return documents.writeConsensus({ parts: { validAfter } });
    })],
  ["consensus-from-future", (scenario) =>
    bad.anotherDocument("from the future", () => {
      const { documents } = scenario().network;
      const validAfter = documents.validAfter + 48 * HOUR;
      return documents.writeConsensus({ parts: { validAfter } });
    })],
  [
    "document-cut-off",
    () => bad.changedText("cut off within a line", (text) => text.slice(0, text.length / 2)),
  ],
  ["directory-http-cut-off", () => bad.bodyCutOff],
  ["directory-encoding-invalid", () => bad.compressionCutOff],
  ["directory-http-invalid", () => bad.wrongContentLength(-1)],
  ["directory-http-cut-off", () => bad.wrongContentLength(1)],
  ["directory-http-invalid", () => bad.twoContentLengths],
  ["directory-compression-bomb", () => bad.bomb],
  ["directory-compression-bomb", () => bad.rowOfBombs("gzip")],
  ["directory-compression-bomb", () => bad.rowOfBombs("deflate")],
  ["directory-compression-bomb", () => bad.rowOfBombs("x-zstd")],
  ["directory-http-too-large", () => bad.hugeAnnounced],
  ["directory-http-invalid", () => bad.notHttp],
  ["directory-http-cut-off", () => bad.noAnswer],
  ["directory-http-status", () => bad.status("404 Not found")],
  ["directory-http-status", () => bad.status("304 Not modified")],
  ["directory-http-status", () => bad.status("500 Internal server error")],
  ["directory-http-status", () => bad.status("502 Bad gateway")],
  ["directory-http-busy", () => bad.status("503 Directory busy, try again later")],
];

for (const [code, make] of BAD_CONSENSUSES) {
  const { name } = make(() => assert.fail("only its name is asked for"));
  Deno.test(`directory: consensus: ${name}: ${code}, and another authority is asked`, async () => {
    const clock = new HeldClock();
    const first = onFirstRequest(make(() => scenario), "consensus");
    await using scenario: Scenario = await start(first, { clock });
    await scenario.logged(`[${code}]`);
    await untilNextTry(scenario, clock);
    await expectService(scenario);
    const authorities = asked(scenario, "consensus");
    assert.equal(authorities.length, 2);
    assert.notEqual(authorities[0], authorities[1]);
    assert.equal(scenario.log.count(`[${code}]`), 1);
  });
}

for (const line of ["301 Moved", "302 Found", "303 See other", "307 Moved", "308 Moved"]) {
  Deno.test(`directory: consensus: ${line} is not followed`, async () => {
    const clock = new HeldClock();
    await using elsewhere = new WebServer("127.0.0.1");
    const location = `http://127.0.0.1:${elsewhere.port}/tor/moved`;
    const redirection = bad.status(line, { Location: location });
    await using scenario = await start(onFirstRequest(redirection, "consensus"), { clock });
    await scenario.logged("[directory-http-status]");
    await untilNextTry(scenario, clock);
    await expectService(scenario);
    assert.equal(elsewhere.connections.length, 0);
    const paths = scenario.network.events.since().flatMap((event) =>
      event.kind === "directory" ? event.path : []
    );
    assert.ok(paths.every((path) => !path.includes("moved")));
  });
}

Deno.test("directory: 100 MB in place of a consensus: the stream is closed after 10 MB", async () => {
  const clock = new HeldClock();
  let sent = 0;
  const huge = bad.hugeSent((length) => sent = length);
  await using scenario = await start(onFirstRequest(huge, "consensus"), { clock });
  await scenario.logged("[directory-http-too-large]");
  await untilNextTry(scenario, clock);
  await expectService(scenario);
  assert.ok(sent < 12 * 2 ** 20, `${sent} bytes were sent`);
});

/** A drip, and the time that passes with each byte of it. */
class Drip {
  readonly clock = new HeldClock();
  readonly misbehaviour = bad.slowDrip(this.clock, () => this.#next.resolve());
  #next = Promise.withResolvers<void>();

  /** Lets so many bytes come, one a second. */
  async pass(scenario: Scenario, bytes: number): Promise<void> {
    for (let byte = 0; byte < bytes; byte++) {
      await scenario.wait(this.#next.promise);
      this.#next = Promise.withResolvers();
      this.clock.advance(1000);
    }
  }
}

Deno.test("directory: while a consensus drips, one byte a second, another authority is asked", async () => {
  const drip = new Drip();
  const first = onFirstRequest(drip.misbehaviour, "consensus");
  await using scenario = await start(first, { clock: drip.clock });
  await scenario.logged("Loading networkstatus consensus");
  await drip.pass(scenario, 20);
  await expectService(scenario);
  assert.equal(new Set(asked(scenario, "consensus")).size, 2);
});

/** What is served in place of the first microdescriptors, and the code of the error. */
const BAD_MICRODESCRIPTORS: readonly (readonly [string, Misbehaviour])[] = [
  [
    "microdescriptor-not-requested",
    bad.changedText(
      "changed in one letter",
      (text) =>
        text.replaceAll("id ed25519 A", "id ed25519 B").replaceAll(
          /ntor-onion-key ./g,
          "ntor-onion-key A",
        ),
    ),
  ],
  [
    "microdescriptor-not-requested",
    bad.anotherDocument(
      "of a stranger",
      () => encode(writeMicrodescriptor({ onionKey: new Uint8Array(32).fill(200) })),
    ),
  ],
  ["document-cut-off", bad.changedText("cut off within a line", (text) => text.slice(0, -5))],
  ["directory-http-cut-off", bad.bodyCutOff],
  ["directory-http-invalid", bad.wrongContentLength(-1)],
  ["directory-compression-bomb", bad.bomb],
  ["directory-compression-bomb", bad.rowOfBombs("deflate")],
  ["directory-http-too-large", bad.hugeAnnounced],
  ["directory-http-status", bad.status("404 Not found")],
  ["directory-http-status", bad.status("302 Found", { Location: "http://127.0.0.1:1/tor/" })],
  ["directory-http-busy", bad.status("503 Directory busy, try again later")],
];

for (const [code, misbehaviour] of BAD_MICRODESCRIPTORS) {
  Deno.test(`directory: microdescriptors: ${misbehaviour.name}: ${code}, and another is asked`, async () => {
    await using scenario = await start(onFirstRequest(misbehaviour, "microdescriptors"));
    await expectService(scenario);
    assert.equal(scenario.log.count(`[${code}]`), 1);
    const [first, second] = asked(scenario, "microdescriptors");
    assert.notEqual(first, second);
  });
}

Deno.test("directory: a guard that drips microdescriptors is given up after 30 seconds", async () => {
  const drip = new Drip();
  const first = onFirstRequest(drip.misbehaviour, "microdescriptors");
  await using scenario = await start(first, { clock: drip.clock });
  await drip.pass(scenario, 30);
  await scenario.logged("bytes arrived in 30 seconds [directory-too-slow]");
  await expectService(scenario);
});

for (const what of ["consensus", "certificates", "microdescriptors"] as const) {
  Deno.test(`directory: ${what}: one that never answers is given up, and another asked`, async () => {
    const clock = new HeldClock();
    await using scenario = await start(onFirstRequest(bad.silence, what), { clock });
    await scenario.wait(
      scenario.network.events.until((event) =>
        event.kind === "directory" && event.path.startsWith(PATHS[what])
      ),
    );
    clock.advance(30_000);
    await expectService(scenario);
    assert.equal(new Set(asked(scenario, what)).size, 2);
    assert.equal(scenario.log.count("[directory-too-slow]"), 1);
  });
}

/** What is served in place of the first authority certificates, and the code of the error. */
const BAD_CERTIFICATES: readonly (readonly [string, Misbehaviour])[] = [
  ["directory-http-status", bad.status("404 Not found")],
  ["document-cut-off", bad.changedText("cut off", (text) => text.slice(0, -5))],
  [
    "certificate-not-verified",
    bad.changedText(
      "changed after they were signed",
      (text) => text.replaceAll(/(?<=dir-key-expires )..../g, "2040"),
    ),
  ],
  ["directory-compression-bomb", bad.smallBomb],
  ["directory-http-too-large", bad.bomb],
];

for (const [code, misbehaviour] of BAD_CERTIFICATES) {
  Deno.test(`directory: certificates: ${misbehaviour.name}: ${code}, and another is asked`, async () => {
    await using scenario = await start(onFirstRequest(misbehaviour, "certificates"));
    await expectService(scenario);
    assert.ok(scenario.log.count(`[${code}]`) >= 1);
    assert.equal(new Set(asked(scenario, "certificates")).size, 2);
    assert.equal(asked(scenario, "consensus").length, 1);
  });
}

Deno.test("directory: PADDING_NEGOTIATE from a relay closes the channel, and another is asked", async () => {
  const clock = new HeldClock();
  await using scenario = await start(onFirstLink(bad.paddingNegotiate), { clock });
  await scenario.logged("the relay sent PADDING_NEGOTIATE on an open channel [unexpected-cell]");
  await untilNextTry(scenario, clock);
  await expectService(scenario);
  const { violations } = scenario.client;
  assert.deepEqual(violations.relays.map((relay) => violations.of(relay)), [{
    "unexpected-cell": 1,
  }]);
});

Deno.test("directory: while directories show only some relays, no circuit is extended anywhere", async () => {
  const clock = new HeldClock();
  const hidden = ["middle1", "exit1"];
  let hiding = true;
  const partial = bad.partialMicrodescriptors((text) =>
    !hiding ||
    hidden.every((name) =>
      !text.includes(scenario.network.relay(name).keys.onionKey.toBase64({ omitPadding: true }))
    )
  );
  await using scenario: Scenario = await start(partial, { clock });
  const { events } = scenario.network;
  /** Waits until all that will be asked this time were asked, then for the pause to come. */
  const round = async (count: number) => {
    while (asked(scenario, "microdescriptors").length < count) {
      const since = events.count;
      await scenario.wait(events.until(({ kind }) => kind === "directory", { since }));
    }
    return await scenario.wait(clock.untilTimer(20_000));
  };
  let pause = await round(3);
  // A request that comes now waits, and is not served by what is known.
  const waiting = scenario.download(10_000);
  for (let count = 6; count <= 12; count += 3) {
    const next = round(count);
    clock.advance(pause);
    pause = await next;
  }
  assert.deepEqual(commands(scenario), []);
  assert.equal(scenario.client.circuits.length, 0);
  assert.ok(scenario.client.bootstrap.status.percent < 75);
  hiding = false;
  clock.advance(pause);
  await scenario.wait(waiting);
  await expectService(scenario);
});

/** The relay messages that were sent to build circuits or to use them for users. */
function commands({ network }: Scenario): readonly number[] {
  const ofUsers: readonly number[] = [RelayCommand.EXTEND2, RelayCommand.BEGIN];
  return network.events.since().flatMap((event) =>
    event.kind === "message" && ofUsers.includes(event.command) ? event.command : []
  );
}
