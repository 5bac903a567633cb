/**
 * C tor and chive as clients of one private network, side by side:
 *
 *     deno task bench network [--rounds N] [--client chive|tor] [--defaults] [--source]
 *
 * Each round starts both clients afresh, in turn, and every byte that they carry is checked.
 * The consensus of the network has the parameters of the real one; with --defaults it has none, and
 * those in the code of C tor hold. chive is measured as it is released, or with --source as it lies
 * here.
 *
 * Prints a table of medians, and writes all figures and a picture of them to bench/results/.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type ClientKind } from "../tests/network/client_process.ts";
import { missingForWorld, World } from "../tests/network/world.ts";
import { measuredProgram } from "./measured_program.ts";
import { networkPicture } from "./network_picture.ts";
import { NETWORK_PARAMETERS } from "./network_parameters.ts";
import { measureRound, type Round } from "./network_round.ts";
import { table } from "./network_table.ts";

const DEFAULT_ROUNDS = 3;

/** Both clients, the one that the other is compared with first. */
const CLIENTS: readonly ClientKind[] = ["tor", "chive"];

/**
 * Measures as the arguments say.
 *
 * @param args those after the benchmark's name
 */
export async function benchNetwork(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: String(DEFAULT_ROUNDS) },
      client: { type: "string", multiple: true },
      defaults: { type: "boolean", default: false },
      source: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  const clients = CLIENTS.filter((kind) => values.client?.includes(kind) ?? true);
  if (!Number.isInteger(rounds) || rounds < 1 || clients.length === 0) {
    console.error("Usage: network [--rounds N] [--client chive|tor] [--defaults] [--source]");
    Deno.exit(2);
  }
  const missing = await missingForWorld();
  if (missing) {
    console.error(`The benchmark cannot run: ${missing}.`);
    Deno.exit(1);
  }
  await using program = await measuredProgram(values.source);
  const parameters = values.defaults ? {} : NETWORK_PARAMETERS;
  const results = await measure({ rounds, clients, parameters, program: program.path });
  console.log(table(results));
  const conditions = { program: program.form, parameters };
  console.log(`\nAll figures: ${await save(results, conditions)}`);
}

interface Plan {
  readonly rounds: number;
  readonly clients: readonly ClientKind[];
  readonly parameters: Readonly<Record<string, number>>;
  /** The file that Deno starts for chive. */
  readonly program: string;
}

async function measure({ rounds, clients, parameters, program }: Plan): Promise<Round[]> {
  const results: Round[] = [];
  console.error("Starting the network");
  await using world = await World.start({ parameters });
  for (let round = 1; round <= rounds; round++) {
    // Who comes first alternates, so that neither always finds the machine as the other left it.
    for (const kind of round % 2 === 1 ? clients : clients.toReversed()) {
      console.error(`Round ${round} of ${rounds}: ${kind}`);
      results.push(await measureRound(world, kind, program));
    }
  }
  return results;
}

/** @returns the path of the written file */
async function save(
  results: readonly Round[],
  conditions: Readonly<Record<string, unknown>>,
): Promise<string> {
  const directory = new URL("results/", import.meta.url);
  await Deno.mkdir(directory, { recursive: true });
  const date = new Date().toISOString();
  const name = `network-${date.replaceAll(":", "")}`;
  const file = new URL(`${name}.json`, directory);
  const machine = { cores: navigator.hardwareConcurrency, deno: Deno.version.deno };
  await Deno.writeTextFile(
    file,
    JSON.stringify({ date, machine, ...conditions, results }, null, 2) + "\n",
  );
  await Deno.writeTextFile(new URL(`${name}.svg`, directory), networkPicture(results));
  return file.pathname;
}
