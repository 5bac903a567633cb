/**
 * The one error hierarchy. Every room that can fail declares a table of codes, each with what a
 * caller may do about it, and a subclass of {@link TorError} over that table.
 *
 * @module
 */

/**
 * What a caller may do after an error:
 *
 * | value       | meaning                                                              |
 * | ----------- | -------------------------------------------------------------------- |
 * | `now`       | the same thing may be tried again at once (a lost race)               |
 * | `elsewhere` | another relay, circuit or directory may do better                     |
 * | `later`     | the same thing may work after a delay (network down, clock, schedule) |
 * | `never`     | trying again will fail in the same way                                |
 */
export type RetryAdvice = "now" | "elsewhere" | "later" | "never";

/** What is known about every error of one code. */
export interface ErrorFacts {
  /** Whether and where a retry can help. */
  readonly retry: RetryAdvice;
  /** What the person who runs the client can do, if anything; a full sentence. */
  readonly advice?: string;
}

/** A room's codes and their facts. Codes are kebab-case and unique in the project. */
export type ErrorTable = Readonly<Record<string, ErrorFacts>>;

/** The root of all errors that chive throws on purpose. */
export abstract class TorError<Code extends string = string> extends Error {
  /** A stable name for this kind of failure, to test and to count. */
  readonly code: Code;
  /** Whether and where a retry can help. */
  readonly retry: RetryAdvice;
  /** What the person who runs the client can do, if anything. */
  readonly advice: string | undefined;

  /**
   * Takes what is known from the table.
   *
   * @param table the room's table of codes
   * @param code one of the table's codes
   * @param message what happened, for a log; without destinations or secrets
   */
  protected constructor(
    table: Readonly<Record<Code, ErrorFacts>>,
    code: Code,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.retry = table[code].retry;
    this.advice = table[code].advice;
  }
}

/** A thrown value of any type as one line of text for a log. */
export function describeError(error: unknown): string {
  if (error instanceof TorError) return `${error.message} [${error.code}]`;
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return String(error);
}
