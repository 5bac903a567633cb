import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import type { BuiltCircuit } from "../../src/circuit/circuit_builder.ts";
import { CircuitCheck } from "../../src/circuit/circuit_check.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { ReadyCircuit } from "../../src/circuit/ready_circuits.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { TorStream } from "../../src/stream/tor_stream.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { settled, testCircuit } from "./test_circuits.ts";
import { NET_DIR } from "./test_manager.ts";

const { BEGIN, CONNECTED, END } = RelayCommand;
const EXIT = 2;
const TIMEOUT = 3000;
const LAST_CHANCE = 90_000;

async function setUp() {
  const clock = new FakeClock();
  const silent: ReadyCircuit[] = [];
  const silentLegs: BuiltCircuit[] = [];
  const told: ReadyCircuit[] = [];
  const asked: { circuit: BuiltCircuit; resolve(): void }[] = [];
  const check = new CircuitCheck({
    runtime: { clock, random: new SeededRandom(1), network: new SystemNetwork() },
    timeout: () => TIMEOUT,
    askGuard: (circuit, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      asked.push({ circuit, resolve });
      return promise;
    },
    onSilentGuard: (circuit, leg) => {
      silent.push(circuit);
      silentLegs.push(leg);
    },
    onSilent: (circuit) => told.push(circuit),
  });
  const add = async () => {
    const { built, end, pathBias } = await testCircuit(NET_DIR, [1, 2, 3]);
    return { ready: new ReadyCircuit(built, Infinity, false), end, pathBias };
  };
  return { clock, silent, silentLegs, told, asked, check, add, ...await add() };
}

Deno.test("CircuitCheck: a refusal shows that the circuit lives", async () => {
  const { clock, silent, check, ready, end, pathBias } = await setUp();
  const checking = check.check(ready);
  const { command, streamId } = end.takeMessage();
  assert.equal(command, BEGIN);
  clock.advance(TIMEOUT - 1);
  assert.deepEqual(pathBias.calls, []);
  end.deliver(EXIT, END, streamId, Uint8Array.of(4));
  await checking;
  assert.deepEqual(pathBias.calls, ["UseSuccess"]);
  assert.deepEqual([ready.isUsable, silent, clock.pendingTimers], [true, [], 0]);
});

Deno.test("CircuitCheck: so does CONNECTED", async () => {
  const { clock, check, ready, end, pathBias } = await setUp();
  const checking = check.check(ready);
  end.deliver(EXIT, CONNECTED, end.takeMessage().streamId);
  await checking;
  assert.deepEqual([pathBias.calls, ready.isUsable], [["UseSuccess"], true]);
  assert.equal(end.takeMessage().command, END);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("CircuitCheck: silence retires the circuit, and tells of the guard if nothing came at all", async () => {
  const { clock, silent, told, check, ready, end, pathBias } = await setUp();
  const checking = assert.rejects(check.check(ready), { code: "circuit-silent" });
  clock.advance(TIMEOUT - 1);
  assert.equal(ready.isUsable, true);
  clock.advance(1);
  await checking;
  assert.deepEqual([ready.isUsable, silent, pathBias.calls], [false, [ready], []]);
  assert.deepEqual(told, [ready]);
  assert.deepEqual(ready.circuit.closedBy?.code, "circuit-closed");
  assert.equal(clock.pendingTimers, 0);
  assert.equal(end.attached, false);
});

Deno.test("CircuitCheck: cells for other circuits clear the guard", async () => {
  const { clock, silent, told, check, ready, end } = await setUp();
  const checking = assert.rejects(check.check(ready), { code: "circuit-silent" });
  clock.advance(TIMEOUT - 1);
  end.receiveOther();
  clock.advance(1);
  await checking;
  assert.deepEqual([ready.isUsable, silent, told], [false, [], [ready]]);
});

Deno.test("CircuitCheck: what came before the check does not", async () => {
  const { clock, silent, check, ready, end } = await setUp();
  end.receiveOther();
  const checking = assert.rejects(check.check(ready), { code: "circuit-silent" });
  clock.advance(TIMEOUT);
  await checking;
  assert.deepEqual(silent, [ready]);
});

Deno.test("CircuitCheck: streams of a silent circuit may go on when it comes back to life", async () => {
  const { clock, check, ready, end } = await setUp();
  const stream = TorStream.begin(ready.circuit, RelayCommand.BEGIN_DIR);
  const { streamId } = end.takeMessage();
  const checking = assert.rejects(check.check(ready), { code: "circuit-silent" });
  clock.advance(TIMEOUT);
  await checking;
  assert.deepEqual([ready.isUsable, ready.circuit.closedBy], [false, undefined]);
  const [probe, ended] = end.takeMessages();
  assert.deepEqual([probe.command, ended.command], [BEGIN, END]);
  // Both come late: the answer to the probe, and the stream's.
  end.deliver(EXIT, END, probe.streamId, Uint8Array.of(4));
  end.deliver(EXIT, CONNECTED, streamId);
  await stream.connected;
  clock.advance(LAST_CHANCE);
  assert.equal(clock.pendingTimers, 0);
  assert.equal(ready.circuit.closedBy?.code, undefined);
});

Deno.test("CircuitCheck: a circuit that stays silent is closed if its guard lives", async () => {
  for (const guardLives of [true, false]) {
    const { clock, check, ready, end } = await setUp();
    const stream = TorStream.begin(ready.circuit, RelayCommand.BEGIN_DIR);
    const checking = assert.rejects(check.check(ready), { code: "circuit-silent" });
    clock.advance(TIMEOUT);
    await checking;
    clock.advance(LAST_CHANCE - 1);
    if (guardLives) end.receiveOther();
    await settled();
    const code = () => ready.circuit.closedBy?.code;
    assert.equal(code(), undefined);
    clock.advance(1);
    await settled();
    const expected = guardLives ? "circuit-silent" : undefined;
    assert.equal(code(), expected);
    assert.equal(clock.pendingTimers, 0);
    if (guardLives) await assert.rejects(stream.connected, { code: "stream-circuit-closed" });
  }
});

Deno.test("CircuitCheck: a silent circuit has one last chance at a time", async () => {
  const { clock, check, ready } = await setUp();
  TorStream.begin(ready.circuit, RelayCommand.BEGIN_DIR);
  for (let round = 0; round < 2; round++) {
    const checking = assert.rejects(check.check(ready), { code: "circuit-silent" });
    clock.advance(TIMEOUT);
    await checking;
  }
  assert.equal(clock.pendingTimers, 1);
  ready.circuit.close();
  await settled();
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("CircuitCheck: many streams share one probe; after it, there is another", async () => {
  const { clock, silent, check, ready, end, pathBias } = await setUp();
  const first = check.check(ready);
  clock.advance(2000);
  const others = [1, 2, 3].map(() => check.check(ready));
  const { streamId } = end.takeMessage();
  end.deliver(EXIT, END, streamId, Uint8Array.of(4));
  await Promise.all([first, ...others]);
  assert.deepEqual(pathBias.calls, ["UseSuccess"]);

  const again = [check.check(ready), check.check(ready)];
  assert.notEqual(end.takeMessage().streamId, streamId);
  const refused = again.map((each) => assert.rejects(each, { code: "circuit-silent" }));
  clock.advance(TIMEOUT);
  await Promise.all(refused);
  assert.deepEqual(silent, [ready]);
});

Deno.test("CircuitCheck: each circuit has a probe of its own", async () => {
  const { clock, silent, check, ready, end, add } = await setUp();
  const other = await add();
  const answered = check.check(ready);
  const refused = assert.rejects(check.check(other.ready), { code: "circuit-silent" });
  end.deliver(EXIT, END, end.takeMessage().streamId, Uint8Array.of(4));
  await answered;
  clock.advance(TIMEOUT);
  await refused;
  assert.deepEqual([silent, ready.isUsable], [[other.ready], true]);
});

Deno.test("CircuitCheck: a circuit that is closed meanwhile says why, and no guard is silent", async () => {
  const { clock, silent, check, ready, pathBias } = await setUp();
  const reason = new CircuitError("circuit-destroyed", "the test destroyed it");
  const checking = check.check(ready);
  ready.circuit.close(reason);
  await assert.rejects(checking, reason);
  // Nor when it was closed before.
  await assert.rejects(check.check(ready), reason);
  assert.deepEqual([silent, pathBias.calls, clock.pendingTimers], [[], [], 0]);
});

Deno.test("CircuitCheck: of a silent set, the guards are told that have sent nothing", async () => {
  const { clock, silentLegs, told, asked, check } = await setUp();
  const legs = [await testCircuit(NET_DIR, [1, 2, 3]), await testCircuit(NET_DIR, [4, 5, 3])];
  const built = { ...legs[0].built, legs: legs.map((leg) => leg.built) };
  const set = new ReadyCircuit(built, Infinity, true);
  const silent = assert.rejects(check.check(set), { code: "circuit-silent" });
  assert.deepEqual(asked.map(({ circuit }) => circuit), built.legs);
  legs[0].end.receiveOther();
  clock.advance(TIMEOUT);
  await silent;
  assert.deepEqual([silentLegs, told, set.isUsable], [[built.legs[1]], [set], false]);
  await settled();
});

Deno.test("CircuitCheck: nobody has to wait for the outcome", async () => {
  const { clock, silent, check, ready } = await setUp();
  void check.check(ready);
  clock.advance(TIMEOUT);
  await settled();
  assert.deepEqual(silent, [ready]);
});

Deno.test("CircuitCheck: the guard is asked at the same time, once for all of its circuits", async () => {
  const { clock, asked, check, add, ready, end } = await setUp();
  const other = await add();
  const checks = [check.check(ready), check.check(other.ready)];
  assert.deepEqual(asked.map(({ circuit }) => circuit), [ready.built]);
  // When it has answered, the next check asks it anew.
  asked[0].resolve();
  for (const each of [end, other.end]) {
    each.deliver(EXIT, END, each.takeMessage().streamId, Uint8Array.of(4));
  }
  await Promise.all(checks);
  await settled();
  const again = assert.rejects(check.check(ready), { code: "circuit-silent" });
  assert.equal(asked.length, 2);
  // One that does not answer is not asked for ever.
  clock.advance(TIMEOUT);
  await again;
  await settled();
  const last = assert.rejects(check.check(other.ready), { code: "circuit-silent" });
  assert.equal(asked.length, 3);
  clock.advance(TIMEOUT);
  await last;
});
