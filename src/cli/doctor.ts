/**
 * `doctor`: looks for what may keep chive from working here.
 *
 * @module
 */
import { readCountryFiles } from "../client/country_files.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import { type Runtime, systemRuntime } from "../runtime/runtime.ts";
import type { CommandArguments } from "./command_arguments.ts";
import { configure } from "./command_line.ts";
import { examineClock, examineDataDirectory, examineLaunch, type Finding } from "./examination.ts";
import { ExitCode, print } from "./exit_code.ts";
import { examineNetwork, examinePorts } from "./network_examination.ts";

/**
 * Does it, and prints each finding as soon as there is one.
 *
 * @returns the exit code
 * @throws ConfigError for wrong options
 */
export async function examine({ flags, options }: CommandArguments): Promise<number> {
  const { config, warnings, notices } = configure(options, Deno.readTextFileSync);
  let problems = 0;
  const tell = (finding: Finding) => {
    if (finding.kind === "problem") problems++;
    print(findingText(finding));
  };
  tell({ kind: "ok", what: "The options are understood." });
  for (const what of [...notices, ...warnings]) tell({ kind: "note", what });
  const offline = flags.has("--offline");
  for await (const finding of findings(config, systemRuntime(), offline)) tell(finding);
  print(problems === 0 ? "No problem was found.\n" : `Problems: ${problems}\n`);
  return problems === 0 ? ExitCode.Done : ExitCode.Failed;
}

async function* findings(
  config: Config,
  runtime: Runtime,
  offline: boolean,
): AsyncGenerator<Finding> {
  const { dataDirectory } = config;
  yield* await examineLaunch(dataDirectory);
  const { findings, inUse } = await examineDataDirectory(dataDirectory);
  yield* findings;
  yield await examineClock(dataDirectory, runtime.clock.now());
  if (config.nodes.geoIpFile !== undefined) yield await examineCountryFiles(config);
  yield* await examinePorts(config, runtime, inUse);
  if (!offline) yield await examineNetwork(config, runtime);
}

async function examineCountryFiles({ nodes }: Config): Promise<Finding> {
  try {
    await readCountryFiles(nodes);
    return { kind: "ok", what: "The country files can be read." };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { message, advice } = error;
    return { kind: "problem", what: `${message}.`, ...advice === undefined ? {} : { advice } };
  }
}

/** Where sentences begin, in columns. */
const INDENT = 9;

/** One finding for people: a line, and below it what to do. */
export function findingText({ kind, what, advice }: Finding): string {
  const sentence = what.replace(/\.+$/, ".");
  const line = `${kind.padEnd(INDENT)}${sentence}\n`;
  return advice === undefined ? line : `${line}${" ".repeat(INDENT)}${advice}\n`;
}
