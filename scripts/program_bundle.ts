/**
 * The program as a folder of JavaScript files that need nothing else: what executables and archives
 * are made of. It is bundled in a copy of the source, so that nothing in the tree changes and so that
 * the same source gives the same bytes wherever it lies.
 *
 * @module
 */
import type { Build } from "../src/runtime/build.ts";
import { type Component, readComponents } from "./bill_of_materials.ts";
import { buildModule } from "./build_origin.ts";
import { bundleArguments, PROGRAM_ENTRY, PROGRAM_START } from "./compile_command.ts";

/** What of the tree is copied. */
const FILES = ["main.ts", "deno.json", "deno.lock"];
const SOURCE_FOLDER = "src";
/** The file that is another one in the copy. */
const BUILD_MODULE = "src/runtime/build.ts";

/** A bundled program; disposing of it removes the folder. */
export interface ProgramBundle extends AsyncDisposable {
  /** The folder that has the files, {@link PROGRAM_ENTRY} among them. */
  readonly folder: string;
  /** The packages that are in it. */
  readonly components: readonly Component[];
}

/** A step of a build that failed; the message has what was said. */
export class BuildFailure extends Error {}

/**
 * Bundles the source.
 *
 * @param root the folder of the project
 * @throws BuildFailure
 */
export async function bundleProgram(root: string, build: Build): Promise<ProgramBundle> {
  const folder = await Deno.makeTempDir({ prefix: "chive-build-" });
  try {
    for (const name of FILES) await Deno.copyFile(`${root}/${name}`, `${folder}/${name}`);
    await copyFolder(`${root}/${SOURCE_FOLDER}`, `${folder}/${SOURCE_FOLDER}`);
    await Deno.writeTextFile(`${folder}/${BUILD_MODULE}`, buildModule(build));
    // Packages beside the source, and not in a cache whose place would have an influence.
    const project = JSON.parse(await Deno.readTextFile(`${folder}/deno.json`));
    const local = JSON.stringify({ ...project, nodeModulesDir: "auto" });
    await Deno.writeTextFile(`${folder}/deno.json`, local);
    await runDeno(folder, ["install", "--quiet", "--frozen"]);
    await runDeno(folder, bundleArguments("program"));
    const graph = JSON.parse(await runDeno(folder, ["info", "--json", "main.ts"]));
    const lock = JSON.parse(await Deno.readTextFile(`${folder}/deno.lock`));
    const components = await readComponents(graph, lock);
    await Deno.writeTextFile(`${folder}/program/${PROGRAM_ENTRY}`, PROGRAM_START);
    await dateFiles(`${folder}/program`, new Date(build.date ?? 0));
    return {
      folder: `${folder}/program`,
      components,
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
  } catch (error) {
    await Deno.remove(folder, { recursive: true });
    throw error;
  }
}

/**
 * Runs Deno in a folder.
 *
 * @param env more of the environment
 * @returns what it printed
 * @throws BuildFailure when it fails, with what it said
 */
export async function runDeno(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { ...env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new BuildFailure(`deno ${args[0]} failed:\n${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout);
}

/** `deno compile` takes the times of files over into executables. */
async function dateFiles(folder: string, date: Date): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    await Deno.utime(`${folder}/${name}`, date, date);
  }
  await Deno.utime(folder, date, date);
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
