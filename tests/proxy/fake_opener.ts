/**
 * A stream room without Tor: streams that a test fills, empties and fails by hand.
 *
 * @module
 */
import type { ByteStream } from "../../src/runtime/byte_stream.ts";
import type { EarlyData } from "../../src/stream/early_data.ts";
import type {
  Isolation,
  ResolvedAnswer,
  StreamOpener,
  StreamTarget,
} from "../../src/stream/opener.ts";

/** A stream whose far end is the test. */
export class FakeStream implements ByteStream {
  /** Everything that was written, in order. */
  written = new Uint8Array(0);
  /** Called with every write; the write resolves when it does. */
  onWrite: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
  /** How often read was called. */
  reads = 0;
  readonly closed: Promise<void>;
  isClosed = false;

  readonly #arrived: (Uint8Array | null | Error)[] = [];
  readonly #markClosed: () => void;
  #reader: (() => void) | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#markClosed = resolve;
  }

  /** Makes bytes, the end (null) or an error arrive from the far end. */
  deliver(item: Uint8Array | null | Error): void {
    this.#arrived.push(item);
    this.#reader?.();
  }

  async read(): Promise<Uint8Array | null> {
    this.reads++;
    while (this.#arrived.length === 0 && !this.isClosed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#reader = resolve;
      await promise;
    }
    const item = this.isClosed ? null : this.#arrived.shift() ?? null;
    if (item instanceof Error) throw item;
    return item;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.isClosed) throw new Error("FakeStream: closed");
    const all = new Uint8Array(this.written.length + bytes.length);
    all.set(this.written);
    all.set(bytes, this.written.length);
    this.written = all;
    await this.onWrite?.(bytes);
  }

  close(): void {
    this.isClosed = true;
    this.#markClosed();
    this.#reader?.();
  }
}

/** One call of `open`. */
export interface OpenCall {
  readonly target: StreamTarget;
  readonly isolation: Isolation;
  readonly early: EarlyData;
  readonly signal: AbortSignal;
}

/** Answers as the test tells it to, and remembers what it was asked. */
export class FakeOpener implements StreamOpener {
  readonly opened: OpenCall[] = [];
  readonly lookups: { readonly asked: string; readonly isolation: Isolation }[] = [];
  /** What `open` does; echoes unless the test says otherwise. */
  onOpen: (call: OpenCall) => ByteStream | Promise<ByteStream> = ({ early }) => echo(early);
  /** What `resolve` and `resolveReverse` do. */
  onLookup: (asked: string, signal: AbortSignal) => ResolvedAnswer[] | Promise<ResolvedAnswer[]> =
    () => [];

  async open(
    target: StreamTarget,
    isolation: Isolation,
    early: EarlyData,
    signal: AbortSignal,
  ): Promise<ByteStream> {
    const call = { target, isolation, early, signal };
    this.opened.push(call);
    return await this.onOpen(call);
  }

  async resolve(
    name: string,
    isolation: Isolation,
    signal: AbortSignal,
  ): Promise<ResolvedAnswer[]> {
    this.lookups.push({ asked: name, isolation });
    return await this.onLookup(name, signal);
  }

  async resolveReverse(
    address: string,
    isolation: Isolation,
    signal: AbortSignal,
  ): Promise<ResolvedAnswer[]> {
    this.lookups.push({ asked: address, isolation });
    return await this.onLookup(address, signal);
  }
}

/** A stream that gives back what is written to it, the early data first. */
export function echo(early: EarlyData): FakeStream {
  const stream = new FakeStream();
  stream.onWrite = (bytes) => stream.deliver(bytes.slice());
  if (early.bytes.length > 0) stream.deliver(early.bytes);
  early.close();
  return stream;
}

/** Rejects with the signal's reason when it is aborted, and never resolves. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
