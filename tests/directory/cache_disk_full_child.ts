/**
 * A client's directory on a disk that is full from the start and has room later. The disk is where
 * temporary files go; what happened is written as JSON.
 */
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { LogLines } from "./log_lines.ts";
import { HOUR, ok, RunningDirectory, TestNetwork, VALID_AFTER } from "./test_directory.ts";

/** What the child found out. */
export interface DiskFullReport {
  /** Relays that were known, and files of any length, while the disk was full. */
  readonly relays: number;
  readonly ready: boolean;
  readonly files: readonly string[];
  readonly warnings: readonly string[];
  /** How many microdescriptors were on the disk at the end, and what was said. */
  readonly saved: number;
  readonly notices: readonly string[];
}

/** Uses all that is left of a disk. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  const bytes = new Uint8Array(4096);
  new SeededRandom(1).fill(bytes);
  try {
    for (;;) await file.write(bytes);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}

if (import.meta.main) {
  await using log = await LogLines.collect();
  const filler = await Deno.makeTempFile();
  await Deno.remove(filler);
  await fill(filler);
  const network = new TestNetwork(40);
  let current = network.consensus();
  await using run = await RunningDirectory.start({
    network,
    handler: ({ path }) => ok(network.serve(path, current) ?? new Uint8Array()),
  });
  await run.untilComplete();
  // The guards are saved some seconds later, and tried again each minute.
  await run.pass(10 * 60_000, 5000);
  const files = [...Deno.readDirSync(run.data.path)].map(({ name }) => name).filter((name) =>
    Deno.statSync(`${run.data.path}/${name}`).size > 0
  );
  const relays = run.directory.netDir?.relays.length ?? 0;
  const ready = run.directory.enoughForCircuits().ready;
  const warnings = log.lines.filter((line) => /^(warning|error|fatal)/.test(line));
  const before = log.lines.length;

  await Deno.remove(filler);
  current = network.consensus({ validAfter: VALID_AFTER + HOUR });
  const isNew = () => run.directory.netDir?.consensus.validAfter === VALID_AFTER + HOUR;
  while (!isNew()) await run.pass(60_000, 10_000);
  await run.pass(60_000, 10_000);
  await run.directory.close();
  const saved = new TextDecoder().decode(await run.file("cached-microdescs")) +
    new TextDecoder().decode(await run.file("cached-microdescs.new"));
  const report: DiskFullReport = {
    relays,
    ready,
    files,
    warnings,
    saved: saved.split("onion-key\n").length - 1,
    notices: log.lines.slice(before).filter((line) => /^(info|warning) .*director/i.test(line)),
  };
  console.log(JSON.stringify(report));
}
