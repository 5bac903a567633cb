import assert from "node:assert/strict";
import type { BuiltCircuit } from "../../src/circuit/circuit_builder.ts";
import type { ConfluxRequest } from "../../src/circuit/conflux_builder.ts";
import { ConfluxSets } from "../../src/circuit/conflux_sets.ts";
import { CircuitError } from "../../src/circuit/errors.ts";
import { QueueMemory } from "../../src/circuit/message_queue.ts";
import { ReadyCircuit } from "../../src/circuit/ready_circuits.ts";
import type { ExitTarget } from "../../src/path/exit_target.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { settled, testCircuit } from "./test_circuits.ts";
import { NET_DIR } from "./test_manager.ts";

const WEB: ExitTarget = { kind: "any-port", ports: [443] };

interface Build {
  readonly request: ConfluxRequest;
  readonly signal: AbortSignal;
  succeed(): Promise<ReadyCircuit>;
  fail(): Promise<void>;
}

/** A client with one ordinary circuit, whose builder does what the test says. */
async function setUp() {
  const clock = new FakeClock();
  const { built } = await testCircuit(NET_DIR, [1, 2, 3], 1);
  const ready = [new ReadyCircuit(built, Infinity, false)];
  const builds: Build[] = [];
  const given = { target: WEB as ExitTarget | undefined, isEnabled: true };
  const sets = new ConfluxSets({
    builder: {
      memory: new QueueMemory(0),
      build: (_netDir, request, signal) => {
        const { promise, resolve, reject } = Promise.withResolvers<BuiltCircuit>();
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        builds.push({
          request,
          signal,
          succeed: async () => {
            const { built: leg } = await testCircuit(NET_DIR, [1, 2, 3], 1);
            resolve({ ...leg, legs: [] });
            await settled();
            return ready[ready.length - 1];
          },
          fail: () => {
            reject(new CircuitError("no-guard", "the test has none"));
            return settled();
          },
        });
        return promise;
      },
    },
    parameters: () =>
      given.isEnabled ? { maxLinked: 4, maxPrebuilt: 2, maxLegRetries: 3 } : undefined,
    runtime: { clock, random: new SeededRandom(1), network: new SystemNetwork() },
    backoff: { initial: 1000, multiplier: 2, longest: 30_000, jitter: 0 },
    ready,
    target: () => given.target,
    avoided: () => new Set(),
    onBuilt: (set) => {
      ready.push(new ReadyCircuit(set, Infinity, true));
      sets.balance(NET_DIR);
    },
    onRetry: () => sets.balance(NET_DIR),
  });
  return { clock, ready, builds, given, sets };
}

Deno.test("ConfluxSets: as many unused ones as wanted, those under construction included", async () => {
  const { ready, builds, sets } = await setUp();
  sets.balance(NET_DIR);
  sets.balance(NET_DIR);
  assert.equal(builds.length, 2);
  assert.deepEqual([builds[0].request.target, builds[0].request.maxLegRetries], [WEB, 3]);
  assert.equal(builds[0].request.anyCircuitOpen(), true);
  const first = await builds[0].succeed();
  await builds[1].succeed();
  assert.equal(builds.length, 2);
  // One that is in use is replaced, but there are never more than four.
  first.isolationKey = "alice";
  sets.balance(NET_DIR);
  assert.equal(builds.length, 3);
  await builds[2].succeed();
  for (const each of ready) each.isolationKey = "alice";
  sets.balance(NET_DIR);
  assert.equal(builds.length, 4);
  await builds[3].succeed();
  for (const each of ready) each.isolationKey = "alice";
  sets.balance(NET_DIR);
  assert.equal(builds.length, 4);
  await sets.close(new Error("done"));
});

Deno.test("ConfluxSets: none before there is a circuit, or when nothing is expected or they are off", async () => {
  const { ready, builds, given, sets } = await setUp();
  const [circuit] = ready.splice(0);
  sets.balance(NET_DIR);
  ready.push(circuit);
  given.target = undefined;
  sets.balance(NET_DIR);
  given.target = WEB;
  given.isEnabled = false;
  sets.balance(NET_DIR);
  assert.equal(builds.length, 0);
  given.isEnabled = true;
  sets.balance(NET_DIR);
  assert.equal(builds.length, 2);
  await sets.close(new Error("done"));
});

Deno.test("ConfluxSets: after failures there are pauses, which grow until a set is built", async () => {
  const { clock, builds, sets } = await setUp();
  sets.balance(NET_DIR);
  for (const build of builds.splice(0)) await build.fail();
  sets.balance(NET_DIR);
  assert.equal(builds.length, 0);
  clock.advance(999);
  assert.equal(builds.length, 0);
  clock.advance(1);
  assert.equal(builds.length, 2);
  const [one, other] = builds.splice(0);
  await one.fail();
  clock.advance(1999);
  assert.equal(builds.length, 0);
  clock.advance(1);
  assert.equal(builds.length, 1);
  await other.succeed();
  await builds.splice(0)[0].fail();
  clock.advance(1000);
  assert.equal(builds.length, 1);
  await sets.close(new Error("done"));
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("ConfluxSets: closing gives up what is being built", async () => {
  const { clock, ready, builds, sets } = await setUp();
  sets.balance(NET_DIR);
  const reason = new Error("the client is stopping");
  await sets.close(reason);
  assert.ok(builds.every(({ signal }) => signal.reason === reason));
  sets.balance(NET_DIR);
  assert.deepEqual([builds.length, ready.length, clock.pendingTimers], [2, 1, 0]);
});
