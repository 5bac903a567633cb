/** No circuit for users before enough of the network is known: a hard gate. */
import assert from "node:assert/strict";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import {
  answer,
  HOUR,
  ok,
  RunningDirectory,
  type SeenRequest,
  testConfig,
  TestNetwork,
} from "./test_directory.ts";

/** Serves everything, but of the microdescriptors only those that `isServed` picks. */
function partial(
  network: TestNetwork,
  isServed: (digest: string) => boolean,
): (request: SeenRequest) => Uint8Array {
  const consensus = network.consensus();
  return ({ path }) => {
    const prefix = "/tor/micro/d/";
    if (!path.startsWith(prefix)) return ok(network.serve(path, consensus) ?? new Uint8Array(0));
    const digests = path.slice(prefix.length, -2).split("-").filter(isServed);
    const document = network.serve(`${prefix}${digests.join("-")}.z`, consensus);
    return document === undefined ? answer("404 Not found") : ok(document);
  };
}

/** The digests of the relays at these places of the consensus. */
function digestsAt(network: TestNetwork, from: number, to: number): Set<string> {
  return new Set([...network.microdescriptors.keys()].slice(from, to));
}

Deno.test("directories that show only some relays get no circuit, however long they try", async () => {
  const network = new TestNetwork(40);
  // 80 % of all relays, and so 51 % of all paths.
  const shown = digestsAt(network, 0, 32);
  await using run = await RunningDirectory.start({
    network,
    handler: partial(network, (digest) => shown.has(digest)),
  });
  let wasReady = false;
  run.directory.onChange(() => wasReady ||= run.directory.enoughForCircuits().ready);
  await run.until(() => run.directory.netDir?.relays.length === 32);
  await run.pass(HOUR, 10_000);
  const gate = run.directory.enoughForCircuits();
  assert.ok(!gate.ready && gate.reason === "too-few-microdescriptors");
  assert.equal(gate.why, "We know the microdescriptors for 51 % of likely paths, and need 60 %.");
  assert.equal(wasReady, false);
  run.bootstrap.noteConnection();
  assert.equal(run.bootstrap.status.tag, "loading_descriptors");
  assert.ok(run.bootstrap.status.percent < 75);
});

Deno.test("the fraction that is needed can be configured, and comes from the consensus", async () => {
  const network = new TestNetwork(40);
  const shown = digestsAt(network, 0, 32);
  const handler = partial(network, (digest) => shown.has(digest));
  const config = { ...testConfig(network), pathsNeededToBuildCircuits: 0.5 };
  await using run = await RunningDirectory.start({ network, handler, config });
  await run.until(() => run.directory.netDir?.relays.length === 32);
  const gate = run.directory.enoughForCircuits();
  // What is left in the way can only be a primary guard.
  assert.ok(gate.ready || gate.reason === "primary-guards-unknown");
});

Deno.test("the primary guards must be known, however much else is", async () => {
  const network = new TestNetwork(40);
  let withheld = new Set<string>();
  await using run = await RunningDirectory.start({
    network,
    handler: partial(network, (digest) => !withheld.has(digest)),
  });
  // The guards are sampled as soon as there is a consensus, before any microdescriptor.
  run.directory.onChange((netDir) => {
    if (withheld.size > 0) return;
    const guards = run.guards.primaryGuards().map(({ rsaIdentity }) => rsaIdentity);
    withheld = digestsOf(netDir, guards);
    assert.equal(withheld.size, 3);
  });
  await run.until(() => run.directory.netDir?.relays.length === 37);
  const gate = run.directory.enoughForCircuits();
  assert.ok(!gate.ready && gate.reason === "primary-guards-unknown");
  withheld = new Set(["none"]);
  await run.untilComplete();
});

function digestsOf(netDir: NetDir, identities: readonly RsaIdentity[]): Set<string> {
  return new Set(identities.flatMap((each) => netDir.listed(each)?.microdescriptorDigest ?? []));
}

Deno.test("when the consensus grows too old, no circuit is built any more", async () => {
  const network = new TestNetwork();
  await using run = await RunningDirectory.start({ network });
  await run.untilComplete();
  run.transport.handler = () => answer("503 Busy");
  await run.pass(26 * HOUR, HOUR / 4);
  assert.equal(run.directory.enoughForCircuits().ready, true);
  await run.pass(1 * HOUR, HOUR / 4);
  const gate = run.directory.enoughForCircuits();
  assert.ok(!gate.ready && gate.reason === "consensus-not-live");
});
