/**
 * What the client says in its log while a test runs, and the wait for it.
 *
 * @module
 */
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { abortable } from "../../src/runtime/deadline.ts";

interface Waiter {
  readonly part: string;
  resolve(line: string): void;
}

/** All lines of all levels, each as "level message" with the logging library's names of levels. */
export class LogWatch implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #waiters = new Set<Waiter>();

  private constructor() {}

  /** Takes the log from now on until it is disposed of; there can be only one at a time. */
  static async start(): Promise<LogWatch> {
    const watch = new LogWatch();
    await configure({
      sinks: { test: (record: LogRecord) => watch.#add(record) },
      loggers: [
        { category: ["logtape", "meta"], sinks: [] },
        { category: ["chive"], sinks: ["test"], lowestLevel: "trace" },
      ],
      reset: true,
    });
    return watch;
  }

  /** How many lines say this. */
  count(part: string): number {
    return this.lines.filter((line) => line.includes(part)).length;
  }

  /**
   * The first line that says this; waits for it when it has not come yet.
   *
   * @throws the signal's reason
   */
  until(part: string, signal?: AbortSignal): Promise<string> {
    const past = this.lines.find((line) => line.includes(part));
    if (past !== undefined) return Promise.resolve(past);
    const said = new Promise<string>((resolve) => this.#waiters.add({ part, resolve }));
    return abortable(said, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await reset();
  }

  #add(record: LogRecord): void {
    const line = `${record.level} ${record.message.join("")}`;
    this.lines.push(line);
    for (const waiter of [...this.#waiters]) {
      if (!line.includes(waiter.part)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(line);
    }
  }
}
