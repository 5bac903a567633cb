/** Build times in a folder of their own, under a clock that is moved by hand. */
import { BUILD_TIME_DOCUMENT } from "../../src/circuit/build_time_document.ts";
import { type BuildTimeOptions, BuildTimes } from "../../src/circuit/build_times.ts";
import { DataDirectory } from "../../src/state/data_directory.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { testNetDir } from "../path/test_network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { savedDocument } from "../state/saved_document.ts";

/** A fake clock whose wall clock can be set. */
export class JumpingClock extends FakeClock {
  /** By how many ms the wall clock was set forwards. */
  jumped = 0;

  override now(): number {
    return super.now() + this.jumped;
  }
}

/** What a test of build times works with. */
export interface Fixture {
  readonly clock: JumpingClock;
  readonly directory: DataDirectory;
  /** Loads the times of the folder, as a new run of the client would. */
  load(options?: Partial<BuildTimeOptions>): Promise<BuildTimes>;
  /** What the file has now. */
  saved(): Promise<unknown>;
}

/** Runs with an empty folder. */
export async function withBuildTimes(run: (fixture: Fixture) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using directory = await DataDirectory.open(folder);
    const clock = new JumpingClock();
    await run({
      clock,
      directory,
      load: (options) =>
        BuildTimes.load(directory, { clock, random: new SeededRandom(1) }, {
          learnCircuitBuildTimeout: true,
          circuitBuildTimeout: undefined,
          ...options,
        }),
      saved: async () => {
        const bytes = await directory.read(BUILD_TIME_DOCUMENT.name, 100_000);
        return bytes && savedDocument(bytes);
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A consensus with these parameters. */
export const parameters = (values: Record<string, number>) =>
  testNetDir({ relays: [], parameters: values });

/** Counts circuits that were built in 1,000 to 1,990 ms, evenly: 1,595 is the timeout after 100. */
export function learnFrom(times: BuildTimes, count: number): void {
  times.noteNetworkAlive();
  for (let n = 0; n < count; n++) times.noteBuilt(1000 + (n % 100) * 10, false);
}
