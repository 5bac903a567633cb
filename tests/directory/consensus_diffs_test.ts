/** Consensus diffs from honest and other servers, and what the directory makes of them. */
import assert from "node:assert/strict";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import { writeConsensusDiff } from "../../testnet/consensus_diff_writer.ts";
import {
  answerBytes,
  type DirectoryAnswer,
  DirectoryRequestReader,
} from "../../testnet/directory_http.ts";
import { DIFF_LIES, diffBomb, lyingDiff } from "../../testnet/misbehaviours/consensus_diff.ts";
import { signedSha3 } from "../../src/netdoc/consensus_diff.ts";
import { LogLines } from "./log_lines.ts";
import {
  encode,
  HOUR,
  type Reply,
  RunningDirectory,
  type SeenRequest,
  TestNetwork,
  VALID_AFTER,
} from "./test_directory.ts";

const network = new TestNetwork();
const older = network.consensus();
const newer = network.consensus({
  validAfter: VALID_AFTER + HOUR,
  parameters: "UseOptimisticData=0 bwauthpid=1",
});
const DIGEST = signedSha3(older).toHex().toUpperCase();
const HEADER = `\r\nX-Or-Diff-From-Consensus: ${DIGEST}\r\n`;

/** Servers that have one consensus, and then the next one with diffs to it. */
class Servers {
  isNext = false;
  /** Of the requests after the first consensus, those for a consensus. */
  readonly seen: SeenRequest[] = [];
  readonly #misbehaviour: Misbehaviour | undefined;
  readonly #onDiffServed: (run: SeenRequest) => void;

  constructor(misbehaviour?: Misbehaviour, onDiffServed: (run: SeenRequest) => void = () => {}) {
    this.#misbehaviour = misbehaviour;
    this.#onDiffServed = onDiffServed;
  }

  readonly handler = (request: SeenRequest): Reply => {
    if (this.isNext && request.path.includes("/consensus-microdesc/")) this.seen.push(request);
    return this.#reply(request);
  };

  async *#reply(seen: SeenRequest): AsyncGenerator<Uint8Array> {
    const request = new DirectoryRequestReader().push(encode(seen.text));
    assert.ok(request);
    const next = () => this.#honest(seen);
    yield* answerBytes(await (this.#misbehaviour?.answerDirectory?.(request, next) ?? next()));
  }

  #honest(seen: SeenRequest): DirectoryAnswer {
    const wantsDiff = seen.text.includes(HEADER);
    if (this.isNext && wantsDiff) this.#onDiffServed(seen);
    const body = this.isNext && wantsDiff && seen.path.includes("/consensus-microdesc/")
      ? writeConsensusDiff(older, newer)
      : network.serve(seen.path, this.isNext ? newer : older);
    return { kind: "http", status: "200 OK", headers: {}, body: body ?? new Uint8Array(0) };
  }
}

/** Runs until the directory has the next consensus. */
async function untilNext(run: RunningDirectory, servers: Servers): Promise<void> {
  await run.untilComplete();
  servers.isNext = true;
  const isThere = () => run.directory.netDir?.consensus.validAfter === VALID_AFTER + HOUR;
  const due = run.directory.statistics().nextFetch;
  assert.ok(due !== undefined && due >= VALID_AFTER + 1.75 * HOUR);
  run.clock.advance(due - run.clock.now());
  await run.until(isThere);
}

Deno.test("the next consensus comes as a diff, and is the same as a whole one", async () => {
  await using log = await LogLines.collect();
  const servers = new Servers();
  await using run = await RunningDirectory.start({ network, handler: servers.handler });
  await untilNext(run, servers);
  assert.equal(servers.seen.length, 1);
  assert.match(
    servers.seen[0].text,
    /\r\nIf-Modified-Since: .*\r\nAccept-Encoding: x-zstd, deflate, gzip, identity\r\nX-Or-Diff/,
  );
  assert.ok(!run.transport.requests[0].text.includes("X-Or-Diff"), "there was nothing to diff");
  assert.equal(log.count("A diff of "), 1);
  const { diffs, total, lastHour, consensus } = run.directory.statistics();
  assert.deepEqual(diffs, { applied: 1, failed: 0 });
  assert.equal(total.byKind["consensus-diff"].requests, 1);
  assert.equal(total.byKind.consensus.requests, 1);
  assert.equal(lastHour.all.requests, 1, "the others were made before");
  assert.equal(consensus?.validAfter, VALID_AFTER + HOUR);
  await run.until(() => run.transport.openStreams === 0);
  await run.directory.close();
  assert.deepEqual(await run.file("cached-microdesc-consensus"), newer);
});

Deno.test("after a restart, diffs are asked from the consensus on disk", async () => {
  const servers = new Servers();
  servers.isNext = true;
  await using run = await RunningDirectory.start({
    network,
    // It has expired, but can still be used.
    now: VALID_AFTER + 3.5 * HOUR,
    files: { "cached-microdesc-consensus": older, "cached-certs": network.certificates() },
    handler: servers.handler,
  });
  await run.until(() => run.directory.netDir?.consensus.validAfter === VALID_AFTER + HOUR);
  assert.ok(servers.seen[0].text.includes(HEADER));
  assert.equal(run.directory.statistics().diffs.applied, 1);
});

Deno.test("diffs are asked from a consensus that is too old to be used, but not of one older yet", async () => {
  for (const [hours, isAsked] of [[60, true], [73, false]] as const) {
    const servers = new Servers();
    servers.isNext = true;
    const later = network.consensus({ validAfter: VALID_AFTER + hours * HOUR - HOUR / 2 });
    await using run = await RunningDirectory.start({
      network,
      now: VALID_AFTER + 2 * HOUR,
      files: { "cached-microdesc-consensus": older, "cached-certs": network.certificates() },
      handler: () => "hang",
    });
    await run.until(() => run.directory.netDir !== undefined);
    run.transport.handler = (request) => {
      servers.handler(request);
      return answerBytes({
        kind: "http",
        status: "200 OK",
        headers: {},
        body: network.serve(request.path, later) ?? new Uint8Array(0),
      });
    };
    run.clock.advance((hours - 2) * HOUR);
    await run.until(() =>
      run.directory.netDir?.consensus.validAfter === VALID_AFTER + hours * HOUR - HOUR / 2
    );
    assert.equal(servers.seen.some(({ text }) => text.includes(HEADER)), isAsked, `${hours} hours`);
  }
});

for (const misbehaviour of [...DIFF_LIES.map(lyingDiff), diffBomb]) {
  Deno.test(`${misbehaviour.name}: a whole consensus is asked for at once`, async () => {
    await using log = await LogLines.collect();
    const servers = new Servers(misbehaviour);
    await using run = await RunningDirectory.start({ network, handler: servers.handler });
    await run.untilComplete();
    const held = run.directory.netDir?.consensus;
    const used = new Set([held]);
    run.directory.onChange(({ consensus }) => used.add(consensus));
    await untilNext(run, servers);
    assert.equal(used.size, 2, "the old consensus was there until the new one was");
    assert.equal(servers.seen.length, 2, log.lines.join("\n"));
    const [first, second] = servers.seen;
    assert.ok(first.text.includes(HEADER));
    assert.ok(!second.text.includes("X-Or-Diff"), "the second request is for a whole one");
    assert.notEqual(first.server, second.server);
    assert.equal(log.count("asking another server at once"), 1);
    assert.deepEqual(run.directory.statistics().diffs, { applied: 0, failed: 1 });
  });
}

Deno.test("a consensus that is gone from the disk is no loss", async () => {
  const servers = new Servers();
  await using run = await RunningDirectory.start({ network, handler: servers.handler });
  await run.untilComplete();
  const names = () => [...Deno.readDirSync(run.data.path)].map(({ name }) => name);
  await run.until(() => names().includes("cached-microdesc-consensus"));
  await Deno.remove(`${run.data.path}/cached-microdesc-consensus`);
  await untilNext(run, servers);
  assert.deepEqual(run.directory.statistics().diffs, { applied: 0, failed: 1 });
  assert.equal(servers.seen.length, 2);
});

Deno.test("a diff to a consensus that nobody signed is refused, and a whole one asked for", async () => {
  const strangers = new TestNetwork();
  const forged = strangers.consensus({ validAfter: VALID_AFTER + HOUR }, [
    strangers.authorities[0],
  ]);
  const servers = new Servers({
    name: "a diff to a forged consensus",
    answerDirectory: (request, next) =>
      request.headers.has("x-or-diff-from-consensus")
        ? { kind: "http", status: "200 OK", headers: {}, body: writeConsensusDiff(older, forged) }
        : next(),
  });
  await using run = await RunningDirectory.start({ network, handler: servers.handler });
  await untilNext(run, servers);
  assert.deepEqual(run.directory.statistics().diffs, { applied: 0, failed: 1 });
});
