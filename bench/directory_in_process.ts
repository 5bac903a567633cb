/**
 * A client's directory and guards, without channels and circuits: its servers are in memory, and
 * its clock stands where the consensus is fresh until it is to be replaced.
 *
 * @module
 */
import { zstdCompressSync } from "node:zlib";
import { parseRsaIdentity } from "../src/crypto/identity.ts";
import { DirectoryCache } from "../src/directory/cache.ts";
import { Directory, type DirectoryOptions } from "../src/directory/directory.ts";
import { DirectoryClient, downloadLimits } from "../src/directory/directory_client.ts";
import { MicrodescriptorKeeper } from "../src/directory/microdescriptor_keeper.ts";
import { ConfiguredServers } from "../src/directory/servers.ts";
import { DirectorySources } from "../src/directory/sources.ts";
import { GuardSample } from "../src/guard/guard_sample.ts";
import type { NetDir } from "../src/netdir/net_dir.ts";
import { BootstrapTracker } from "../src/observe/bootstrap.ts";
import { Logger } from "../src/observe/log.ts";
import { SystemRandom } from "../src/runtime/random.ts";
import { DataDirectory } from "../src/state/data_directory.ts";
import { sha256Base64 } from "../testnet/document_writer.ts";
import {
  answer,
  FakeTransport,
  type Reply,
  type SeenRequest,
  testConfig,
  TestNetwork,
} from "../tests/directory/test_directory.ts";
import { FakeClock } from "../tests/runtime/fake_clock.ts";
import type { BenchFacts } from "./directory_files.ts";
import { HOUR } from "./directory_network.ts";

/** The clock's steps while something is waited for, in ms. */
const STEP = 50;
/** What a server sends at a time, in bytes: what a channel reads at most before others' turn. */
const PIECE = 64 * 1024;

/** What the next hour's servers have. */
interface NextDocuments {
  readonly validAfter: number;
  /** The next consensus, or a diff to it, compressed. */
  readonly consensus: Uint8Array;
  /** Texts by digest. */
  readonly microdescriptors: ReadonlyMap<string, string>;
}

/** All of it, in a copy of the folder's data directory; disposing of it ends it. */
export class BenchDirectory implements AsyncDisposable {
  readonly guards: GuardSample;
  readonly #folder: string;
  readonly #facts: BenchFacts;
  readonly #data: DataDirectory;
  readonly #clock: FakeClock;
  readonly #directory: Directory;
  readonly #options: DirectoryOptions;
  #netDir: NetDir | undefined;
  #next: NextDocuments | undefined;

  private constructor(
    folder: string,
    facts: BenchFacts,
    data: DataDirectory,
    guards: GuardSample,
    clock: FakeClock,
  ) {
    this.guards = guards;
    this.#folder = folder;
    this.#facts = facts;
    this.#data = data;
    this.#clock = clock;
    this.#options = {
      config: configFor(facts),
      runtime: { clock, random: new SystemRandom() },
      data,
      transport: new FakeTransport((request) => this.#serve(request)),
      guards,
      bootstrap: new BootstrapTracker(),
      whenAwake: () => Promise.resolve(),
    };
    this.#directory = new Directory(this.#options);
    this.#directory.onChange((netDir) => this.#netDir = netDir);
  }

  /** Opens a copy of what `writeFiles` has written; nothing is loaded yet. */
  static async open(folder: string): Promise<BenchDirectory> {
    const facts: BenchFacts = JSON.parse(await Deno.readTextFile(`${folder}/facts.json`));
    const copy = await Deno.makeTempDir({ prefix: "chive-bench-" });
    for await (const { name, isFile } of Deno.readDir(`${folder}/data`)) {
      if (isFile) await Deno.copyFile(`${folder}/data/${name}`, `${copy}/${name}`);
    }
    const clock = new FakeClock(facts.validAfter + HOUR / 2);
    const data = await DataDirectory.open(copy);
    const guards = await GuardSample.load(data, { clock, random: new SystemRandom() }, {
      useEntryGuards: true,
      numEntryGuards: undefined,
      numDirectoryGuards: undefined,
      numPrimaryGuards: undefined,
      guardLifetime: undefined,
      extendAllowPrivateAddresses: true,
    });
    return new BenchDirectory(folder, facts, data, guards, clock);
  }

  /** What keeps microdescriptors, alone; what it makes is what {@link requireComplete} looks at. */
  microdescriptorKeeper(): MicrodescriptorKeeper {
    const { config, runtime, transport } = this.#options;
    const { clock, random } = runtime;
    const client = new DirectoryClient(transport, clock, downloadLimits(config.downloads.maxStall));
    return new MicrodescriptorKeeper({
      config,
      clock,
      random,
      cache: new DirectoryCache(this.#data, clock),
      sources: new DirectorySources(
        client,
        new ConfiguredServers(config, random),
        this.guards,
        clock,
      ),
      bootstrap: new BootstrapTracker(),
      log: new Logger("directory"),
      whenAwake: () => Promise.resolve(),
      prepare: () => {},
      onNetDir: (netDir) => this.#netDir = netDir,
      isReady: () => true,
    });
  }

  /** Starts the directory, and waits until all that the cache has is loaded. */
  async load(): Promise<void> {
    this.#directory.start(new AbortController().signal)
      .catch((error) => console.error("The directory has ended:", error));
    while (this.#netDir === undefined) await turn();
    this.requireComplete();
  }

  /**
   * The newest snapshot.
   *
   * @throws Error when a microdescriptor is missing
   */
  requireComplete(): NetDir {
    const missing = this.#netDir?.missingMicrodescriptors().length;
    if (this.#netDir === undefined || missing !== 0) {
      throw new Error(`${missing ?? "all"} microdescriptors are missing`);
    }
    return this.#netDir;
  }

  /** Lets the servers have the next consensus. */
  async prepareNext(asDiff: boolean): Promise<void> {
    const consensus = await Deno.readFile(`${this.#folder}/${asDiff ? "diff" : "next"}`);
    const texts = (await Deno.readTextFile(`${this.#folder}/new`)).split(/(?<=\n)(?=onion-key\n)/);
    this.#next = {
      validAfter: this.#facts.validAfter + HOUR,
      consensus: zstdCompressSync(consensus),
      microdescriptors: new Map(texts.map((text) => [sha256Base64(text), text])),
    };
  }

  /** Moves the clock to when the next consensus is due, and waits until all of it is there. */
  async refresh(): Promise<void> {
    const { nextFetch = -Infinity } = this.#directory.statistics();
    this.#clock.advance(nextFetch - this.#clock.now());
    const { applied, failed } = this.#directory.statistics().diffs;
    if (applied + failed > 0) throw new Error("it was refreshed before");
    while (!this.#isRefreshed()) {
      await turn();
      this.#clock.advance(STEP);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory.close();
    await this.guards.close();
    this.#data[Symbol.dispose]();
    await Deno.remove(this.#data.path, { recursive: true });
  }

  #isRefreshed(): boolean {
    return this.#netDir?.consensus.validAfter === this.#next?.validAfter &&
      this.#netDir?.missingMicrodescriptors().length === 0;
  }

  #serve({ path }: SeenRequest): Reply {
    if (this.#next === undefined) return "hang";
    const { consensus, microdescriptors } = this.#next;
    if (path.startsWith("/tor/status-vote/")) {
      return inPieces(answer("200 OK", consensus, "Content-Encoding: x-zstd\r\n"));
    }
    const digests = /^\/tor\/micro\/d\/(.*)\.z$/.exec(path)?.[1].split("-");
    if (digests === undefined) return "hang";
    const texts = digests.map((digest) => microdescriptors.get(digest) ?? "");
    return inPieces(answer("200 OK", new TextEncoder().encode(texts.join(""))));
  }
}

/** As a network brings it: with turns for others between. */
async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) {
    await turn();
    yield bytes.subarray(at, at + PIECE);
  }
}

function configFor(facts: BenchFacts): DirectoryOptions["config"] {
  const config = testConfig(new TestNetwork(1));
  const [authority] = config.authorities;
  return {
    ...config,
    authorities: facts.v3Identities.flatMap((identity) => {
      const v3Identity = parseRsaIdentity(identity);
      return v3Identity === undefined ? [] : [{ ...authority, v3Identity }];
    }),
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
