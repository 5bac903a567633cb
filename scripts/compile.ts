/**
 * Builds chive for people who have no Deno: one executable by `deno compile`, or an archive with
 * Deno, the program and a launcher. Both may do what deno.json's permissions say, and no more.
 *
 *     deno task compile --help
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import project from "../deno.json" with { type: "json" };
import type { Build } from "../src/runtime/build.ts";
import { billOfMaterials, licenseTexts } from "./bill_of_materials.ts";
import { type BuildOrigin, findOrigin } from "./build_origin.ts";
import { BadRequest, type BuildRequest, readBuildRequest, USAGE } from "./build_request.ts";
import {
  BUILD_TARGETS,
  isProgramOf,
  isTargetName,
  PROGRAM_HEAD_LENGTH,
  type TargetName,
} from "./build_targets.ts";
import { compileArguments, isRuntimeMissing } from "./compile_command.ts";
import { launcher } from "./launchers.ts";
import { type ArchiveFile, tarArchive, zipArchive } from "./portable_archive.ts";
import { BuildFailure, bundleProgram, type ProgramBundle, runDeno } from "./program_bundle.ts";
import { permissionFlags } from "./start_flags.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url)).replace(/[/\\]$/, "");
const NAME = `chive-${project.version}`;
const CHECKSUMS = "SHA256SUMS";

/** Deno 2.9.6 has overflowed the stack of the thread that writes executables. */
const COMPILE_ENVIRONMENT = { RUST_MIN_STACK: `${64 * 1024 * 1024}` };

/** What `deno compile` cannot do without, and what can be done instead. */
const RUNTIME_MISSING =
  "'deno compile' builds upon a runtime (denort) that it downloads from dl.deno.land, and could " +
  "not. Set DENORT_BIN to one that you have, or make an archive that needs nothing from the " +
  "network: deno task compile --portable";

/** Everything that one build has to do with. */
interface Work {
  readonly request: BuildRequest;
  readonly origin: BuildOrigin;
  readonly bundle: ProgramBundle;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

/**
 * Builds what the arguments ask for.
 *
 * @returns the exit code: 0, 1 for a build that failed, 2 for wrong arguments
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const { target: host } = Deno.build;
    const request = readBuildRequest(args, isTargetName(host) ? host : "x86_64-unknown-linux-gnu");
    if (request === undefined) {
      console.log(USAGE);
      return 0;
    }
    checkGrants(request);
    await build(request);
    return 0;
  } catch (error) {
    if (!(error instanceof BadRequest || error instanceof BuildFailure)) throw error;
    console.error(error.message);
    return error instanceof BadRequest ? 2 : 1;
  }
}

function checkGrants({ grants }: BuildRequest): void {
  try {
    permissionFlags(grants);
  } catch (error) {
    throw new BadRequest(error instanceof Error ? error.message : String(error));
  }
}

async function build(request: BuildRequest): Promise<void> {
  const origin = await findOrigin(ROOT);
  const form: Build["form"] = request.portable ? "portable" : "executable";
  const dataDirectory = request.grants.dataDirectory ?? "./chive-data";
  await using bundle = await bundleProgram(ROOT, { form, ...origin, dataDirectory });
  await Deno.mkdir(request.output, { recursive: true });
  const work = { request, origin, bundle };
  const built: string[] = [];
  for (const target of request.targets) {
    built.push(await (request.portable ? buildArchive : buildExecutable)(target, work));
  }
  const { components } = bundle;
  const described = { version: project.version, deno: Deno.version.deno, origin, components };
  await Deno.writeTextFile(`${request.output}/${NAME}.cdx.json`, billOfMaterials(described));
  await Deno.writeTextFile(`${request.output}/${NAME}.licenses.txt`, licenseTexts(components));
  await writeChecksums(request.output);
  for (const path of built) {
    const { size } = await Deno.stat(path);
    console.log(`${path}: ${(size / 1024 / 1024).toFixed(1)} MiB`);
  }
}

async function buildExecutable(target: TargetName, { request, bundle }: Work): Promise<string> {
  const suffix = BUILD_TARGETS[target].os === "windows" ? ".exe" : "";
  const output = resolve(request.output, `${NAME}-${target}${suffix}`);
  try {
    const args = compileArguments(target, output, request.grants);
    await runDeno(bundle.folder, args, COMPILE_ENVIRONMENT);
  } catch (error) {
    if (error instanceof BuildFailure && isRuntimeMissing(error.message)) {
      throw new BuildFailure(`${error.message}\n\n${RUNTIME_MISSING}`);
    }
    throw error;
  }
  return output;
}

async function buildArchive(target: TargetName, work: Work): Promise<string> {
  const { request, origin, bundle } = work;
  const { os } = BUILD_TARGETS[target];
  const runtime = await Deno.readFile(request.deno ?? Deno.execPath());
  if (!isProgramOf(target, runtime.subarray(0, PROGRAM_HEAD_LENGTH))) {
    throw new BuildFailure(`${request.deno ?? Deno.execPath()} is no program for ${target}`);
  }
  const folder = `${NAME}-${target}`;
  const files: ArchiveFile[] = [];
  const add = (path: string, content: Uint8Array<ArrayBuffer> | string, executable = false) => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    files.push({ path: `${folder}/${path}`, bytes, executable });
  };
  const { name, text } = launcher(os, request.grants);
  add(name, text, true);
  add(os === "windows" ? "lib/deno.exe" : "lib/deno", runtime, true);
  for await (const { name } of Deno.readDir(bundle.folder)) {
    add(`lib/program/${name}`, await Deno.readFile(`${bundle.folder}/${name}`));
  }
  add("LICENSE", await Deno.readFile(`${ROOT}/LICENSE`));
  add("LICENSES-OF-PACKAGES", licenseTexts(bundle.components));
  add("chive.1", await Deno.readFile(`${ROOT}/docs/chive.1`));
  const time = new Date(origin.date ?? 0);
  const [bytes, suffix] = os === "windows"
    ? [zipArchive(files, time), "zip"]
    : [await tarArchive(files, time), "tar.gz"];
  const path = resolve(request.output, `${folder}.${suffix}`);
  await Deno.writeFile(path, bytes);
  return path;
}

/** Of all that is there about this version, also from earlier builds. */
async function writeChecksums(folder: string): Promise<void> {
  const lines: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || !name.startsWith(`${NAME}`)) continue;
    const digest = createHash("sha256").update(await Deno.readFile(`${folder}/${name}`));
    lines.push(`${digest.digest("hex")}  ${basename(name)}\n`);
  }
  const byName = (line: string) => line.slice(66);
  lines.sort((one, other) => byName(one) < byName(other) ? -1 : 1);
  await Deno.writeTextFile(`${folder}/${CHECKSUMS}`, lines.join(""));
}
