/**
 * What a running client has around it: the log and the monitor. These can be changed while it runs;
 * what the client itself was started with cannot.
 *
 * @module
 */
import type { RunningClient } from "../client/running_client.ts";
import type { ConfigResult } from "../config/build.ts";
import { changedOptions, type Sources } from "../config/changed_options.ts";
import type { Config } from "../config/config.ts";
import { describeError } from "../errors/tor_error.ts";
import type { Monitor } from "../monitor/monitor.ts";
import { configureLogging } from "../observe/configure.ts";
import { Logger } from "../observe/log.ts";
import { RecentLines } from "../observe/recent_lines.ts";
import type { Clock } from "../runtime/clock.ts";
import { parseCommandLine, type ReadFile } from "./command_line.ts";
import type { LiveDisplay } from "./live_display.ts";
import { isReloadable, MONITOR_OPTIONS } from "./reloadable_options.ts";
import { VERSION } from "./version.ts";

const log = new Logger("config");

/** A configuration with the lines that it was made of. */
export type Configured = Pick<ConfigResult, "config"> & { readonly sources: Sources };

interface Parts {
  readonly clock: Clock;
  /** What is below the log on the terminal, if anything. */
  readonly display: LiveDisplay | undefined;
  /** Gives a file's text. */
  readonly readFile: ReadFile;
  /** Gets the last warnings. */
  readonly warned: RecentLines;
}

/** The log and the monitor of one client; disposing of it ends both. */
export class Surroundings implements AsyncDisposable {
  readonly #parts: Parts;
  /** What the client was started with, and what was read last. */
  readonly #start: Sources;
  #present: Configured;
  #logging: AsyncDisposable;
  #client: RunningClient | undefined;
  #monitor: Monitor | undefined;
  /** Reloads take turns. */
  #reloading: Promise<void> = Promise.resolve();

  private constructor(configured: Configured, logging: AsyncDisposable, parts: Parts) {
    this.#start = configured.sources;
    this.#present = configured;
    this.#logging = logging;
    this.#parts = parts;
  }

  /**
   * Begins to log, and then to listen at the MetricsPort, if there is one.
   *
   * @throws ObserveError when a log file cannot be opened, MonitorError when it cannot listen
   */
  static async open(
    configured: Configured,
    given: Omit<Parts, "warned" | "readFile"> & Partial<Parts>,
  ): Promise<Surroundings> {
    const parts = { warned: new RecentLines(), readFile: Deno.readTextFileSync, ...given };
    const logging = await startLogging(configured.config, parts);
    try {
      const surroundings = new Surroundings(configured, logging, parts);
      surroundings.#monitor = await surroundings.#startMonitor(configured.config);
      return surroundings;
    } catch (error) {
      await logging[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** From now on the monitor tells about `client`. To be called once. */
  watch(client: RunningClient): void {
    this.#client = client;
    this.#monitor?.watch(client);
  }

  /**
   * Reads the configuration again, does what can be done and logs what cannot. Log files are opened
   * anew in any case, for programs that move them away. What is wrong is logged, and all stays as it
   * was then.
   *
   * @param args the arguments that the program was started with
   * @returns resolves when it is done; never rejects
   */
  reload(args: readonly string[]): Promise<void> {
    this.#reloading = this.#reloading.then(() => this.#reload(args)).catch((error) => {
      log.warn(`The configuration is as it was: ${describeError(error)}`);
    });
    return this.#reloading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reloading;
    await this.#monitor?.[Symbol.asyncDispose]();
    await this.#logging[Symbol.asyncDispose]();
  }

  async #reload(args: readonly string[]): Promise<void> {
    const fresh = parseCommandLine(args, this.#parts.readFile);
    // The arguments are those of a client that runs.
    if (fresh.kind !== "run") return;
    const before = this.#present;
    const live = changedOptions(before.sources, fresh.sources).filter(isReloadable);
    const lasting = changedOptions(this.#start, fresh.sources).filter((name) =>
      !isReloadable(name)
    );
    const logging = await startLogging(fresh.config, this.#parts);
    await this.#logging[Symbol.asyncDispose]();
    this.#logging = logging;
    this.#present = fresh;
    for (const line of fresh.warnings) log.warn(line);
    if (live.some((name) => MONITOR_OPTIONS.includes(name))) {
      await this.#restartMonitor(before.config, fresh.config);
    }
    log.notice(
      "The configuration was read again, and log files were opened anew. " +
        (live.length === 0
          ? "Nothing else has changed."
          : `In use from now on: ${live.join(", ")}.`),
    );
    if (lasting.length > 0) {
      log.warn(`Changed, but in use only after a restart: ${lasting.join(", ")}.`);
    }
  }

  /** The one that runs may have the same port, so it ends first; if the new one fails, it is begun again. */
  async #restartMonitor(before: Config, fresh: Config): Promise<void> {
    await this.#monitor?.[Symbol.asyncDispose]();
    this.#monitor = undefined;
    try {
      this.#monitor = await this.#startMonitor(fresh);
    } catch (error) {
      log.warn(`The MetricsPort is as it was: ${describeError(error)}`);
      this.#monitor = await this.#startMonitor(before);
    }
  }

  /** Its code is loaded only where it is needed. */
  async #startMonitor(config: Config): Promise<Monitor | undefined> {
    const { metrics: options, safeLogging } = config;
    const { clock, warned: warnings } = this.#parts;
    if (options.ports.length === 0) return undefined;
    const { Monitor } = await import("../monitor/monitor.ts");
    const monitor = Monitor.listen({ clock, options, version: VERSION, warnings, safeLogging });
    if (this.#client !== undefined) monitor.watch(this.#client);
    return monitor;
  }
}

function startLogging(
  config: Config,
  { display, warned: recent }: Pick<Parts, "display" | "warned">,
): Promise<AsyncDisposable> {
  // Where standard error is another thing than the terminal, its lines do not disturb the display.
  const terminal = (stream: "stdout" | "stderr") => Deno[stream].isTerminal() ? display : undefined;
  return configureLogging(config.logs, { ...config, recent, terminal });
}
