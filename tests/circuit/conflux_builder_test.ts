import assert from "node:assert/strict";
import { ccResponse, encodeCircuitExtensions } from "../../src/cell/circuit_extensions.ts";
import { RelayCommand } from "../../src/cell/command.ts";
import {
  type ConfluxLink,
  ConfluxUx,
  decodeConfluxLink,
  encodeConfluxLink,
} from "../../src/cell/conflux.ts";
import type { ChosenPath } from "../../src/circuit/choose_path.ts";
import { Circuit } from "../../src/circuit/circuit.ts";
import type { BuiltLeg } from "../../src/circuit/circuit_builder.ts";
import { congestionControlParameters } from "../../src/circuit/congestion_control_parameters.ts";
import { ConfluxBuilder } from "../../src/circuit/conflux_builder.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import type { HandshakeChoice } from "../../src/circuit/hop_handshake.ts";
import type { ExitTarget } from "../../src/path/exit_target.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { TEST_RULES, testNetDir } from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { ListedGuards } from "./listed_guards.ts";
import { NEVER, RelayEnd, testHop, testParts } from "./relay_end.ts";
import { settled } from "./test_circuits.ts";

const { CONFLUX_LINK, CONFLUX_LINKED, CONFLUX_LINKED_ACK } = RelayCommand;
const WEB: ExitTarget = { kind: "any-port", ports: [443] };
const TIMEOUT = 2000;
const EXIT = 0;

const NET_DIR = testNetDir({
  relays: [
    { number: 1, exitPolicy: "accept 443", protocols: "Conflux=1 FlowCtrl=1-2 Relay=1-4" },
    ...[2, 3, 4, 5, 6, 7].map((number) => ({ number })),
  ],
});

/** A leg that is asked for. */
interface Asked {
  readonly path: ChosenPath;
  /** It is built; gives the other end. */
  succeed(congestionControl?: boolean): Promise<RelayEnd>;
  fail(error?: Error): Promise<void>;
}

/** A circuit of one hop, which has congestion control if it is to. */
async function leg(congestionControl: boolean): Promise<{ circuit: Circuit; end: RelayEnd }> {
  const end = new RelayEnd();
  end.relayMessage = encodeCircuitExtensions(congestionControl ? [ccResponse(31)] : []);
  const hop = testHop(0);
  assert.ok(hop.ed25519Identity !== undefined);
  const choice: HandshakeChoice = {
    type: "ntor-v3",
    ed25519Identity: hop.ed25519Identity,
    congestionControl: congestionControlParameters("exit"),
  };
  const creating = Circuit.create(end, hop, testParts(), NEVER, choice);
  end.answerCreate();
  return { circuit: await creating, end };
}

function setUp() {
  const clock = new FakeClock();
  const guards = new ListedGuards(NET_DIR, [2, 3]);
  const asked: Asked[] = [];
  const uncounted: (boolean | undefined)[] = [];
  const builder = new ConfluxBuilder({
    runtime: { clock, random: new SeededRandom(1), network: new SystemNetwork() },
    builder: {
      buildPath: (_netDir, path, request, signal) => {
        const { promise, resolve, reject } = Promise.withResolvers<BuiltLeg>();
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        uncounted.push(request.isUncounted);
        asked.push({
          path,
          succeed: async (congestionControl = true) => {
            const { circuit, end } = await leg(congestionControl);
            resolve({ circuit, ...path });
            await settled();
            return end;
          },
          fail: (error = new CircuitError("circuit-destroyed", "the test destroyed it")) => {
            reject(error);
            return settled();
          },
        });
        return promise;
      },
    },
    guards,
    rules: () => TEST_RULES,
    buildTimeout: () => TIMEOUT,
    clientUx: "throughput",
  });
  const build = (maxLegRetries = 3, signal = NEVER) => {
    const building = builder.build(
      NET_DIR,
      { target: WEB, avoided: new Set(), maxLegRetries, anyCircuitOpen: () => true },
      signal,
    );
    building.catch(() => {});
    return building;
  };
  return { clock, guards, asked, uncounted, build };
}

/** Takes the LINK that must have been sent. */
function takeLink(end: RelayEnd): ConfluxLink {
  const { command, streamId, body } = end.takeMessage();
  assert.deepEqual([command, streamId], [CONFLUX_LINK, 0]);
  return decodeConfluxLink(body);
}

/** Agrees to a LINK, as exits of C tor do. */
async function answer(end: RelayEnd, link: ConfluxLink): Promise<void> {
  const linked = { ...link, desiredUx: ConfluxUx.MIN_LATENCY };
  end.deliver(EXIT, CONFLUX_LINKED, 0, encodeConfluxLink(linked));
  await settled();
}

Deno.test("ConfluxBuilder: two legs with one nonce, each acknowledged, make a set", async () => {
  const { clock, asked, uncounted, build } = setUp();
  const building = build();
  assert.deepEqual(uncounted, [true, true]);
  const ends = [await asked[0].succeed(), await asked[1].succeed()];
  const links = ends.map(takeLink);
  assert.deepEqual(links[0], links[1]);
  assert.deepEqual(links[0], {
    nonce: links[0].nonce,
    lastSent: 0n,
    lastReceived: 0n,
    desiredUx: ConfluxUx.HIGH_THROUGHPUT,
  });
  clock.advance(100);
  await answer(ends[0], links[0]);
  const { command, body } = ends[0].takeMessage();
  assert.deepEqual([command, body.length], [CONFLUX_LINKED_ACK, 0]);
  clock.advance(100);
  await answer(ends[1], links[1]);
  assert.equal(ends[1].takeMessage().command, CONFLUX_LINKED_ACK);
  const built = await building;
  assert.deepEqual(built.legs?.map(({ guard, middle, exit }) => ({ guard, middle, exit })), [
    ...asked.map(({ path: { guard, middle, exit } }) => ({ guard, middle, exit })),
  ]);
  assert.equal(built.circuit.usesStreamSendmes, false);
  // The first answered sooner: it carries what comes first.
  built.circuit.send(RelayCommand.XON, 1, new Uint8Array(0));
  assert.deepEqual(ends.map((end) => end.takeMessages().length), [1, 0]);
  assert.equal(clock.pendingTimers, 0);
  built.circuit.close();
  assert.ok(built.legs?.every(({ circuit }) => circuit.closedBy !== undefined));
});

Deno.test("ConfluxBuilder: a leg that fails is replaced by another through other relays", async () => {
  const { asked, build } = setUp();
  const building = build();
  const end = await asked[0].succeed();
  await asked[1].fail();
  assert.equal(asked.length, 3);
  assert.equal(asked[2].path.guard.rsaIdentity, asked[1].path.guard.rsaIdentity);
  assert.notEqual(asked[2].path.middle.rsaIdentity, asked[0].path.middle.rsaIdentity);
  const other = await asked[2].succeed();
  for (const each of [end, other]) await answer(each, takeLink(each));
  (await building).circuit.close();
});

Deno.test("ConfluxBuilder: only so many legs are tried, and then all are closed", async () => {
  const { asked, build } = setUp();
  const building = build(2);
  const end = await asked[0].succeed();
  for (const place of [1, 2, 3]) await asked[place].fail();
  await assert.rejects(building, { code: "circuit-destroyed" });
  assert.equal(asked.length, 4);
  assert.equal(end.attached, false);
});

Deno.test("ConfluxBuilder: an exit that takes too long to link is given another leg", async () => {
  const { clock, asked, build } = setUp();
  const building = build(1);
  const ends = [await asked[0].succeed(), await asked[1].succeed()];
  await answer(ends[0], takeLink(ends[0]));
  clock.advance(TIMEOUT);
  await settled();
  assert.equal(ends[1].attached, false);
  assert.equal(asked.length, 3);
  const other = await asked[2].succeed();
  await answer(other, takeLink(other));
  (await building).circuit.close();
});

Deno.test("ConfluxBuilder: an exit that breaks the protocol gets no other leg", async () => {
  const { asked, build } = setUp();
  const building = build();
  const ends = [await asked[0].succeed(), await asked[1].succeed()];
  const link = takeLink(ends[0]);
  await answer(ends[0], { ...link, nonce: new Uint8Array(32) });
  await assert.rejects(building, { code: "circuit-protocol-violation" });
  assert.equal(asked.length, 2);
  assert.ok(ends.every(({ attached }) => !attached));
});

Deno.test("ConfluxBuilder: without congestion control there is no leg", async () => {
  const { asked, build } = setUp();
  const building = build(0);
  const end = await asked[0].succeed(false);
  await assert.rejects(building, { code: "circuit-handshake-failed" });
  assert.equal(end.attached, false);
});

Deno.test("ConfluxBuilder: a leg that is closed while the other one is linked ends the set", async () => {
  const { asked, build } = setUp();
  const building = build();
  const ends = [await asked[0].succeed(), await asked[1].succeed()];
  await answer(ends[0], takeLink(ends[0]));
  ends[0].closeChannel();
  await answer(ends[1], takeLink(ends[1]));
  await assert.rejects(building, { code: "circuit-channel-lost" });
  assert.ok(ends.every(({ attached }) => !attached));
});

Deno.test("ConfluxBuilder: the signal gives it up", async () => {
  const { clock, asked, build } = setUp();
  const abort = new AbortController();
  const building = build(3, abort.signal);
  const end = await asked[0].succeed();
  const reason = new Error("the client is stopping");
  abort.abort(reason);
  await assert.rejects(building, reason);
  assert.deepEqual([end.attached, asked.length, clock.pendingTimers], [false, 2, 0]);
});

Deno.test("ConfluxBuilder: without a second guard nothing is begun", async () => {
  const { asked, build, guards } = setUp();
  Object.assign(guards, { primary: [2] });
  await assert.rejects(build(), { code: "no-guard" });
  assert.equal(asked.length, 0);
});
