/** Collects what is logged while a test runs. */
import { configure, type LogRecord, reset } from "@logtape/logtape";

/** Each line as "level message", with the logging library's names of levels. */
export class LogLines implements AsyncDisposable {
  readonly lines: string[] = [];

  static async collect(): Promise<LogLines> {
    const collected = new LogLines();
    await configure({
      sinks: {
        test: (record: LogRecord) =>
          void collected.lines.push(`${record.level} ${record.message.join("")}`),
      },
      loggers: [
        { category: ["logtape", "meta"], sinks: [] },
        { category: ["chive"], sinks: ["test"], lowestLevel: "trace" },
      ],
      reset: true,
    });
    return collected;
  }

  /** How many lines say this. */
  count(part: string): number {
    return this.lines.filter((line) => line.includes(part)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await reset();
  }
}
