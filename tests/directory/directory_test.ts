import assert from "node:assert/strict";
import { describeTime } from "../../src/directory/consensus_times.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { writeSignature, writeSignedPart } from "../../testnet/document_writer.ts";
import { LogLines } from "./log_lines.ts";
import {
  answer,
  encode,
  HOUR,
  ok,
  RunningDirectory,
  testConfig,
  TestNetwork,
  VALID_AFTER,
} from "./test_directory.ts";

Deno.test("from nothing to a complete directory", async () => {
  await using run = await RunningDirectory.start();
  run.bootstrap.noteConnection();
  const tags = new Set<string>();
  run.bootstrap.onProgress(({ tag }) => tags.add(tag));
  const gate = run.directory.enoughForCircuits();
  assert.equal(gate.ready, false);
  let snapshots = 0;
  run.directory.onChange((netDir) => {
    snapshots += 1;
    assert.equal(netDir, run.directory.netDir);
  });
  await run.untilComplete();
  assert.equal(run.directory.netDir?.relays.length, 12);
  assert.ok(snapshots >= 2);
  assert.deepEqual([...tags], [
    "requesting_status",
    "loading_status",
    "loading_keys",
    "requesting_descriptors",
    "enough_dirinfo",
  ]);
  const { requests } = run.transport;
  assert.equal(requests[0].server.kind, "fallback");
  assert.equal(
    requests[0].path,
    `/tor/status-vote/current/consensus-microdesc/${
      run.network.authorities.map(({ v3Identity }) => v3Identity.slice(0, 6)).sort().join("+")
    }.z`,
  );
  assert.match(requests[0].text, /^GET \S+ HTTP\/1\.0\r\nHost: 10\.98\.\d\.1:443\r\nAccept-/);
  // The certificates from the server that gave the consensus, the rest from a guard.
  assert.deepEqual(run.transport.kinds, ["status-vote", "keys", "micro"]);
  assert.equal(requests[1].server, requests[0].server);
  assert.equal(requests[2].server.kind, "listed");
  const guards = run.guards.primaryGuards().map(({ rsaIdentity }) => rsaIdentity);
  assert.ok(guards.includes(run.askedFor("micro")[0]));
});

Deno.test("what it has cost is told once an hour, and on request", async () => {
  await using log = await LogLines.collect();
  await using run = await RunningDirectory.start();
  assert.equal(run.directory.statistics().consensus, undefined);
  assert.equal(run.directory.statistics().nextFetch, undefined);
  await run.untilComplete();
  const { all, byKind } = run.directory.statistics().total;
  assert.equal(all.requests, 3);
  assert.equal(byKind.consensus.uncompressed, run.network.consensus().length);
  assert.ok(all.sent > 300 && all.received > 1000);
  const { consensus, nextFetch } = run.directory.statistics();
  assert.equal(consensus?.liveness, "live");
  assert.equal(consensus?.age, run.clock.now() - VALID_AFTER);
  assert.ok(nextFetch !== undefined && nextFetch > VALID_AFTER + 1.75 * HOUR);
  run.clock.advance(HOUR - run.clock.monotonic() - 1000);
  assert.equal(log.count("In the last hour"), 0);
  await run.pass(2000);
  assert.equal(log.count(`In the last hour: 3 directory requests, ${all.sent} bytes up`), 1);
});

Deno.test("with no fallbacks, an authority is asked at once", async () => {
  const network = new TestNetwork();
  await using run = await RunningDirectory.start({
    network,
    config: testConfig(network, { fallbacks: 0 }),
  });
  await run.untilComplete();
  assert.equal(run.transport.requests[0].server.kind, "authority");
});

Deno.test("a second start with a fresh cache asks nobody", async () => {
  await using first = await RunningDirectory.start();
  await first.untilComplete();
  await first.until(() => first.transport.openStreams === 0);
  await first.directory.close();
  const files: Record<string, Uint8Array> = {};
  for (const name of ["cached-microdesc-consensus", "cached-certs", "cached-microdescs.new"]) {
    const bytes = await first.file(name);
    assert.ok(bytes, name);
    files[name] = bytes;
  }
  await using second = await RunningDirectory.start({ network: first.network, files });
  await second.untilComplete();
  assert.equal(second.transport.requests.length, 0);
  assert.equal(second.directory.netDir?.relays.length, 12);
  assert.equal(second.bootstrap.status.tag, "starting");
  second.bootstrap.noteConnection();
  assert.equal(second.bootstrap.status.tag, "enough_dirinfo");
});

Deno.test("a cached consensus that has expired is used, and a newer one asked for at once", async () => {
  const network = new TestNetwork();
  const next = network.consensus({ validAfter: VALID_AFTER + 10 * HOUR });
  await using run = await RunningDirectory.start({
    network,
    now: VALID_AFTER + 10.5 * HOUR,
    files: {
      "cached-microdesc-consensus": network.consensus(),
      "cached-certs": network.certificates(),
      "cached-microdescs": [...network.microdescriptors.values()].join(""),
    },
    handler: ({ path }) => ok(network.serve(path, next) ?? new Uint8Array(0)),
  });
  const seen: number[] = [];
  run.directory.onChange((netDir) => seen.push(netDir.consensus.validAfter));
  await run.until(() => seen.length === 2);
  assert.deepEqual(seen, [VALID_AFTER, VALID_AFTER + 10 * HOUR]);
  assert.equal(run.directory.enoughForCircuits().ready, true);
  const [request] = run.transport.requests;
  assert.equal(request.server.kind, "relay");
  assert.match(request.text, /\r\nIf-Modified-Since: Fri, 17 May 2024 17:03:00 GMT\r\n/);
});

Deno.test("a cached consensus that is older than a day is not used", async () => {
  const network = new TestNetwork();
  await using run = await RunningDirectory.start({
    network,
    now: VALID_AFTER + 28 * HOUR,
    files: {
      "cached-microdesc-consensus": network.consensus(),
      "cached-certs": network.certificates(),
    },
    handler: () => "hang",
  });
  await run.until(() => run.transport.requests.length > 0);
  assert.equal(run.directory.netDir, undefined);
  const gate = run.directory.enoughForCircuits();
  assert.ok(!gate.ready && gate.reason === "no-consensus");
});

Deno.test("corrupt caches are set aside or dropped, and everything fetched again", async () => {
  const network = new TestNetwork();
  const microdescriptors = [...network.microdescriptors.values()];
  await using run = await RunningDirectory.start({
    network,
    files: {
      "cached-microdesc-consensus": "network-status-version 3 microdesc\nnonsense\n",
      "cached-certs": "dir-key-certificate-version 3\n",
      "cached-microdescs": microdescriptors.slice(0, 4).join("").replace("accept", "reject"),
      // Cut off within its last line.
      "cached-microdescs.new": microdescriptors.slice(4, 8).join("").slice(0, -20),
    },
  });
  await run.untilComplete();
  const asked = run.transport.requests
    .filter(({ path }) => path.startsWith("/tor/micro/d/"))
    .flatMap(({ path }) => path.slice("/tor/micro/d/".length, -2).split("-"));
  // Three of the first four and three of the next were good.
  assert.equal(asked.length, 6);
  const names = [...Deno.readDirSync(run.data.path)].map(({ name }) => name);
  assert.ok(names.some((name) => name.startsWith("cached-microdesc-consensus.corrupt-")));
  assert.ok(names.some((name) => name.startsWith("cached-certs.corrupt-")));
  await run.directory.close();
  // What was appended after the torn line can be read again.
  await using again = await RunningDirectory.start({
    network,
    files: {
      "cached-microdesc-consensus": network.consensus(),
      "cached-certs": network.certificates(),
      "cached-microdescs": await run.file("cached-microdescs") ?? "",
      "cached-microdescs.new": await run.file("cached-microdescs.new") ?? "",
    },
  });
  await again.untilComplete();
  assert.equal(again.transport.requests.length, 0);
});

Deno.test("the next consensus is fetched in time, and the old one used until then", async () => {
  const network = new TestNetwork();
  let current = network.consensus();
  await using run = await RunningDirectory.start({
    network,
    handler: ({ path }) => ok(network.serve(path, current) ?? new Uint8Array(0)),
  });
  await run.untilComplete();
  current = network.consensus({ validAfter: VALID_AFTER + HOUR });
  const seen: number[] = [];
  run.directory.onChange(() => seen.push(run.clock.now()));
  await run.pass(1.2 * HOUR, 10_000);
  assert.equal(run.directory.netDir?.consensus.validAfter, VALID_AFTER);
  assert.deepEqual(run.askedFor("status-vote").length, 1);
  await run.pass(1.2 * HOUR, 10_000);
  assert.equal(run.directory.netDir?.consensus.validAfter, VALID_AFTER + HOUR);
  assert.ok(seen[0] >= VALID_AFTER + 1.75 * HOUR && seen[0] < VALID_AFTER + 2.9 * HOUR);
  assert.equal(run.directory.netDir?.relays.length, 12);
  assert.equal(run.askedFor("micro").length, 1, "no microdescriptor is fetched twice");
});

Deno.test("on refresh, a consensus that is older or badly signed is refused", async () => {
  const network = new TestNetwork();
  const others = new TestNetwork();
  let current = network.consensus();
  await using run = await RunningDirectory.start({
    network,
    handler: ({ path }) => ok(network.serve(path, current) ?? new Uint8Array(0)),
  });
  await run.untilComplete();
  const held = run.directory.netDir?.consensus;
  run.clock.advance(2.95 * HOUR - HOUR / 2);
  const bad = [
    network.consensus({ validAfter: VALID_AFTER - HOUR, validUntil: VALID_AFTER + 5 * HOUR }),
    network.consensus({ validAfter: VALID_AFTER + HOUR }, [others.authorities[0]]),
    network.consensus(),
  ];
  for (const document of bad) {
    current = document;
    const before = run.askedFor("status-vote").length;
    await run.until(() => run.askedFor("status-vote").length >= before + 2, 3 * HOUR);
    assert.equal(run.directory.netDir?.consensus, held);
  }
});

Deno.test("304 is an answer: the held consensus stays, without further requests at once", async () => {
  const network = new TestNetwork();
  const consensus = network.consensus();
  await using run = await RunningDirectory.start({
    network,
    handler: ({ path, text }) =>
      text.includes("If-Modified-Since")
        ? answer("304 Not modified")
        : ok(network.serve(path, consensus) ?? new Uint8Array(0)),
  });
  await run.untilComplete();
  const held = run.directory.netDir;
  await run.pass(2.45 * HOUR, 10_000);
  const asked = run.askedFor("status-vote").length;
  assert.ok(asked >= 2 && asked < 40, `${asked}`);
  assert.equal(run.directory.netDir, held);
});

Deno.test("microdescriptors that nobody has are asked for less and less often", async () => {
  const network = new TestNetwork(30);
  const consensus = network.consensus();
  const lost = [...network.microdescriptors.keys()].slice(0, 18);
  for (const digest of lost) network.microdescriptors.delete(digest);
  await using run = await RunningDirectory.start({
    network,
    handler: ({ path }) => {
      const document = network.serve(path, consensus);
      return document === undefined ? answer("404 Not found") : ok(document);
    },
  });
  await run.until(() => run.directory.netDir?.relays.length === 12);
  await run.pass(2 * 60_000, 1000);
  const early = run.askedFor("micro").length;
  await run.pass(2 * HOUR, 10_000);
  const asked = run.askedFor("micro").length;
  assert.ok(early >= 12 && early < 120, `${early}`);
  assert.ok(asked > early && asked < 300, `${asked}`);
  assert.equal(run.directory.netDir?.missingMicrodescriptors().length, 18);
});

Deno.test("when all guards fail, a configured server is asked", async () => {
  const network = new TestNetwork(4);
  const consensus = network.consensus();
  await using run = await RunningDirectory.start({
    network,
    handler: ({ path, server }) => {
      if (server.kind === "listed") return new Error("cannot be reached");
      return ok(network.serve(path, consensus) ?? new Uint8Array(0));
    },
  });
  await run.untilComplete();
  const last = run.transport.requests.at(-1);
  assert.equal(last?.server.kind, "fallback");
});

Deno.test("required protocols that we lack end the client", async () => {
  const network = new TestNetwork();
  const consensus = encodeWithProtocols(network, "Cons=2 Relay=60");
  await using run = await RunningDirectory.start({
    network,
    handler: ({ path }) => ok(network.serve(path, consensus) ?? new Uint8Array(0)),
  });
  let failure: unknown;
  run.finished.catch((error) => failure = error);
  await run.until(() => failure !== undefined);
  assert.match(String(failure), /requires Relay=60 of clients/);
  assert.equal(run.directory.netDir, undefined);
});

/** A signed consensus that requires these protocols of clients. */
function encodeWithProtocols(network: TestNetwork, protocols: string): Uint8Array {
  // The writer's own line must stay the only one, so the whole is signed again.
  const authorities = network.authorities;
  const parts = { authorities, validAfter: VALID_AFTER };
  const text = writeSignedPart(parts).replace(
    /required-client-protocols .*\n/,
    `required-client-protocols ${protocols}\n`,
  );
  const signatures = authorities.map((signer) => writeSignature(signer, text));
  return encode(text + signatures.join("directory-signature "));
}

Deno.test("closing ends requests that hang", async () => {
  await using run = await RunningDirectory.start({ handler: () => "hang" });
  await run.until(() => run.transport.openStreams > 0);
  await run.directory.close();
  await run.finished;
  assert.equal(run.transport.openStreams, 0);
});

Deno.test("without authorities or servers the start fails with advice", async () => {
  const network = new TestNetwork();
  const config = testConfig(network);
  await using none = await RunningDirectory.start({ config: { ...config, authorities: [] } });
  await assert.rejects(none.finished, { code: "no-directory-authorities", retry: "never" });
  const authorities = config.authorities.map((each) => ({ ...each, orPort: undefined }));
  const closed = { ...config, authorities, fallbacks: [] };
  await using noServers = await RunningDirectory.start({ config: closed });
  await assert.rejects(noServers.finished, { code: "no-directory-servers", retry: "never" });
});

Deno.test("the test network's consensus is what it should be", () => {
  const consensus = parseConsensus(new TestNetwork().consensus());
  assert.equal(describeTime(consensus.validAfter), "2024-05-17 17:00:00 UTC");
  assert.equal(consensus.routers.length, 12);
});
