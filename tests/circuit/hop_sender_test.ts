import assert from "node:assert/strict";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import { Circuit } from "../../src/circuit/circuit.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { HopSender, type OnViolation, UNKNOWN_HOP } from "../../src/circuit/hop_sender.ts";
import { type RsaIdentity, rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import { NEVER, RelayEnd, testHop, testParts, withLength } from "./relay_end.ts";

const VIOLATION = new CircuitError("circuit-protocol-violation", "a test's violation");
const BAD_HANDSHAKE = new CircuitError("circuit-handshake-failed", "a test's failure");

const RELAYS = [1, 2, 3].map((value) => rsaIdentityFromBytes(new Uint8Array(20).fill(value)));

function hopSender(hop: number | undefined): HopSender {
  const sender = new HopSender();
  for (const relay of RELAYS) sender.add(relay);
  sender.hop = hop;
  return sender;
}

Deno.test("HopSender: a violation is the sender's, or anybody's", () => {
  const suspects = (hop: number | undefined, hops: number) =>
    hopSender(hop).suspects(VIOLATION, hops);
  assert.deepEqual([0, 1, 2].map((hop) => suspects(hop, 3)), RELAYS.map((relay) => [relay]));
  assert.deepEqual(suspects(UNKNOWN_HOP, 3), RELAYS);
  assert.deepEqual(suspects(UNKNOWN_HOP, 2), RELAYS.slice(0, 2));
  assert.deepEqual(suspects(UNKNOWN_HOP, 0), RELAYS.slice(0, 1));
  assert.deepEqual(suspects(undefined, 3), []);
});

Deno.test("HopSender: a bad handshake is that of the relay that was to be the next hop", () => {
  for (const hops of [0, 1, 2]) {
    assert.deepEqual(hopSender(hops).suspects(BAD_HANDSHAKE, hops), [RELAYS[hops]]);
    // What fails before the relay's answer is there fails on this side.
    assert.deepEqual(hopSender(hops - 1).suspects(BAD_HANDSHAKE, hops), []);
  }
});

Deno.test("HopSender: whatever else ends a circuit accuses nobody", () => {
  const others = ["circuit-closed", "circuit-destroyed", "circuit-truncated"] as const;
  for (const code of others) {
    assert.deepEqual(hopSender(1).suspects(new CircuitError(code, "a test"), 1), []);
  }
});

/** A circuit of so many hops, and who is accused of what on it. */
async function watched(hops: number) {
  const end = new RelayEnd();
  const accused: [relay: RsaIdentity, code: string][] = [];
  const onViolation: OnViolation = (relay, code) => accused.push([relay, code]);
  const creating = Circuit.create(end, testHop(0), testParts({ onViolation }), NEVER);
  if (hops === 0) return { end, creating, accused };
  end.answerCreate();
  const circuit = await creating;
  for (let hop = 1; hop < hops; hop++) {
    const extending = circuit.extend(testHop(hop), NEVER);
    end.answerExtend();
    await extending;
  }
  return { end, creating, accused };
}

const relay = (index: number) => testHop(index).rsaIdentity;

Deno.test("Circuit: the first relay is accused for what comes in its own cells", async () => {
  const { end, creating, accused } = await watched(0);
  end.deliverCell(CellCommand.CREATED_FAST, new Uint8Array(80));
  await assert.rejects(creating, CircuitError);
  assert.deepEqual(accused, [[relay(0), VIOLATION.code]]);

  const built = await watched(3);
  built.end.deliver(2, RelayCommand.DROP, 0, undefined, { cell: CellCommand.RELAY_EARLY });
  assert.deepEqual(built.accused, [[relay(0), VIOLATION.code]]);
});

Deno.test("Circuit: a relay is accused of its half of the handshake", async () => {
  const { end, creating, accused } = await watched(0);
  end.takeCells();
  end.deliverCell(CellCommand.CREATED2, withLength(new Uint8Array(64)));
  await assert.rejects(creating, CircuitError);
  assert.deepEqual(accused, [[relay(0), BAD_HANDSHAKE.code]]);

  const built = await watched(2);
  const extending = (await built.creating).extend(testHop(2), NEVER);
  built.end.deliver(1, RelayCommand.EXTENDED2, 0, withLength(new Uint8Array(64)));
  await assert.rejects(extending, CircuitError);
  assert.deepEqual(built.accused, [[relay(2), BAD_HANDSHAKE.code]]);
});

Deno.test("Circuit: a hop is accused of its messages, all of a cell that nobody sent", async () => {
  for (const hop of [0, 1, 2]) {
    const { end, accused } = await watched(3);
    end.deliver(hop, RelayCommand.BEGIN, 0);
    assert.deepEqual(accused, [[relay(hop), VIOLATION.code]]);
  }
  const { end, accused } = await watched(3);
  end.deliverCell(CellCommand.RELAY, new Uint8Array(509).fill(3));
  assert.deepEqual(accused, [0, 1, 2].map((hop) => [relay(hop), VIOLATION.code]));
});

Deno.test("Circuit: nobody is accused when it is destroyed, truncated or given up", async () => {
  for (const hop of [0, 1]) {
    const { end, creating, accused } = await watched(2);
    const circuit = await creating;
    if (hop === 0) end.deliverCell(CellCommand.DESTROY, Uint8Array.of(1));
    else end.deliver(hop, RelayCommand.TRUNCATED, 0, Uint8Array.of(1));
    assert.notEqual(circuit.closedBy, undefined);
    assert.deepEqual(accused, []);
  }
  const abort = new AbortController();
  const { creating, accused } = await watched(1);
  const circuit = await creating;
  const extending = circuit.extend(testHop(1), abort.signal);
  abort.abort(new RangeError("enough"));
  await assert.rejects(extending, /enough/);
  const other = await watched(1);
  const unnamed = { ...testHop(1), hostname: "2001:db8::1" };
  await assert.rejects((await other.creating).extend(unnamed, NEVER), CircuitError);
  assert.deepEqual([accused, other.accused], [[], []]);
});
