/**
 * The launchers of portable archives: what people start, beside `lib/` with Deno and the program.
 *
 * @module
 */
import type { BuildTarget } from "./build_targets.ts";
import { DENO_ENVIRONMENT, launchArguments, PROGRAM_ENTRY } from "./compile_command.ts";
import type { Grants } from "./start_flags.ts";

/** A launcher. */
export interface Launcher {
  /** The name of its file. */
  readonly name: string;
  readonly text: string;
}

/** The launcher for a system, with the permissions that the program gets. */
export function launcher(os: BuildTarget["os"], grants: Grants): Launcher {
  return os === "windows"
    ? { name: "chive.cmd", text: windowsLauncher(grants) }
    : { name: "chive", text: shellLauncher(grants) };
}

/** For any POSIX shell. A link to it may lie anywhere. */
function shellLauncher(grants: Grants): string {
  return `#!/bin/sh
# Starts chive with the permissions that it is meant to have, and no others.
set -eu
file=$0
while [ -L "$file" ]; do
  target=$(readlink "$file")
  case $target in
    /*) file=$target ;;
    *) file=$(dirname "$file")/$target ;;
  esac
done
lib=$(CDPATH='' cd "$(dirname "$file")/lib" && pwd)
# What Deno has found out about the program it keeps here, if it may write here. It starts faster
# then, and needs less memory.
export DENO_DIR="$lib/cache"
${exports()}unset DENO_V8_FLAGS NODE_OPTIONS
exec "$lib/deno" ${launchArguments(grants).map(shellQuoted).join(" \\\n  ")} \\
  "$lib/program/${PROGRAM_ENTRY}" "$@"
`;
}

function exports(): string {
  return Object.entries(DENO_ENVIRONMENT)
    .map(([name, value]) => `export ${name}=${shellQuoted(value)}\n`)
    .join("");
}

/** For cmd.exe, and so for PowerShell too. */
function windowsLauncher(grants: Grants): string {
  const environment = { ...DENO_ENVIRONMENT, DENO_DIR: "%~dp0lib\\cache" };
  const lines = [
    "@echo off",
    "rem Starts chive with the permissions that it is meant to have, and no others.",
    "setlocal",
    ...Object.entries(environment).map(([name, value]) => `set "${name}=${value}"`),
    'set "DENO_V8_FLAGS="',
    'set "NODE_OPTIONS="',
    `"%~dp0lib\\deno.exe" ${
      launchArguments(grants).map(windowsQuoted).join(" ")
    } "%~dp0lib\\program\\${PROGRAM_ENTRY}" %*`,
    "exit /b %ERRORLEVEL%",
  ];
  return lines.map((line) => `${line}\r\n`).join("");
}

function shellQuoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** @throws TypeError for what cmd.exe has no way to write */
function windowsQuoted(word: string): string {
  if (/["\r\n]/.test(word)) throw new TypeError(`a launcher for Windows cannot name '${word}'`);
  const literal = word.replaceAll("%", "%%");
  return /^[\w@+=:,./\\-]+$/.test(word) ? literal : `"${literal}"`;
}
