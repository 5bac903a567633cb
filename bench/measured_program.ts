/**
 * Which form of the program is measured: bundled, as it is released, or its source.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { PROGRAM_ENTRY } from "../scripts/compile_command.ts";
import { bundleProgram } from "../scripts/program_bundle.ts";
import { START_FLAGS } from "../scripts/start_flags.ts";
import { run } from "../tests/network/child_process.ts";

/** The program; disposing of it removes what was built. */
export interface MeasuredProgram extends AsyncDisposable {
  /** The file that Deno starts. */
  readonly path: string;
  /** In words. */
  readonly form: "source" | "released";
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** @param fromSource whether the source is measured, and not what is released */
export async function measuredProgram(fromSource: boolean): Promise<MeasuredProgram> {
  if (fromSource) {
    const nothing = () => Promise.resolve();
    return { path: `${ROOT}main.ts`, form: "source", [Symbol.asyncDispose]: nothing };
  }
  await using building = new AsyncDisposableStack();
  const build = { form: "portable", dataDirectory: "./chive-data" } as const;
  const { folder } = building.use(await bundleProgram(ROOT, build));
  const path = `${folder}/${PROGRAM_ENTRY}`;
  // Deno looks at the modules when it sees them for the first time, and remembers what it found.
  await run([Deno.execPath(), "run", ...START_FLAGS, path, "help", "run"]);
  const built = building.move();
  return { path, form: "released", [Symbol.asyncDispose]: () => built.disposeAsync() };
}
