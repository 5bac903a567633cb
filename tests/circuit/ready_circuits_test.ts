import assert from "node:assert/strict";
import fc from "fast-check";
import { RelayCommand } from "../../src/cell/command.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { type ReadyCircuit, ReadyCircuits } from "../../src/circuit/ready_circuits.ts";
import { relayKernel } from "../../src/crypto/relay_kernel.ts";
import { exitAllows, type ExitTarget } from "../../src/path/exit_target.ts";
import { TorStream } from "../../src/stream/tor_stream.ts";
import { identityOf } from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { type Path, settled, testCircuit } from "./test_circuits.ts";
import { AHEAD, MAX_DIRTINESS, NET_DIR, requestOf, SSH, WEB, type Wish } from "./test_manager.ts";

const UNUSED = 5 * MAX_DIRTINESS;

function setUp() {
  const clock = new FakeClock();
  const gone: ReadyCircuit[] = [];
  let unused = UNUSED;
  const ready = new ReadyCircuits({
    clock,
    maxDirtiness: MAX_DIRTINESS,
    longLivedPorts: new Set([22]),
    mayServe: exitAllows,
    unusedTimeout: () => unused++,
    onGone: (circuit) => gone.push(circuit),
  });
  const add = async (path: Path = [1, 2, 3], target: ExitTarget = AHEAD) => {
    const { built } = await testCircuit(NET_DIR, path, 1);
    ready.add(built, target);
    return built.circuit;
  };
  const addSet = async (...paths: readonly Path[]) => {
    const legs = await Promise.all(
      paths.map(async (path) => (await testCircuit(NET_DIR, path, 1)).built),
    );
    // What it does is not asked for here: its first leg stands for it.
    ready.add({ ...legs[0], legs }, AHEAD);
    return legs[0].circuit;
  };
  const claim = (key: string, wish: Wish = {}) => ready.claim(requestOf(key, wish))?.circuit;
  return { clock, gone, ready, add, addSet, claim };
}

Deno.test("ReadyCircuits: a request's own circuit comes before a clean one, others' never", async () => {
  const { ready, add, claim } = setUp();
  const [one, two] = [await add(), await add()];
  assert.equal(ready.size, 2);
  assert.equal(claim("a"), one);
  assert.equal(claim("b"), two);
  assert.equal(claim("b"), two);
  const three = await add();
  assert.equal(claim("b"), two);
  assert.equal(claim("a"), one);
  assert.equal(claim("c"), three);
  assert.equal(claim("d"), undefined);
});

Deno.test("ReadyCircuits: circuits through relays to be avoided come last, even one's own", async () => {
  const paths: Path[] = [[6, 2, 3], [1, 6, 3], [1, 2, 4]];
  for (const [index, avoided] of [6, 6, 4].entries()) {
    const { add, claim } = setUp();
    const own = await add(paths[index]);
    assert.equal(claim("a"), own);
    // It may be used where there is no other one...
    assert.equal(claim("a", { avoided: [avoided] }), own);
    // ...but not before a clean one.
    const clean = await add([1, 2, 3]);
    assert.equal(claim("a", { avoided: [avoided] }), clean);
    assert.equal(claim("a"), own);
  }
  const { add, claim } = setUp();
  const avoided = await add([6, 2, 3]);
  const clean = await add();
  assert.equal(claim("a", { avoided: [6] }), clean);
  assert.equal(claim("b", { avoided: [6] }), avoided);
});

Deno.test("ReadyCircuits: Conflux sets come first, even before one's own circuit", async () => {
  const { ready, add, addSet, claim } = setUp();
  const own = await add();
  assert.equal(claim("a"), own);
  const set = await addSet([1, 2, 3], [4, 5, 3]);
  assert.deepEqual([...ready].map(({ isSet }) => isSet), [false, true]);
  assert.equal(claim("a"), set);
  assert.equal(claim("a"), set);
  assert.equal(claim("b"), undefined);
  // It is for the isolation that has it, and of Stable relays whatever it was built for.
  const second = await addSet([1, 2, 5], [6, 3, 5]);
  assert.equal(claim("b", { target: SSH }), second);
});

Deno.test("ReadyCircuits: a set with a relay to be avoided on any leg comes after all circuits", async () => {
  for (const avoided of [1, 2, 4, 5]) {
    const { ready, add, addSet, claim } = setUp();
    const set = await addSet([1, 2, 3], [4, 5, 3]);
    assert.equal(claim("a", { avoided: [avoided] }), set);
    const [{ legs, suspects }] = ready;
    assert.equal(legs.length, 2);
    assert.deepEqual(suspects, [2, 5, 3].map(identityOf));
    const circuit = await add([6, 2, 3]);
    assert.equal(claim("a", { avoided: [avoided, 6] }), circuit);
  }
});

Deno.test("ReadyCircuits: a silent guard of a set is suspected alone", async () => {
  const { ready, addSet } = setUp();
  await addSet([1, 2, 3], [4, 5, 3]);
  const [set] = ready;
  set.silentGuards.add(identityOf(4));
  assert.deepEqual(set.suspects, [identityOf(4)]);
});

Deno.test("ReadyCircuits: the exit must allow the target and not have refused it", async () => {
  const { add, claim } = setUp();
  await add([1, 2, 3]);
  assert.equal(claim("a", { excluded: [3] }), undefined);
  assert.equal(claim("a", { target: { kind: "name", port: 25 } }), undefined);
  assert.equal(claim("a", { target: { kind: "address", family: 6, port: 443 } }), undefined);
  const other = await add([1, 2, 4]);
  assert.equal(claim("a", { excluded: [3] }), other);
  assert.ok(claim("a", { target: { kind: "resolve" } }) !== undefined);
});

Deno.test("ReadyCircuits: long-lived ports get circuits that were wanted of Stable relays", async () => {
  const { add, claim } = setUp();
  const short = await add([1, 2, 5], { kind: "resolve" });
  assert.equal(claim("a", { target: SSH }), undefined);
  const long = await add([1, 2, 5], { kind: "any-port", ports: [80, 22] });
  assert.equal(claim("a", { target: SSH }), long);
  // Which serve everything else as well.
  assert.equal(claim("b", { target: { kind: "resolve" } }), short);
  assert.equal(claim("a", { target: { kind: "resolve" } }), long);
});

Deno.test("ReadyCircuits: new streams for MaxCircuitDirtiness after the first, then none", async () => {
  const { clock, ready, add, claim } = setUp();
  const circuit = await add();
  clock.advance(2 * MAX_DIRTINESS);
  assert.equal(claim("a"), circuit);
  clock.advance(MAX_DIRTINESS - 1);
  assert.equal(claim("a"), circuit);
  ready.sweep();
  assert.equal(circuit.closedBy?.code, undefined);
  clock.advance(1);
  assert.equal(claim("a"), undefined);
  ready.sweep();
  assert.equal(circuit.closedBy?.code, "circuit-closed");
});

Deno.test("ReadyCircuits: a stream with keepAlive makes its circuit young, when it comes and when it ends", async () => {
  const { clock, ready, add, claim } = setUp();
  const circuit = await add();
  assert.equal(claim("a", { keepAlive: true }), circuit);
  const stream = TorStream.begin(circuit, RelayCommand.BEGIN_DIR);
  clock.advance(MAX_DIRTINESS - 1);
  assert.equal(claim("a", { keepAlive: true }), circuit);
  clock.advance(MAX_DIRTINESS - 1);
  assert.equal(claim("a"), circuit);
  stream.close();
  clock.advance(MAX_DIRTINESS - 1);
  assert.equal(claim("a"), circuit);
  clock.advance(1);
  ready.sweep();
  assert.equal(circuit.closedBy?.code, "circuit-closed");
});

Deno.test("ReadyCircuits: without keepAlive neither a stream nor its end makes a circuit young", async () => {
  const { clock, add, claim } = setUp();
  const circuit = await add();
  claim("a");
  const stream = TorStream.begin(circuit, RelayCommand.BEGIN_DIR);
  clock.advance(MAX_DIRTINESS - 1);
  assert.equal(claim("a"), circuit);
  stream.close();
  clock.advance(1);
  assert.equal(claim("a"), undefined);
});

Deno.test("ReadyCircuits: one that is never used is closed at its time, each at its own", async () => {
  const { clock, ready, add, claim } = setUp();
  const [one, two, used] = [await add(), await add(), await add()];
  clock.advance(UNUSED - 1);
  ready.sweep();
  // Being claimed late counts as use.
  assert.equal(claim("a"), one);
  clock.advance(2);
  ready.sweep();
  assert.deepEqual([one, two, used].map(({ closedBy }) => closedBy?.code), [
    undefined,
    "circuit-closed",
    undefined,
  ]);
  clock.advance(1);
  ready.sweep();
  assert.equal(used.closedBy?.code, "circuit-closed");
});

Deno.test("ReadyCircuits: an old circuit with streams ends with the last of them", async () => {
  const { clock, gone, ready, add, claim } = setUp();
  const circuit = await add();
  claim("a");
  const streams = [1, 2].map(() => TorStream.begin(circuit, RelayCommand.BEGIN_DIR));
  clock.advance(MAX_DIRTINESS);
  ready.sweep();
  streams[0].close();
  assert.equal(circuit.closedBy?.code, undefined);
  assert.deepEqual([...ready].map(({ isUsable, isClean }) => [isUsable, isClean]), [[
    false,
    false,
  ]]);
  streams[1].close();
  assert.equal(circuit.closedBy?.code, "circuit-closed");
  await settled();
  assert.deepEqual(gone.map((each) => each.circuit), [circuit]);
  assert.equal(ready.size, 0);
});

Deno.test("ReadyCircuits: a retired circuit is not claimed, not even by its own isolation", async () => {
  const { ready, add, claim } = setUp();
  const circuit = await add();
  claim("a");
  const stream = TorStream.begin(circuit, RelayCommand.BEGIN_DIR);
  for (const each of ready) each.retire();
  assert.equal(claim("a"), undefined);
  stream.close();
  assert.equal(circuit.closedBy?.code, "circuit-closed");
});

Deno.test("ReadyCircuits: a circuit closed by a relay is not claimed and is told of once", async () => {
  const { gone, ready, add, claim } = setUp();
  const circuit = await add();
  assert.deepEqual([...ready].map(({ isClean }) => isClean), [true]);
  circuit.close(new CircuitError("circuit-destroyed", "a relay destroyed it"));
  assert.equal(claim("a"), undefined);
  await settled();
  assert.deepEqual([gone.length, ready.size], [1, 0]);
});

Deno.test("ReadyCircuits: close closes all, for the reason given", async () => {
  const { ready, add } = setUp();
  const circuits = [await add(), await add()];
  const reason = new CircuitError("circuit-closed", "the client is stopping");
  ready.close(reason);
  assert.deepEqual(circuits.map(({ closedBy }) => closedBy), [reason, reason]);
  await settled();
  assert.equal(ready.size, 0);
});

const TARGETS: readonly ExitTarget[] = [
  WEB,
  SSH,
  { kind: "address", family: 4, port: 80 },
  { kind: "resolve" },
];

/** What may happen to the circuits. */
const STEP = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      exit: fc.integer({ min: 3, max: 5 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("claim" as const),
      key: fc.integer({ min: 0, max: 3 }).map((number) => `key ${number}`),
      wish: fc.record({
        target: fc.constantFrom(...TARGETS),
        keepAlive: fc.boolean(),
        excluded: fc.subarray([3, 4, 5], { maxLength: 1 }),
        avoided: fc.subarray([1, 2, 3, 4, 5], { maxLength: 2 }),
      }),
      streams: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      ms: fc.integer({ min: 0, max: MAX_DIRTINESS }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("sweep" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const) }) },
);

Deno.test("ReadyCircuits: whatever is claimed, two isolations never get one circuit", async () => {
  let claims = 0;
  const property = fc.asyncProperty(
    fc.array(STEP, { minLength: 20, maxLength: 60 }),
    async (steps) => {
      const { clock, ready, add } = setUp();
      const owners = new Map<unknown, string>();
      const firstUse = new Map<unknown, number>();
      const streams: TorStream[] = [];
      for (const step of steps) {
        switch (step.kind) {
          case "add":
            await add([1, 2, step.exit], step.exit === 5 ? SSH : AHEAD);
            break;
          case "claim": {
            const { key, wish } = step;
            const claimed = ready.claim(requestOf(key, wish));
            if (claimed === undefined) break;
            claims++;
            const { circuit, built: { exit } } = claimed;
            assert.equal(owners.get(circuit) ?? key, key);
            owners.set(circuit, key);
            assert.equal(circuit.closedBy?.code, undefined);
            assert.ok(exitAllows(exit, wish.target));
            assert.ok(!requestOf(key, wish).excludedExits.has(exit.rsaIdentity));
            const now = clock.monotonic();
            const first = firstUse.get(circuit) ?? now;
            firstUse.set(circuit, first);
            // Streams may keep it young; without them it is too old after its time.
            assert.ok(claimed.staysYoung || now - first < MAX_DIRTINESS);
            if (step.streams) streams.push(TorStream.begin(circuit, RelayCommand.BEGIN_DIR));
            break;
          }
          case "advance":
            clock.advance(step.ms);
            break;
          case "sweep":
            ready.sweep();
            break;
          case "end":
            streams.shift()?.close();
            break;
          default:
            step satisfies never;
        }
      }
      ready.close(new CircuitError("circuit-closed", "the test is over"));
    },
  );
  await fc.assert(property, { seed: 1, numRuns: 100 });
  assert.ok(claims > 500, `only ${claims} claims`);
});

Deno.test("ReadyCircuits: what was made ahead for streams is given up with the last of them", async () => {
  const { add } = setUp();
  const used = () => relayKernel()?.memory.used ?? 0;
  const circuit = await add();
  circuit.trim();
  const atRest = used();
  const streams = [1, 2].map(() => TorStream.begin(circuit, RelayCommand.BEGIN_DIR));
  const busy = used();
  streams[0].close();
  assert.ok(used() >= busy);
  streams[1].close();
  assert.equal(used(), atRest);
  assert.ok(relayKernel() === undefined || busy > atRest);
});
