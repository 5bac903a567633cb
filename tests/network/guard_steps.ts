/**
 * End-to-end steps: the same guard after every restart, and the guards that C tor had.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "./child_process.ts";
import { ClientProcess } from "./client_process.ts";
import { httpGet } from "./http_client.ts";
import { InProcessClient } from "./in_process_client.ts";
import { tcpPeers } from "./process_counters.ts";
import { startFlags } from "./start_flags.ts";
import { bodySha256 } from "./test_body.ts";
import { download } from "./transfer_steps.ts";
import type { World } from "./world.ts";

/** How often the client is stopped in good order and started again. */
const RESTARTS = 45;

/** How often it is killed as a process and started again. */
const KILLS = 5;

/** A guard of a state file, C tor's or chive's. */
interface StoredGuard {
  readonly fingerprint: string;
  /** Its place among the confirmed guards; `undefined` when it was never used. */
  readonly confirmedIndex: number | undefined;
}

/** How many guards are primary (NumPrimaryGuards). */
const PRIMARY_GUARDS = 3;

/** Runs the steps, with clients of their own. */
export async function guardSteps(t: Deno.TestContext, world: World): Promise<void> {
  const { network, target } = world;

  await t.step(`the same guard after ${RESTARTS + KILLS} restarts`, async () => {
    const { dataDirectory, guard } = await clientWithLoneGuard(world);
    const sampled = [await sampledGuards(dataDirectory)];
    const used: string[] = [];
    for (let restart = 0; restart < RESTARTS; restart++) {
      used.push(await guardOfOneRequest(world, dataDirectory));
      sampled.push(await sampledGuards(dataDirectory));
    }
    for (let kill = 0; kill < KILLS; kill++) {
      await using client = await ClientProcess.start(network, { kind: "chive", dataDirectory });
      await client.bootstrapped();
      await download(client, target, 1000, kill);
      const peers = await tcpPeers(client.process.pid);
      assert.ok(peers.has(network.node(guard).address), `connected to ${[...peers].join()}`);
      client.process.signal("SIGKILL");
      await client.process.ended;
      sampled.push(await sampledGuards(dataDirectory));
    }
    used.push(await guardOfOneRequest(world, dataDirectory));
    assert.deepEqual(used.map((each) => network.node(each).nickname), [
      ...new Array<string>(RESTARTS + 1).fill(network.node(guard).nickname),
    ]);
    for (const sample of sampled) assert.deepEqual(sample, sampled[0]);
  });

  await t.step("the guards of C tor's state file are the guards of chive", async () => {
    const { path, guards } = await cTorState(world);
    const dataDirectory = await network.makeDirectory("imported");
    await importState(path, dataDirectory);
    const imported = await storedGuards(dataDirectory);
    assert.deepEqual(imported.map(({ fingerprint }) => fingerprint), guards.map(fingerprintOf));
    assert.deepEqual(confirmedOf(imported), confirmedOf(guards));
    const used = await guardOfOneRequest(world, dataDirectory);
    const primary = primaryOf(guards);
    assert.ok(
      primary.includes(used),
      `${network.node(used).nickname} was a primary guard of C tor`,
    );
    const kept = confirmedOf(await storedGuards(dataDirectory));
    assert.deepEqual(kept.slice(0, confirmedOf(guards).length), confirmedOf(guards));
  });
}

/** Runs `chive import-state`. */
async function importState(path: string, dataDirectory: string): Promise<void> {
  await run([
    ...[Deno.execPath(), "run"] as [string, ...string[]],
    ...startFlags({ dataDirectory, torrc: null, read: [path] }),
    fileURLToPath(new URL("../../main.ts", import.meta.url)),
    ...["import-state", path, "--data-dir", dataDirectory],
  ]);
}

/**
 * A data directory whose first guard is no exit: a circuit never begins and ends at one relay, so
 * that one which ends at its guard would begin at another.
 */
async function clientWithLoneGuard(
  world: World,
): Promise<{ dataDirectory: string; guard: string }> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const dataDirectory = await world.network.makeDirectory("restarted");
    const guard = await guardOfOneRequest(world, dataDirectory);
    const [first] = await sampledGuards(dataDirectory);
    if (guard === first && world.network.node(guard).role !== "exit") {
      return { dataDirectory, guard };
    }
  }
  throw new Error("twenty clients in a row have chosen an exit as their guard");
}

/** A real state file of C tor: the client runs, carries a download, and ends in good order. */
async function cTorState(
  world: World,
): Promise<{ readonly path: string; readonly guards: readonly StoredGuard[] }> {
  await using client = await ClientProcess.start(world.network, { kind: "tor" });
  await client.bootstrapped();
  await download(client, world.target, 1000, 0);
  await client.stop();
  const path = `${client.dataDirectory}/state`;
  const guards = (await Deno.readTextFile(path)).split("\n")
    .filter((line) => line.startsWith("Guard in=default "))
    .map(parseCTorGuard);
  return { path, guards };
}

/** The confirmed guards, in the order in which they were confirmed. */
function confirmedOf(guards: readonly StoredGuard[]): readonly string[] {
  return guards
    .filter(({ confirmedIndex }) => confirmedIndex !== undefined)
    .toSorted((a, b) => (a.confirmedIndex ?? 0) - (b.confirmedIndex ?? 0))
    .map(fingerprintOf);
}

/** The primary guards: the first confirmed ones of the sample, and then others in its order. */
function primaryOf(guards: readonly StoredGuard[]): readonly string[] {
  const isConfirmed = ({ confirmedIndex }: StoredGuard) => confirmedIndex !== undefined;
  return [...guards.filter(isConfirmed), ...guards.filter((guard) => !isConfirmed(guard))]
    .slice(0, PRIMARY_GUARDS)
    .map(fingerprintOf);
}

function fingerprintOf({ fingerprint }: StoredGuard): string {
  return fingerprint;
}

/** Starts a client, makes one request, and stops it; gives the guard of the circuit that served. */
async function guardOfOneRequest(world: World, dataDirectory: string): Promise<string> {
  await using client = await InProcessClient.start(world.network, { dataDirectory });
  const conn = await client.connect(world.target, "one");
  const carrier = client.tor.circuitStatus.find(({ streams }) => streams > 0);
  const { sha256 } = await httpGet(conn, "/bytes/1000");
  assert.equal(sha256, bodySha256(1000, 0));
  assert.ok(carrier, "a circuit carries the stream");
  return carrier.relays[0];
}

/** The guards that chive has stored, in the order in which they were sampled. */
async function storedGuards(dataDirectory: string): Promise<readonly StoredGuard[]> {
  const text = await Deno.readTextFile(`${dataDirectory}/guard_state.json`);
  const { guards }: {
    guards: readonly {
      selection?: string;
      fingerprint: string;
      confirmed_idx: number | null;
    }[];
  } = JSON.parse(text);
  return guards.filter(({ selection = "default" }) => selection === "default").map((
    { fingerprint, confirmed_idx },
  ) => ({
    fingerprint,
    confirmedIndex: confirmed_idx ?? undefined,
  }));
}

/** Their identities. */
async function sampledGuards(dataDirectory: string): Promise<readonly string[]> {
  return (await storedGuards(dataDirectory)).map(fingerprintOf);
}

function parseCTorGuard(line: string): StoredGuard {
  const fields = new Map(
    line.split(" ").slice(1).map((field) => {
      const at = field.indexOf("=");
      return [field.slice(0, at), field.slice(at + 1)] as const;
    }),
  );
  const index = fields.get("confirmed_idx");
  return {
    fingerprint: fields.get("rsa_id") ?? "",
    confirmedIndex: index === undefined ? undefined : Number(index),
  };
}
