/**
 * The one answer that a circuit under construction waits for.
 *
 * @module
 */
import { abortable } from "../runtime/deadline.ts";

/** Waits for one cell or message at a time. */
export class AwaitedAnswer {
  #awaited: { readonly command: number; resolve(body: Uint8Array): void } | undefined;

  /** The command of the cell or message that is waited for; undefined for none. */
  get command(): number | undefined {
    return this.#awaited?.command;
  }

  /**
   * Resolves with the body of the answer.
   *
   * @throws the reason of whichever signal is aborted first
   */
  expect(command: number, signals: readonly AbortSignal[]): Promise<Uint8Array> {
    let answer = new Promise<Uint8Array>((resolve) => this.#awaited = { command, resolve });
    for (const signal of signals) answer = abortable(answer, signal);
    // What is to be answered may fail to be sent, and then nobody waits for the answer.
    answer.catch(() => {});
    return answer;
  }

  /** The answer has come; its body is kept. */
  resolve(body: Uint8Array): void {
    const awaited = this.#awaited;
    this.#awaited = undefined;
    awaited?.resolve(body);
  }
}
