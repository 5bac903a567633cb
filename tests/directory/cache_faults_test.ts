/** The files of the directory, cut off and with bits turned. */
import assert from "node:assert/strict";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import { portPolicyAllows } from "../../src/netdoc/exit_policy.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { type Fault, faultsOf } from "../state/faults.ts";
import { LogLines } from "./log_lines.ts";
import { ok, RunningDirectory, TestNetwork } from "./test_directory.ts";

const FAULTS = 200;
/** Every so many are followed until the cache is mended. */
const MENDED = 5;
const FILES = [
  "cached-microdesc-consensus",
  "cached-certs",
  "cached-microdescs",
  "cached-microdescs.new",
] as const;

const network = new TestNetwork();
const consensus = network.consensus();
const microdescriptors = [...network.microdescriptors.values()]
  .map((text) => `@last-listed 2024-05-17 17:00:00\n${text}`);
const intact: Record<string, string | Uint8Array> = {
  "cached-microdesc-consensus": consensus,
  "cached-certs": network.certificates(),
  "cached-microdescs": microdescriptors.slice(0, 6).join(""),
  "cached-microdescs.new": microdescriptors.slice(6).join(""),
};

const serve = ({ path }: { path: string }) =>
  ok(network.serve(path, consensus) ?? new Uint8Array());

/** Everything that a snapshot says, by relay, and of the consensus itself under "". */
function facts(netDir: NetDir): Map<string, string> {
  const { validAfter, freshUntil, validUntil, parameters, bandwidthWeights } = netDir.consensus;
  const said = [validAfter, freshUntil, validUntil, [...parameters], [...bandwidthWeights]];
  const all = new Map([["", JSON.stringify(said)]]);
  for (const relay of netDir.relays) {
    const { nickname, hostname, port, flags, bandwidth, ed25519Identity, onionKey } = relay;
    const { family, exitPolicy } = relay;
    const key = onionKey.toHex();
    const known = [nickname, hostname, port, flags, bandwidth, ed25519Identity, key, family];
    all.set(relay.rsaIdentity, JSON.stringify([known, portPolicyAllows(exitPolicy, 80)]));
  }
  return all;
}

async function reference(): Promise<Map<string, string>> {
  await using run = await RunningDirectory.start({ network, files: intact });
  await run.untilComplete();
  assert.equal(run.transport.requests.length, 0);
  assert.ok(run.directory.netDir);
  return facts(run.directory.netDir);
}

/** Starts with the fault, and holds what is believed against what is right. */
async function load(name: string, fault: Fault, expected: Map<string, string>): Promise<void> {
  await using run = await RunningDirectory.start({
    network,
    files: { ...intact, [name]: fault.bytes },
    handler: () => "hang",
  });
  const isComplete = () => run.directory.netDir?.missingMicrodescriptors().length === 0;
  await run.until(() => run.transport.requests.length > 0 || isComplete());
  if (run.directory.netDir === undefined) return;
  for (const [of, said] of facts(run.directory.netDir)) assert.equal(said, expected.get(of));
}

/** Starts with the fault and the network, and once more without: then nothing is lacking. */
async function mend(name: string, fault: Fault, expected: Map<string, string>): Promise<void> {
  await using run = await RunningDirectory.start({
    network,
    files: { ...intact, [name]: fault.bytes },
    handler: serve,
  });
  await run.untilComplete();
  assert.ok(run.directory.netDir);
  assert.deepEqual(facts(run.directory.netDir), expected);
  await run.directory.close();
  const files: Record<string, Uint8Array> = {};
  for (const file of FILES) files[file] = await run.file(file) ?? new Uint8Array();
  await using again = await RunningDirectory.start({ network, files, handler: () => "hang" });
  await again.untilComplete();
  assert.equal(again.transport.requests.length, 0, "the cache is mended");
}

for (const name of FILES) {
  Deno.test(`${name}: whatever the disk does to it, nothing wrong is believed`, async () => {
    await using _log = await LogLines.collect();
    const expected = await reference();
    const bytes = new TextEncoder().encode(
      typeof intact[name] === "string" ? intact[name] : new TextDecoder().decode(intact[name]),
    );
    let count = 0;
    for (const fault of faultsOf(bytes, FAULTS, new SeededRandom(name))) {
      try {
        await load(name, fault, expected);
        if (count++ % MENDED === 0) await mend(name, fault, expected);
      } catch (error) {
        throw new Error(`${name} ${fault.what}`, { cause: error });
      }
    }
  });
}
