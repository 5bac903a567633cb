/**
 * The commands that build: pure, so that what they grant and what they reveal can be tested.
 *
 * @module
 */
import type { TargetName } from "./build_targets.ts";
import { type Grants, startFlags } from "./start_flags.ts";

/** The file that a bundled program is started with. */
export const PROGRAM_ENTRY = "start.js";

/**
 * The text of {@link PROGRAM_ENTRY}. In a bundle, packages in the form of CommonJS call a function
 * `require` for the modules of Node.js, which Deno has, but not under that name.
 */
export const PROGRAM_START = `globalThis.require = (name) => process.getBuiltinModule(name);
await import("./main.js");
`;

/**
 * Arguments of Deno that bundle `main.ts` of the current folder. The names and the bytes of what is
 * written depend on nothing but that folder's contents: comments, which name paths, are left away.
 *
 * @param folder where the files go
 */
export function bundleArguments(folder: string): string[] {
  return [
    ...["bundle", "--quiet", "--platform=deno", "--code-splitting", "--minify", "--keep-names"],
    ...[`--outdir=${folder}`, "main.ts"],
  ];
}

/**
 * Arguments of Deno that make the executable of the bundled program in the current folder. All
 * paths in it are relative: permissions are meant from where the executable is started.
 *
 * @param output the file to write
 */
export function compileArguments(target: TargetName, output: string, grants: Grants): string[] {
  return [
    "compile",
    ...startFlags(grants),
    // Nothing is to be taken from around the program, or written beside the data directory.
    ...["--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-code-cache", "--no-check"],
    ...[`--target=${target}`, "--app-name=chive", `--output=${output}`, PROGRAM_ENTRY],
  ];
}

/** Arguments of Deno with which the launcher of an archive starts the bundled program. */
export function launchArguments(grants: Grants): string[] {
  return [
    "run",
    ...startFlags(grants),
    ...["--no-config", "--no-lock", "--no-remote", "--no-npm", "--cached-only"],
  ];
}

/** What the user's environment may not change in how Deno runs the program. */
export const DENO_ENVIRONMENT: Readonly<Record<string, string>> = { DENO_NO_UPDATE_CHECK: "1" };

/** What `deno compile` says where it cannot get the runtime that it builds upon. */
export function isRuntimeMissing(said: string): boolean {
  return /denort-|dl\.deno\.land/.test(said);
}
