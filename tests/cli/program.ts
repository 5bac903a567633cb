/** The program, started as people start it. */
import { fileURLToPath } from "node:url";
import { ChildProcess } from "../network/child_process.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The flag of Deno's without which no relay can be reached. */
export const CERTIFICATE_FLAG = "--unsafely-ignore-certificate-errors=192.0.2.1";

/** Starts the program with permission for one folder. */
export function chive(
  folder: string,
  flags: readonly string[],
  args: readonly string[],
): ChildProcess {
  return new ChildProcess("chive", [
    ...[Deno.execPath(), "run", "--quiet", "--no-prompt", "--config", `${ROOT}deno.json`] as const,
    ...["--allow-net", `--allow-read=${folder}`, `--allow-write=${folder}`, ...flags],
    ...[`${ROOT}main.ts`, ...args],
  ]);
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
