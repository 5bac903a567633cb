import assert from "node:assert/strict";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import { DirectoryCache } from "../../src/directory/cache.ts";
import { DirectoryClient, downloadLimits } from "../../src/directory/directory_client.ts";
import { MicrodescriptorDownload } from "../../src/directory/microdescriptor_download.ts";
import {
  MicrodescriptorKeeper,
  type MicrodescriptorKeeperSettings,
} from "../../src/directory/microdescriptor_keeper.ts";
import { ConfiguredServers } from "../../src/directory/servers.ts";
import { type DirectoryGuards, DirectorySources } from "../../src/directory/sources.ts";
import type { NetDir } from "../../src/netdir/net_dir.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { type MicrodescriptorDigest, SharedParts } from "../../src/netdoc/microdescriptor.ts";
import { BootstrapTracker } from "../../src/observe/bootstrap.ts";
import { Logger } from "../../src/observe/log.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { relayEntry, writeConsensus } from "../../testnet/document_writer.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { byDigest, manyMicrodescriptors } from "./many_microdescriptors.ts";
import {
  answer,
  encode,
  FakeTransport,
  HOUR,
  ok,
  type Reply,
  type SeenRequest,
  testConfig,
  TestNetwork,
  VALID_AFTER,
} from "./test_directory.ts";

const network = new TestNetwork(1);
const config = testConfig(network, { fallbacks: 8 });
const log = new Logger("directory");

function digestsIn({ path }: SeenRequest): string[] {
  return /^\/tor\/micro\/d\/(.*)\.z$/.exec(path)?.[1].split("-") ?? [];
}

/** Sources without guards: all requests go to the fallbacks. */
function sourcesOf(transport: FakeTransport, clock: FakeClock): DirectorySources {
  const client = new DirectoryClient(transport, clock, downloadLimits(60_000));
  const guards: DirectoryGuards = {
    selectForDirectory: () => undefined,
    noteSuccess: () => "usable",
    noteFailure: () => {},
    noteClosed: () => {},
  };
  const servers = new ConfiguredServers(config, new SeededRandom(1));
  return new DirectorySources(client, servers, guards, clock);
}

/** A download of `texts`, and what came of it. */
class TestDownload {
  readonly all: Map<MicrodescriptorDigest, Uint8Array>;
  readonly missing: Set<MicrodescriptorDigest>;
  readonly transport: FakeTransport;
  readonly requests: { readonly identity: RsaIdentity; readonly digests: string[] }[] = [];
  readonly #download: MicrodescriptorDownload;

  constructor(count: number, reply: (request: SeenRequest, texts: TestDownload) => Reply) {
    this.all = byDigest(manyMicrodescriptors(count));
    this.missing = new Set(this.all.keys());
    this.transport = new FakeTransport((request) => {
      const { server } = request;
      assert.ok(server.kind !== "relay");
      this.requests.push({ identity: server.rsaIdentity, digests: digestsIn(request) });
      return reply(request, this);
    });
    this.#download = new MicrodescriptorDownload(sourcesOf(this.transport, new FakeClock()), log, {
      shared: new SharedParts(),
      unreadable: new Set(),
      isMissing: (digest) => this.missing.has(digest),
    });
  }

  /** The texts of `digests`, in a good answer. */
  serve(digests: readonly string[]): Uint8Array {
    const texts = [...this.all].filter(([digest]) => digests.includes(digest));
    if (texts.length === 0) return answer("404 Not found");
    return ok(encode(texts.map(([, text]) => new TextDecoder().decode(text)).join("")));
  }

  async round(): Promise<void> {
    await this.#download.round(
      [...this.missing],
      ({ entries }) => {
        for (const { digest } of entries) this.missing.delete(digest);
        return Promise.resolve();
      },
      new AbortController().signal,
    );
  }
}

Deno.test("each microdescriptor is asked for once, in batches from several servers at once", async () => {
  const inFlight = new Set<string>();
  let most = 0;
  const download = new TestDownload(1300, async function* (request, all) {
    const digests = digestsIn(request);
    for (const digest of digests) {
      assert.ok(!inFlight.has(digest), "asked twice at once");
      inFlight.add(digest);
    }
    most = Math.max(most, inFlight.size);
    await new Promise((resolve) => setTimeout(resolve, 0));
    for (const digest of digests) inFlight.delete(digest);
    yield all.serve(digests);
  });
  await download.round();
  assert.equal(download.missing.size, 0);
  const { requests } = download;
  assert.deepEqual(requests.map(({ digests }) => digests.length), [434, 434, 432]);
  assert.equal(most, 1300);
  assert.ok(new Set(requests.map(({ identity }) => identity)).size > 1);
  const asked = requests.flatMap(({ digests }) => digests);
  assert.deepEqual(asked, asked.toSorted());
});

for (const isEmpty of [false, true]) {
  const what = isEmpty ? "nothing" : "only some";
  Deno.test(`servers that have ${what} are asked last, the rest comes from others`, async () => {
    let poor: RsaIdentity | undefined;
    const download = new TestDownload(64, ({ server, path, text }, all) => {
      assert.ok(server.kind !== "relay");
      poor ??= server.rsaIdentity;
      const digests = digestsIn({ server, path, text });
      if (server.rsaIdentity !== poor) return all.serve(digests);
      return isEmpty ? answer("404 Not found") : all.serve(digests.slice(0, 5));
    });
    await download.round();
    assert.equal(download.missing.size, 0);
    const first = download.requests.filter(({ identity }) => identity === poor);
    // Both batches may have begun with it.
    assert.ok(first.length <= 2);
    for (const { digests } of download.requests.slice(2)) {
      assert.ok(isEmpty ? digests.length === 32 : digests.length === 27, "the rest alone");
    }
    for (let round = 0; round < 10; round++) {
      for (const digest of download.all.keys()) download.missing.add(digest);
      await download.round();
      assert.equal(download.missing.size, 0);
    }
    const again = download.requests.filter(({ identity }) => identity === poor);
    assert.equal(again.length, first.length);
  });
}

Deno.test("what a newer consensus does not list is not asked for any more", async () => {
  const download = new TestDownload(4000, (request, all) => {
    const digests = digestsIn(request);
    // With the first answer comes a consensus that lists none of the last ones.
    if (all.requests.length === 1) {
      for (const digest of [...all.missing].toSorted().slice(3500)) all.missing.delete(digest);
    }
    return all.serve(digests);
  });
  await download.round();
  assert.equal(download.missing.size, 0);
  assert.deepEqual(download.requests.map(({ digests }) => digests.length), Array(7).fill(500));
});

/** A keeper that asks the fallbacks. */
function keeperOf(
  transport: FakeTransport,
  clock: FakeClock,
  data: DataDirectory,
  parts: Pick<MicrodescriptorKeeperSettings, "onNetDir" | "isReady">,
): MicrodescriptorKeeper {
  return new MicrodescriptorKeeper({
    config,
    clock,
    random: new SeededRandom(1),
    cache: new DirectoryCache(data, clock),
    sources: sourcesOf(transport, clock),
    bootstrap: new BootstrapTracker(),
    log,
    whenAwake: () => Promise.resolve(),
    prepare: () => {},
    ...parts,
  });
}

Deno.test("when circuits can be built, a round of many replies makes one snapshot", async () => {
  const folder = await Deno.makeTempDir();
  try {
    using data = await DataDirectory.open(folder);
    const clock = new FakeClock(VALID_AFTER + HOUR / 2);
    const all = byDigest(manyMicrodescriptors(400));
    let replies = 0;
    const transport = new FakeTransport((request) => {
      replies++;
      const texts = [...all].filter(([digest]) => digestsIn(request).includes(digest));
      return ok(encode(texts.map(([, text]) => new TextDecoder().decode(text)).join("")));
    });
    const known: number[] = [];
    const complete = Promise.withResolvers<void>();
    const keeper = keeperOf(transport, clock, data, {
      onNetDir: (netDir) => {
        known.push(netDir.relays.length);
        if (netDir.relays.length === all.size) complete.resolve();
      },
      isReady: () => true,
    });
    const relays = [...all.keys()].map((digest, index) =>
      relayEntry(index + 1, { digest, hostname: "10.0.0.1" })
    );
    const { authorities } = network;
    await keeper.take(
      parseConsensus(writeConsensus({ authorities, validAfter: VALID_AFTER, relays })),
    );
    const stop = new AbortController();
    const running = keeper.run(stop.signal);
    await complete.promise;
    assert.ok(replies > 1, `${replies} replies`);
    assert.deepEqual(known, [0, 400]);
    stop.abort();
    await assert.rejects(running, { name: "AbortError" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a relay that is listed again is read from the disk, not fetched", async () => {
  const folder = await Deno.makeTempDir();
  try {
    using data = await DataDirectory.open(folder);
    const clock = new FakeClock(VALID_AFTER + HOUR / 2);
    const all = byDigest(manyMicrodescriptors(40));
    const digests = [...all.keys()];
    const requests: string[][] = [];
    const transport = new FakeTransport((request) => {
      requests.push(digestsIn(request));
      const texts = digestsIn(request).map((digest) =>
        new TextDecoder().decode([...all].find(([each]) => each === digest)?.[1])
      );
      return ok(encode(texts.join("")));
    });
    let netDir: NetDir | undefined;
    const stop = new AbortController();
    const sleeping = { resolve: () => {} };
    const keeper = keeperOf(transport, clock, data, {
      onNetDir: (made) => {
        netDir = made;
        if (made.missingMicrodescriptors().length === 0) sleeping.resolve();
      },
      isReady: () => false,
    });
    const take = async (hour: number, listed: readonly MicrodescriptorDigest[]) => {
      const complete = Promise.withResolvers<void>();
      sleeping.resolve = complete.resolve;
      const relays = listed.map((digest, index) => relayEntry(index + 1, { digest }));
      const validAfter = VALID_AFTER + hour * HOUR;
      clock.advance(VALID_AFTER + (hour + 0.5) * HOUR - clock.now());
      const { authorities } = network;
      await keeper.take(parseConsensus(writeConsensus({ authorities, validAfter, relays })));
      await complete.promise;
      assert.equal(netDir?.relays.length, listed.length);
    };
    const running = keeper.run(stop.signal);
    await take(0, digests.slice(0, 30));
    await take(2, digests.slice(0, 10));
    await take(4, digests.slice(0, 40));
    assert.deepEqual(requests.flat().toSorted(), digests.toSorted(), "each once");
    stop.abort();
    await assert.rejects(running, { name: "AbortError" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
