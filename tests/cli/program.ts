/** The program, started as people start it. */
import { fileURLToPath } from "node:url";
import { ChildProcess } from "../network/child_process.ts";
import { permissionFlags } from "../network/start_flags.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The flag of Deno's without which no relay can be reached. */
export const CERTIFICATE_FLAG = "--unsafely-ignore-certificate-errors=192.0.2.1";

/** The flag without which certificates cannot be added to those that Deno trusts. */
export const SYSTEM_FLAG = "--allow-sys";

/**
 * The command that starts the program with the usual permissions, for one folder.
 *
 * @param folder the one that it may use
 * @param flags more flags of Deno's, among them {@link CERTIFICATE_FLAG} unless it is to fail
 */
export function chiveCommand(
  folder: string,
  flags: readonly string[],
  args: readonly string[],
): [string, ...string[]] {
  // What is denied cannot be allowed by another flag.
  const sys = flags.includes(SYSTEM_FLAG);
  return [
    ...[Deno.execPath(), "run", "--quiet", "--no-prompt", "--config", `${ROOT}deno.json`] as const,
    ...permissionFlags({ dataDirectory: folder, torrc: null, sys }),
    ...flags.filter((flag) => flag !== SYSTEM_FLAG),
    ...[`${ROOT}main.ts`, ...args],
  ];
}

/** Starts the program with permission for one folder. */
export function chive(
  folder: string,
  flags: readonly string[],
  args: readonly string[],
): ChildProcess {
  return new ChildProcess("chive", chiveCommand(folder, flags, args));
}

/** Gives `action` a new folder, which is gone afterwards. */
export async function inFolder(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "chive-run-" });
  try {
    await action(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Runs the program to its end: its exit code and what it printed, without Deno's own warning.
 *
 * @param folder the one that it may use
 */
export async function outcome(
  args: readonly string[],
  flags: readonly string[] = [CERTIFICATE_FLAG],
  folder = "/nonexistent",
): Promise<[number, string]> {
  await using child = chive(folder, flags, args);
  const { code } = await child.ended;
  const lines = child.log.split("\n").filter((line) => !line.includes("DANGER: TLS"));
  return [code, lines.join("\n")];
}
