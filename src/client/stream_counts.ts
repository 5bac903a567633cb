/**
 * What became of the requests of applications.
 *
 * @module
 */
import { TorError } from "../errors/tor_error.ts";
import type { StreamOpener } from "../stream/opener.ts";

/** Numbers of requests since the start. */
export interface StreamOutcomes {
  /** Streams that were opened. */
  readonly opened: number;
  /** Names and addresses that were looked up. */
  readonly resolved: number;
  /** Requests that the application gave up before they were answered. */
  readonly abandoned: number;
  /** Requests that failed, by the code of the error. */
  readonly failures: ReadonlyMap<string, number>;
}

/** Counts what passes through openers. */
export class StreamCounts {
  readonly #failures = new Map<string, number>();
  #opened = 0;
  #resolved = 0;
  #abandoned = 0;

  /** Since the start. */
  get outcomes(): StreamOutcomes {
    return {
      opened: this.#opened,
      resolved: this.#resolved,
      abandoned: this.#abandoned,
      failures: this.#failures,
    };
  }

  /** An opener that does what `opener` does, and is counted. */
  counting(opener: StreamOpener): StreamOpener {
    const opened = () => void this.#opened++;
    const resolved = () => void this.#resolved++;
    return {
      open: (target, isolation, early, signal) =>
        this.#count(opener.open(target, isolation, early, signal), signal, opened),
      resolve: (name, isolation, signal) =>
        this.#count(opener.resolve(name, isolation, signal), signal, resolved),
      resolveReverse: (address, isolation, signal) =>
        this.#count(opener.resolveReverse(address, isolation, signal), signal, resolved),
    };
  }

  async #count<Answer>(
    answer: Promise<Answer>,
    signal: AbortSignal,
    onSuccess: () => void,
  ): Promise<Answer> {
    try {
      const given = await answer;
      onSuccess();
      return given;
    } catch (error) {
      if (error instanceof TorError) this.#noteFailure(error.code);
      else if (signal.aborted) this.#abandoned++;
      else this.#noteFailure("unknown");
      throw error;
    }
  }

  #noteFailure(code: string): void {
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
  }
}
