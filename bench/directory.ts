/**
 * The directory at full size:
 *
 *     deno task bench directory [--relays N] [--paths N] [--runs N] [--settle MS] [--made-up-only]
 *                              [--source]
 *
 * Two networks are measured, both signed by the authorities of an embedded network whose relays are
 * in them too: one that is made up, and the relays of a real consensus with microdescriptors that
 * are made up (its own are not at hand). The real consensus is also parsed and verified as it is.
 *
 * The client is measured as it is released, or with --source as it lies here.
 *
 * Every step is done in processes of its own: what counts is the first time in each, when no code
 * is compiled yet, as a client that was just started has it. The later times stand beside it.
 * Prints a table and writes all figures to bench/results/directory.json.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseConsensus } from "../src/netdoc/consensus.ts";
import type { EmbeddedNetwork } from "../testnet/network.ts";
import { run } from "../tests/network/child_process.ts";
import type { Endpoint } from "../tests/network/socks_client.ts";
import { START_FLAGS } from "../tests/network/start_flags.ts";
import { WebServer } from "../tests/network/web_server.ts";
import {
  readRealCertificates,
  readRealConsensus,
  realConsensusIsAbsent,
} from "../tests/netdoc/real_consensus.ts";
import { type ClientSample, sampleClient } from "./directory_client.ts";
import { type BenchFacts, writeFiles } from "./directory_files.ts";
import { entriesOf, makeDocuments, startNetwork } from "./directory_network.ts";
import type { Sample, Step } from "./directory_step.ts";
import { measuredProgram } from "./measured_program.ts";
import { directoryTable, type Figure } from "./directory_table.ts";

/** How it is to be measured. */
export interface DirectoryBenchOptions {
  /** Of the network that is made up. */
  readonly relays: number;
  /** How many paths are chosen; the target is for 100,000. */
  readonly paths: number;
  /** Processes for each figure. */
  readonly runs: number;
  /** How long a client has to settle before its memory is read, in ms. */
  readonly settle: number;
  /** Whether the real consensus is left out. */
  readonly madeUpOnly: boolean;
  /** Whether the source is measured as a client, and not what is released. */
  readonly source: boolean;
}

/** What one figure is taken from. */
interface StepFigure {
  readonly step: Step;
  readonly name: string;
  readonly what: "wall" | "cpu" | "pause";
  readonly target: number | undefined;
  /** Whether the later times in the same process count, and not the first. */
  readonly later?: boolean;
}

const DEFAULTS = { relays: "8000", paths: "100000", runs: "5", settle: "5000" } as const;

/** How often a step is done in one process, if its later times are a figure of their own. */
const TIMES = 3;

const CONSENSUS_FIGURES: readonly StepFigure[] = [
  { step: "consensus", name: "consensus parsed and verified, CPU", what: "cpu", target: 150 },
  {
    step: "consensus",
    name: "consensus, later in the process, CPU",
    what: "cpu",
    target: undefined,
    later: true,
  },
];

const FIGURES: readonly StepFigure[] = [
  ...CONSENSUS_FIGURES,
  { step: "microdescriptors", name: "microdescriptors loaded", what: "wall", target: 200 },
  {
    step: "microdescriptors",
    name: "microdescriptors loaded, CPU",
    what: "cpu",
    target: undefined,
  },
  { step: "paths", name: "all paths: exit, guard, middle", what: "wall", target: 1000 },
  { step: "relays", name: "all paths, always the same guard", what: "wall", target: undefined },
  { step: "diff", name: "diff applied", what: "wall", target: 50 },
  {
    step: "diff",
    name: "diff applied, later in the process",
    what: "wall",
    target: undefined,
    later: true,
  },
  { step: "refresh", name: "refresh by diff, longest pause", what: "pause", target: 20 },
  { step: "refresh", name: "refresh by diff, CPU", what: "cpu", target: undefined },
  {
    step: "refresh-whole",
    name: "refresh by a whole consensus, longest pause",
    what: "pause",
    target: 20,
  },
];

const MEGABYTE = 1_000_000;
const WEB_NAME = "web.bench.example";

/**
 * Measures as the arguments say.
 *
 * @param args those after the benchmark's name
 */
export async function benchDirectory(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      relays: { type: "string", default: DEFAULTS.relays },
      paths: { type: "string", default: DEFAULTS.paths },
      runs: { type: "string", default: DEFAULTS.runs },
      settle: { type: "string", default: DEFAULTS.settle },
      "made-up-only": { type: "boolean", default: false },
      source: { type: "boolean", default: false },
    },
  });
  const options: DirectoryBenchOptions = {
    relays: Number(values.relays),
    paths: Number(values.paths),
    runs: Number(values.runs),
    settle: Number(values.settle),
    madeUpOnly: values["made-up-only"],
    source: values.source,
  };
  const { relays, paths, runs, settle } = options;
  const areWhole = [relays, paths, runs, settle].every(Number.isInteger);
  if (!areWhole || relays < 50 || paths < 1 || runs < 1 || settle < 0) {
    console.error(
      "Usage: directory [--relays N] [--paths N] [--runs N] [--settle MS] [--made-up-only] " +
        "[--source], with at least 50 relays",
    );
    Deno.exit(2);
  }
  const figures = await measureDirectory(options);
  console.log(directoryTable(figures));
  console.log(`\nAll figures: ${await save(figures, options)}`);
}

/** Measures everything. */
export async function measureDirectory(options: DirectoryBenchOptions): Promise<Figure[]> {
  const folder = await Deno.makeTempDir({ prefix: "chive-bench-" });
  try {
    return await measureIn(folder, options);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measureIn(folder: string, options: DirectoryBenchOptions): Promise<Figure[]> {
  await using program = await measuredProgram(options.source);
  await using web = new WebServer("127.0.0.1");
  await using network = await startNetwork({ [WEB_NAME]: web.hostname });
  const target = { hostname: WEB_NAME, port: web.port };
  const measure = async (name: string, entries: Parameters<typeof makeDocuments>[1]) => {
    const files = `${folder}/${name.replaceAll(" ", "-")}`;
    await Deno.mkdir(files);
    const documents = makeDocuments(network, entries, Date.now());
    await writeFiles(files, documents, network.documents.certificates());
    return [
      ...await stepFigures(name, files, FIGURES, options),
      ...await clientFigures(name, files, {
        ...options,
        network,
        target,
        program: program.path,
      }),
    ];
  };
  const madeUp = await measure(`${options.relays} made up`, options.relays - network.relays.length);
  if (options.madeUpOnly) return madeUp;
  if (realConsensusIsAbsent) {
    const skipped = "the real consensus is not on this machine";
    const nothing = { network: "real", unit: "ms", target: 150, samples: [], skipped } as const;
    return [...madeUp, { ...nothing, name: "all figures" }];
  }
  const asItIs = `${folder}/as-it-is`;
  await writeRealFiles(asItIs);
  return [
    ...madeUp,
    ...await stepFigures("real as it is", asItIs, CONSENSUS_FIGURES, options),
    ...await measure("real signed anew", entriesOf(readRealConsensus())),
  ];
}

async function writeRealFiles(folder: string): Promise<void> {
  const document = readRealConsensus();
  const { validAfter, signatures } = parseConsensus(document);
  const v3Identities = [...new Set(signatures.map(({ v3Identity }) => v3Identity))];
  const facts: BenchFacts = { validAfter, v3Identities };
  await Deno.mkdir(folder);
  await Deno.writeFile(`${folder}/consensus`, document);
  await Deno.writeFile(`${folder}/certificates`, readRealCertificates());
  await Deno.writeTextFile(`${folder}/facts.json`, JSON.stringify(facts));
}

/** Runs each step in so many processes. */
async function stepFigures(
  network: string,
  folder: string,
  figures: readonly StepFigure[],
  { runs, paths }: DirectoryBenchOptions,
): Promise<Figure[]> {
  const samples = new Map<Step, Sample[][]>();
  for (const step of new Set(figures.map(({ step }) => step))) {
    console.error(`${network}: ${step}`);
    const times = figures.some((figure) => figure.step === step && figure.later) ? TIMES : 1;
    const ofStep: Sample[][] = [];
    for (let index = 0; index < runs; index++) {
      ofStep.push(await runStep(step, folder, [times, paths]));
    }
    samples.set(step, ofStep);
  }
  return figures.map(({ step, name, what, target, later }) => ({
    network,
    name,
    unit: "ms",
    target,
    samples: (samples.get(step) ?? []).flatMap((times) => later ? times.slice(1) : times[0])
      .map((sample) => sample[what] ?? NaN),
  }));
}

async function runStep(
  step: Step,
  folder: string,
  numbers: readonly number[],
): Promise<Sample[]> {
  const file = fileURLToPath(new URL("directory_step.ts", import.meta.url));
  return JSON.parse(
    await run([
      Deno.execPath(),
      "run",
      ...START_FLAGS,
      "--allow-all",
      file,
      step,
      folder,
      ...numbers.map(String),
    ]),
  );
}

/** Starts clients one after another with the same data directory. */
async function clientFigures(
  network: string,
  folder: string,
  options: DirectoryBenchOptions & {
    readonly network: EmbeddedNetwork;
    readonly target: Endpoint;
    readonly program: string;
  },
): Promise<Figure[]> {
  console.error(`${network}: client`);
  const start = { ...options, dataDirectory: `${folder}/data` };
  // The first one chooses the guards that the others find there.
  await sampleClient({ ...start, settle: 0 });
  const samples: ClientSample[] = [];
  for (let index = 0; index < options.runs; index++) samples.push(await sampleClient(start));
  const figure = (
    name: string,
    unit: "ms" | "MB",
    target: number | undefined,
    key: keyof ClientSample,
  ): Figure => ({
    network,
    name,
    unit,
    target,
    samples: samples.map((sample) => sample[key] / (unit === "MB" ? MEGABYTE : 1)),
  });
  return [
    figure("warm start to listening", "ms", 300, "listening"),
    figure("warm start to enough known", "ms", undefined, "enough"),
    figure("warm start to first byte (embedded relays)", "ms", undefined, "firstByte"),
    figure("anonymous memory (smaps_rollup)", "MB", 50, "anonymous"),
    figure("anonymous memory (RssAnon)", "MB", undefined, "rssAnonymous"),
    figure("peak anonymous memory (RssAnon)", "MB", undefined, "peakAnonymous"),
    figure("peak resident memory (VmHWM)", "MB", 110, "peakResident"),
  ];
}

/** @returns the path of the written file */
async function save(
  figures: readonly Figure[],
  options: DirectoryBenchOptions,
): Promise<string> {
  const folder = new URL("results/", import.meta.url);
  await Deno.mkdir(folder, { recursive: true });
  const file = new URL("directory.json", folder);
  const date = new Date().toISOString();
  const machine = { cores: navigator.hardwareConcurrency, deno: Deno.version.deno };
  const text = JSON.stringify({ date, machine, options, figures }, null, 2);
  await Deno.writeTextFile(file, `${text}\n`);
  return fileURLToPath(file);
}
