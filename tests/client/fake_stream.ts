/**
 * A stream whose other end is the test.
 *
 * @module
 */
import type { ByteStream } from "../../src/runtime/byte_stream.ts";

/** What arrives is queued; what is written is kept, and taken when the test allows it. */
export class FakeStream implements ByteStream {
  readonly written: string[] = [];
  reads = 0;
  closed = 0;
  /** Resolves each write; until the test replaces it, at once. */
  takeWrite: Promise<void> = Promise.resolve();
  readonly #arrived: (Uint8Array | Error | null)[] = [];
  #wake: (() => void) | undefined;

  /** Makes something arrive; `null` is the end. */
  arrive(what: string | Error | null): void {
    this.#arrived.push(typeof what === "string" ? new TextEncoder().encode(what) : what);
    this.#wake?.();
  }

  async read(): Promise<Uint8Array | null> {
    this.reads++;
    while (this.#arrived.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const next = this.#arrived.shift();
    if (next === undefined || next instanceof Error) throw next;
    return next;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.written.push(new TextDecoder().decode(bytes));
    await this.takeWrite;
  }

  close(): void {
    this.closed++;
    this.arrive(new Error("closed on this side"));
  }
}
