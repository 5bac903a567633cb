/**
 * What a client does with directory documents, measured in a process of its own:
 *
 *     directory_step.ts STEP FOLDER TIMES PATHS
 *
 * Does the step so many times, where paths are chosen so many of them, and prints a {@link Sample} for each, as a list in JSON. The first
 * one is what a client pays that was just started; the later ones find their code compiled.
 *
 * @module
 */
import process from "node:process";
import { choosePath } from "../src/circuit/choose_path.ts";
import { parseRsaIdentity } from "../src/crypto/identity.ts";
import { MAX_CONSENSUS_LENGTH } from "../src/directory/requests.ts";
import { parseAuthorityCertificates } from "../src/netdoc/authority_certificate.ts";
import { parseConsensus } from "../src/netdoc/consensus.ts";
import { applyConsensusDiff, signedSha3 } from "../src/netdoc/consensus_diff.ts";
import { verifyConsensus } from "../src/netdoc/consensus_signatures.ts";
import { NodeRules } from "../src/path/node_rules.ts";
import { pathRules } from "../src/path/path_rules.ts";
import { SystemRandom } from "../src/runtime/random.ts";
import type { BenchFacts } from "./directory_files.ts";
import { BenchDirectory } from "./directory_in_process.ts";

/** One measurement, in ms. */
export interface Sample {
  readonly wall: number;
  /** Of all threads, user and system. */
  readonly cpu: number;
  /** The longest pause of the event loop, where that is looked at. */
  readonly pause?: number;
}

/** What can be measured. */
export type Step =
  | "consensus"
  | "microdescriptors"
  | "paths"
  | "relays"
  | "diff"
  | "refresh"
  | "refresh-whole";

/** How often the event loop is looked at, in ms. */
const PAUSE_INTERVAL = 1;

/** Measures a step once. */
function sample(step: string, folder: string, paths: number): Promise<Sample> {
  switch (step) {
    case "consensus":
      return sampleConsensus(folder);
    case "microdescriptors":
      return sampleMicrodescriptors(folder);
    case "paths":
      return samplePaths(folder, paths);
    case "relays":
      return samplePaths(folder, paths, true);
    case "diff":
      return sampleDiff(folder);
    case "refresh":
    case "refresh-whole":
      return sampleRefresh(folder, step === "refresh");
    default:
      throw new RangeError(`there is no step ${step}`);
  }
}

/** Parses and verifies it. */
async function sampleConsensus(folder: string): Promise<Sample> {
  const document = await Deno.readFile(`${folder}/consensus`);
  const { validAfter, v3Identities } = await readFacts(folder);
  const certificates = parseAuthorityCertificates(await Deno.readFile(`${folder}/certificates`));
  const authorities = v3Identities.flatMap((identity) => parseRsaIdentity(identity) ?? []);
  return await measured(() => {
    const consensus = parseConsensus(document);
    const { state } = verifyConsensus(consensus, certificates, authorities, validAfter);
    if (state !== "verified") throw new Error("the consensus is not verified");
  });
}

/** Makes a snapshot of a consensus, without microdescriptors before, and those of the disk. */
async function sampleMicrodescriptors(folder: string): Promise<Sample> {
  await using directory = await BenchDirectory.open(folder);
  const consensus = parseConsensus(await Deno.readFile(`${folder}/consensus`));
  const keeper = directory.microdescriptorKeeper();
  const sample = await measured(() => keeper.take(consensus));
  directory.requireComplete();
  return sample;
}

/**
 * Chooses whole paths for port 443: exit, guard and middle.
 *
 * @param withOneGuard always the same guard, so that its choice costs nothing
 */
async function samplePaths(folder: string, paths: number, withOneGuard = false): Promise<Sample> {
  await using directory = await BenchDirectory.open(folder);
  const { guards } = directory;
  await directory.load();
  const netDir = directory.requireComplete();
  const rules = pathRules(netDir, {
    enforceDistinctSubnets: true,
    extendAllowPrivateAddresses: true,
    nodeFamilies: [],
    nodes: NodeRules.none,
    longLivedPorts: new Set(),
  });
  const always = guards.selectForTraffic();
  if (always === undefined) throw new Error("there is no guard");
  const oneGuard = { selectForTraffic: () => always, noteClosed: () => {} };
  const chooser = { random: new SystemRandom(), guards: withOneGuard ? oneGuard : guards, rules };
  const target = { kind: "name", port: 443 } as const;
  const nobody = new Set<never>();
  const sample = await measured(() => {
    for (let path = 0; path < paths; path++) {
      const { guardChoice } = choosePath(netDir, chooser, {
        target,
        excludedExits: nobody,
        avoided: nobody,
      });
      chooser.guards.noteClosed(guardChoice);
    }
  });
  guards.noteClosed(always);
  return sample;
}

async function sampleDiff(folder: string): Promise<Sample> {
  const [consensus, diff, next] = await Promise.all(
    ["consensus", "diff", "next"].map((name) => Deno.readFile(`${folder}/${name}`)),
  );
  // A client computes it when it takes a consensus, to ask for a diff from it.
  const digest = signedSha3(consensus);
  let length = 0;
  const sample = await measured(() => {
    ({ length } = applyConsensusDiff(consensus, diff, MAX_CONSENSUS_LENGTH, digest));
  });
  if (length !== next.length) throw new Error("the diff does not make the next consensus");
  return sample;
}

/** Fetches the next consensus, from servers in memory, and the microdescriptors that are new. */
async function sampleRefresh(folder: string, byDiff: boolean): Promise<Sample> {
  await using directory = await BenchDirectory.open(folder);
  await directory.load();
  await directory.prepareNext(byDiff);
  const pauses = new PauseSampler();
  const sample = await measured(() => directory.refresh());
  return { ...sample, pause: pauses.stop() };
}

/** Looks at the event loop all the time, and keeps the longest pause. */
class PauseSampler {
  #longest = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => this.#look(), PAUSE_INTERVAL);

  /** @returns the longest pause, in ms */
  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#longest;
  }

  #look(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last - PAUSE_INTERVAL);
    this.#last = now;
  }
}

async function measured(task: () => void | Promise<void>): Promise<Sample> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await task();
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { wall, cpu: (user + system) / 1000 };
}

async function readFacts(folder: string): Promise<BenchFacts> {
  return JSON.parse(await Deno.readTextFile(`${folder}/facts.json`));
}

if (import.meta.main) {
  const [step, folder, times, paths] = Deno.args;
  const samples: Sample[] = [];
  for (let time = 0; time < Number(times); time++) {
    samples.push(await sample(step, folder, Number(paths)));
  }
  console.log(JSON.stringify(samples));
}
