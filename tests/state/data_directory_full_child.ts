/** Writes to a data directory on a disk of 64 KiB, where temporary files go; reports as JSON. */
import { DataDirectory } from "../../src/state/data_directory.ts";
import { StateError } from "../../src/state/errors.ts";
import { LogLines } from "../directory/log_lines.ts";

const KIB = 1024;

await using log = await LogLines.collect();
using data = await DataDirectory.open(await Deno.makeTempDir());
const results: string[] = [];

async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action();
    results.push("done");
  } catch (error) {
    results.push(error instanceof StateError ? `${error.code}: ${error.message}` : String(error));
  }
}

async function lengths(): Promise<Record<string, number | undefined>> {
  const entries = ["journal", "file"].map(async (name) => {
    const bytes = await data.read(name, 100 * KIB);
    return [name, bytes?.length] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

await attempt(() => data.write("file", new Uint8Array(4 * KIB)));
await attempt(() => data.append("journal", new Uint8Array(32 * KIB)));
// There is room for a part of each of these.
await attempt(() => data.append("journal", new Uint8Array(40 * KIB)));
await attempt(() => data.write("file", [1, 2, 3].map(() => new Uint8Array(15 * KIB))));
const full = await lengths();
const fullLog = [...log.lines];
// What is small may fit, and says nothing of what is large.
await attempt(() => data.write("file", new Uint8Array(1)));
await attempt(() => data.append("journal", new Uint8Array(40 * KIB)));
await data.remove("journal");
await attempt(() => data.append("journal", new Uint8Array(40 * KIB)));
const names = [...Deno.readDirSync(data.path)].map(({ name }) => name).sort();
console.log(
  JSON.stringify({ results, full, fullLog, end: await lengths(), log: log.lines, names }),
);
