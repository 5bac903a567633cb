/**
 * What the client remembers from one run to the next.
 *
 * @module
 */
import { BuildTimes } from "../circuit/build_times.ts";
import type { Config } from "../config/config.ts";
import type { GuardFilterMaker } from "../guard/guard_filter.ts";
import { GuardSample } from "../guard/guard_sample.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { DataDirectory } from "../state/data_directory.ts";
import { Dormancy } from "./dormancy.ts";

/** What {@link ClientState.load} is given beside the configuration. */
export interface ClientStateParts {
  readonly runtime: Runtime;
  readonly guardFilter: GuardFilterMaker;
  /** How many streams of applications are open. */
  readonly openStreams: () => number;
}

/** The data directory, locked for this process, and the documents in it that several rooms use. */
export class ClientState {
  readonly data: DataDirectory;
  readonly guards: GuardSample;
  readonly buildTimes: BuildTimes;
  readonly dormancy: Dormancy;

  private constructor(
    data: DataDirectory,
    guards: GuardSample,
    buildTimes: BuildTimes,
    dormancy: Dormancy,
  ) {
    this.data = data;
    this.guards = guards;
    this.buildTimes = buildTimes;
    this.dormancy = dormancy;
  }

  /**
   * Opens the data directory and reads what is in it.
   *
   * @throws StateError when it is in use or unusable; nothing stays open then
   */
  static async load(config: Config, parts: ClientStateParts): Promise<ClientState> {
    const { runtime, guardFilter, openStreams } = parts;
    const data = await DataDirectory.open(config.dataDirectory);
    try {
      const { clock } = runtime;
      const [guards, buildTimes, dormancy] = await Promise.all([
        GuardSample.load(data, runtime, config, guardFilter),
        BuildTimes.load(data, runtime, config),
        Dormancy.load(data, { clock, options: config.dormant, openStreams }),
      ]);
      return new ClientState(data, guards, buildTimes, dormancy);
    } catch (error) {
      data[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Saves everything, as far as it can be saved, and lets the data directory go.
   *
   * @throws StateError `state-file-unwritable`, after all has been tried
   */
  async close(): Promise<void> {
    const documents = [this.guards, this.buildTimes, this.dormancy];
    const saved = await Promise.allSettled(documents.map((document) => document.close()));
    this.data[Symbol.dispose]();
    const failed = saved.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  }
}
