/**
 * Writes the golden data directory of this version: what a client of the golden network has on disk
 * after some days, written by the code that writes it in the client, with seeded randomness and a
 * clock that stands still. To be run before each release:
 *
 * ```sh
 * deno run -A tests/upgrades/make_golden.ts
 * ```
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { BuildTimes } from "../../src/circuit/build_times.ts";
import { Dormancy } from "../../src/client/dormancy.ts";
import { DirectoryCache } from "../../src/directory/cache.ts";
import { GuardSample } from "../../src/guard/guard_sample.ts";
import { NetDir } from "../../src/netdir/net_dir.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { parseMicrodescriptor, SharedParts } from "../../src/netdoc/microdescriptor.ts";
import {
  type MicrodescriptorDigest,
  microdescriptorDigestBytes,
} from "../../src/netdoc/microdescriptor_digest.ts";
import { MicrodescriptorTable } from "../../src/netdoc/microdescriptor_table.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { inTurns } from "../../src/runtime/event_loop.ts";
import { randomBelow } from "../../src/runtime/random.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { encode } from "../../testnet/document_writer.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import project from "../../deno.json" with { type: "json" };
import { FakeClock } from "../runtime/fake_clock.ts";
import { GOLDEN_TIME, goldenDocuments } from "./golden_network.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** How many circuits were measured. */
const BUILD_TIMES = 150;
/** How many guards were used. */
const CONFIRMED_GUARDS = 2;
/** How many circuits were begun at each of these. */
const CIRCUITS = 20;
/** How long nobody has used the client, in minutes. */
const IDLE_MINUTES = 42;

/** Where golden data directories are, each named by its version; ends with a slash. */
export const GOLDEN_FOLDER: string = fileURLToPath(new URL("golden/", import.meta.url));

/** The version of this program. */
export const VERSION: string = project.version;

if (import.meta.main) {
  const folder = `${GOLDEN_FOLDER}${VERSION}`;
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await makeGolden(folder);
  console.log(`Written: ${folder}`);
}

/** Writes all files of a golden data directory into a folder, which is created. */
export async function makeGolden(folder: string): Promise<void> {
  using data = await DataDirectory.open(folder);
  const netDir = await writeDirectory(data);
  await writeGuards(data, netDir);
  await writeBuildTimes(data, netDir);
  await writeDormancy(data);
}

/** Writes the cached documents: some microdescriptors compacted, and some in the journal. */
async function writeDirectory(data: DataDirectory): Promise<NetDir> {
  const documents = goldenDocuments();
  const consensus = parseConsensus(documents.consensus);
  const cache = new DirectoryCache(data, new FakeClock(GOLDEN_TIME));
  await cache.writeConsensus(documents.consensus);
  await cache.writeCertificates(encode([...documents.certificates().values()].join("")));
  const table = new MicrodescriptorTable(consensus.routers.length);
  const shared = new SharedParts();
  const texts: [MicrodescriptorDigest, Uint8Array][] = [];
  for (const { microdescriptorDigest: digest } of consensus.routers) {
    const named = microdescriptorDigestBytes(digest).toBase64({ omitPadding: true });
    const text = encode(documents.microdescriptors.get(named) ?? "");
    texts.push([digest, text]);
    table.add(microdescriptorDigestBytes(digest), parseMicrodescriptor(text, shared));
  }
  const half = texts.length / 2;
  // Dates of days ago are what makes compacting worth it.
  await cache.appendMicrodescriptors(new Map(texts.slice(0, half)), GOLDEN_TIME - 2 * DAY);
  const digests = texts.map(([digest]) => microdescriptorDigestBytes(digest).slice());
  await cache.noteListed(digests, consensus.validAfter);
  await cache.compactMicrodescriptors();
  await cache.appendMicrodescriptors(new Map(texts.slice(half)), consensus.validAfter);
  return await inTurns(NetDir.steps(consensus, table));
}

/** Writes a sample in which some guards were used, and one of them has failed now and then. */
async function writeGuards(data: DataDirectory, netDir: NetDir): Promise<void> {
  const guards = await GuardSample.load(data, runtime("guards"), {
    useEntryGuards: true,
    numEntryGuards: undefined,
    numDirectoryGuards: undefined,
    numPrimaryGuards: undefined,
    guardLifetime: undefined,
    extendAllowPrivateAddresses: true,
  });
  guards.update(netDir);
  // The second one is used first, so that the order of use is not that of sampling.
  const used = guards.primaryGuards().slice(0, CONFIRMED_GUARDS).toReversed();
  for (const { rsaIdentity: wanted } of used) {
    for (let circuit = 0; circuit < CIRCUITS; circuit++) {
      const choice = guards.selectForTraffic(({ rsaIdentity }) => rsaIdentity !== wanted);
      if (choice === undefined) throw new Error("there is no guard");
      choice.pathBias.noteBuildAttempt();
      if (circuit % 7 !== 6) {
        choice.pathBias.noteBuildSuccess();
        guards.noteSuccess(choice);
        choice.pathBias.noteUseSuccess();
      }
      guards.noteClosed(choice);
    }
  }
  await guards.close();
}

async function writeBuildTimes(data: DataDirectory, netDir: NetDir): Promise<void> {
  const random = new SeededRandom("golden/times");
  const times = await BuildTimes.load(data, runtime("build times"), {
    learnCircuitBuildTimeout: true,
    circuitBuildTimeout: undefined,
  });
  times.updateParameters(netDir);
  times.noteNetworkAlive();
  for (let circuit = 0; circuit < BUILD_TIMES; circuit++) {
    if (circuit % 50 === 49) times.noteAbandoned(0);
    else times.noteBuilt(200 + randomBelow(random, 800), false);
  }
  await times.close();
}

async function writeDormancy(data: DataDirectory): Promise<void> {
  const clock = new FakeClock(GOLDEN_TIME);
  const dormancy = await Dormancy.load(data, {
    clock,
    options: {
      enabled: true,
      timeout: DAY,
      idleStreamsCount: true,
      onFirstStartup: false,
      canceledByStartup: false,
    },
    openStreams: () => 0,
  });
  dormancy.noteActivity();
  clock.advance(IDLE_MINUTES * MINUTE);
  await dormancy.close();
}

function runtime(what: string): { readonly clock: Clock; readonly random: SeededRandom } {
  return { clock: new FakeClock(GOLDEN_TIME), random: new SeededRandom(`golden/${what}`) };
}
