/** Clients of relays that misbehave in the ntor-v3 handshake, or in what they agree to there. */
import assert from "node:assert/strict";
import { CC_REQUEST } from "../../src/cell/circuit_extensions.ts";
import { HandshakeType } from "../../src/cell/create.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import type { RelayEvent } from "../../testnet/events.ts";
import { WRONG_AUTH, wrongCreatedLength } from "../../testnet/misbehaviours/circuit.ts";
import * as bad from "../../testnet/misbehaviours/circuit_extensions.ts";
import { CGO_RELAY_PROTOCOLS, OLD_RELAY_PROTOCOLS } from "../../testnet/relay_protocols.ts";
import { httpUpload } from "../network/http_client.ts";
import { bodySha256 } from "../network/test_body.ts";
import { assertCircuitsFail, BAD_HANDSHAKE } from "./bad_circuits.ts";
import { Scenario, type ScenarioOptions } from "./scenario.ts";

/** Enough for many SENDMEs each way, in bytes. */
const LENGTH = 600_000;

type Created = Extract<RelayEvent, { readonly kind: "created" }>;

/** The circuits that were made at a relay with a known onion key. */
function createdAt({ network }: Scenario, relay: string): readonly Created[] {
  return network.events.since().flatMap((event) =>
    event.kind === "created" && event.relay === relay && event.handshakeType !== undefined
      ? [event]
      : []
  );
}

/** Bytes must go both ways through a network with one relay of each kind, and `check` must pass. */
async function exchange(
  options: ScenarioOptions,
  check: (scenario: Scenario) => void,
): Promise<void> {
  await using scenario = await Scenario.start({ guards: 1, middles: 1, exits: 1, ...options });
  await scenario.download(LENGTH);
  using connection = await scenario.connect();
  const uploaded = await httpUpload(connection, LENGTH, 1);
  assert.deepEqual(uploaded, { length: LENGTH, sha256: bodySha256(LENGTH, 1) });
  assert.deepEqual(scenario.client.violations.relays, []);
  check(scenario);
}

for (
  const misbehaviour of [
    WRONG_AUTH,
    wrongCreatedLength(63),
    wrongCreatedLength(64),
    bad.CHANGED_MESSAGE,
    bad.NO_EXTENSION_LIST,
    bad.CUT_OFF_EXTENSIONS,
    bad.EMPTY_CC_RESPONSE,
    bad.GARBAGE_EXTENSIONS,
    bad.sendmeIncrement(0),
    bad.sendmeIncrement(29),
    bad.sendmeIncrement(33),
    bad.sendmeIncrement(254),
    bad.twoCcResponses("second"),
  ]
) {
  Deno.test(`ntor-v3: the exit with ${misbehaviour.name}`, async () => {
    await assertCircuitsFail("exit", misbehaviour, BAD_HANDSHAKE);
  });
}

for (const position of ["guard", "middle"] as const) {
  Deno.test(`ntor-v3: the ${position} with ${bad.UNASKED_CC_RESPONSE.name}`, async () => {
    // A client has ntor-v3 with it, though it has nothing to ask, when it claims enough.
    const protocols = { [`${position}0`]: CGO_RELAY_PROTOCOLS };
    await assertCircuitsFail(position, bad.UNASKED_CC_RESPONSE, BAD_HANDSHAKE, { protocols });
  });
}

/** Odd answers that a client must bear, and whether there is congestion control then. */
const BEARABLE: readonly [Misbehaviour, boolean][] = [
  [bad.sendmeIncrement(30), true],
  [bad.sendmeIncrement(32), true],
  [bad.twoCcResponses("first"), true],
  [bad.UNKNOWN_EXTENSIONS, true],
  [bad.REFUSES_CONGESTION_CONTROL, false],
];

for (const [misbehaviour, congestionControl] of BEARABLE) {
  Deno.test(`ntor-v3: bytes go both ways through an exit with ${misbehaviour.name}`, async () => {
    await exchange({ misbehaviours: { exit0: misbehaviour } }, (scenario) => {
      const created = createdAt(scenario, "exit0");
      assert.ok(created.length > 0);
      for (const circuit of created) {
        assert.equal(circuit.handshakeType, HandshakeType.NTOR_V3);
        assert.deepEqual(circuit.asked, [CC_REQUEST]);
        assert.equal(circuit.congestionControl, congestionControl);
      }
    });
  });
}

Deno.test("ntor-v3: the exit alone is asked for congestion control", () =>
  exchange({}, (scenario) => {
    const middle = createdAt(scenario, "middle0");
    assert.ok(middle.length > 0);
    for (const { handshakeType } of middle) assert.equal(handshakeType, HandshakeType.NTOR);
    // A circuit for directory requests ends at the guard, and may be asked for it there.
    const passing = createdAt(scenario, "guard0").filter(({ asked }) => asked.length === 0);
    assert.ok(passing.length > 0);
    for (const { handshakeType } of passing) assert.equal(handshakeType, HandshakeType.NTOR);
    const created = createdAt(scenario, "exit0");
    assert.ok(created.length > 0);
    assert.ok(created.every(({ congestionControl }) => congestionControl));
  }));

Deno.test("ntor-v3: an exit from before it is asked with ntor, and has fixed windows", () =>
  exchange({ protocols: { exit0: OLD_RELAY_PROTOCOLS } }, (scenario) => {
    const created = createdAt(scenario, "exit0");
    assert.ok(created.length > 0);
    for (const { handshakeType, congestionControl } of created) {
      assert.equal(handshakeType, HandshakeType.NTOR);
      assert.equal(congestionControl, false);
    }
  }));

Deno.test("ntor-v3: nobody is asked for congestion control when the consensus has none", () =>
  exchange({ parameters: "cc_alg=0" }, (scenario) => {
    for (const relay of ["guard0", "middle0", "exit0"]) {
      const created = createdAt(scenario, relay);
      assert.ok(created.length > 0);
      for (const { handshakeType } of created) assert.equal(handshakeType, HandshakeType.NTOR);
    }
  }));

Deno.test("ntor-v3: relays that claim what the client lacks are asked for nothing of it", () => {
  const claims = CGO_RELAY_PROTOCOLS;
  return exchange({ protocols: { guard0: claims, middle0: claims, exit0: claims } }, (scenario) => {
    for (const relay of ["guard0", "middle0", "exit0"]) {
      const created = createdAt(scenario, relay);
      assert.ok(created.length > 0);
      for (const { handshakeType } of created) assert.equal(handshakeType, HandshakeType.NTOR_V3);
    }
    assert.ok(createdAt(scenario, "exit0").every(({ congestionControl }) => congestionControl));
  });
});

Deno.test("ntor-v3: the consensus's SENDME increment holds on both sides", () =>
  exchange({ parameters: "cc_sendme_inc=7" }, (scenario) => {
    const created = createdAt(scenario, "exit0");
    assert.ok(created.length > 0 && created.every(({ congestionControl }) => congestionControl));
  }));
