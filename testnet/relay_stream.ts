/**
 * One stream at an embedded relay: bytes between a circuit and what the stream is opened to, with
 * the stream's flow control and backpressure both ways.
 *
 * @module
 */
import { RelayCommand } from "../src/cell/command.ts";
import type { Clock } from "../src/runtime/clock.ts";
import { encodeEnd, EndReason } from "./relay_messages.ts";
import {
  type FlowControlledStream,
  type RelayStreamFlow,
  WindowFlow,
  XonXoffFlow,
} from "./relay_stream_flow.ts";
import type { StreamCarrier } from "./relay_streams.ts";
import { type OpenedEndpoint, type StreamEndpoint, StreamRefusal } from "./stream_endpoint.ts";

/** DATA messages that one stream may send before the next has its turn. */
const TURN = 16;
/** The most that is read from the endpoint at once, in bytes. */
const READ_LENGTH = 32 * 1024;

/** A stream, from its BEGIN until it is ended from either side. */
export class RelayStream implements FlowControlledStream {
  readonly #circuit: StreamCarrier;
  readonly #id: number;
  readonly #onGone: () => void;
  readonly #closing = new AbortController();
  #endpoint: StreamEndpoint | undefined;
  readonly #flow: RelayStreamFlow;
  /** What is still to be written to the endpoint; flow control bounds it. */
  #queue: Uint8Array[] = [];
  #ended = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** @param onGone called when the stream has ended by itself */
  constructor(circuit: StreamCarrier, id: number, onGone: () => void) {
    this.#circuit = circuit;
    this.#id = id;
    this.#onGone = onGone;
    this.#flow = circuit.congestionControl ? new XonXoffFlow(this) : new WindowFlow(this);
  }

  get clock(): Clock {
    return this.#circuit.relay.runtime.clock;
  }

  say(command: number, body: Uint8Array): void {
    if (!this.#ended) this.#circuit.say(command, this.#id, body);
  }

  /** Opens the stream and carries its bytes until it ends; never rejects for what peers do. */
  async run(open: (signal: AbortSignal) => Promise<OpenedEndpoint>): Promise<void> {
    const { signal } = this.#circuit;
    const onCircuitClosed = () => this.close();
    signal.addEventListener("abort", onCircuitClosed, { once: true });
    try {
      const { endpoint, connected } = await open(this.#closing.signal);
      this.#endpoint = endpoint;
      if (this.#closing.signal.aborted) return this.#closeEndpoint();
      this.#circuit.say(RelayCommand.CONNECTED, this.#id, connected);
      await this.#carry(endpoint);
    } catch (error) {
      if (!(error instanceof StreamRefusal)) throw error;
      this.#sayEnd(error.end);
    } finally {
      this.close();
      signal.removeEventListener("abort", onCircuitClosed);
    }
  }

  /** There may be room on the circuit again. */
  wake(): void {
    this.#wakeReader?.();
  }

  /**
   * DATA came from the client.
   *
   * @returns false when it is more than flow control allows
   */
  onData(body: Uint8Array): boolean {
    if (this.#ended) return true;
    if (!this.#flow.onReceived(body.length)) return false;
    this.#queue.push(body.slice());
    this.#wakeWriter?.();
    return true;
  }

  /**
   * A SENDME, XON or XOFF came from the client.
   *
   * @returns false when it must not
   * @throws CellError when it is malformed
   */
  onFlowMessage(command: number, body: Uint8Array): boolean {
    return this.#ended || this.#flow.onMessage(command, body);
  }

  /** END came from the client: what it sent before is still delivered. */
  onEnd(): void {
    this.#ended = true;
    this.#wakeReader?.();
    this.#wakeWriter?.();
    if (this.#endpoint === undefined) this.close();
  }

  /** Ends the stream at once and without a word. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#ended = true;
    this.#queue = [];
    this.#flow.close();
    this.#closeEndpoint();
    this.#wakeReader?.();
    this.#wakeWriter?.();
    this.#onGone();
  }

  #closeEndpoint(): void {
    this.#endpoint?.close();
    this.#endpoint = undefined;
  }

  #sayEnd(body: Uint8Array): void {
    if (this.#ended || this.#circuit.signal.aborted) return;
    this.#circuit.say(RelayCommand.END, this.#id, body);
  }

  /** Carries bytes both ways until the endpoint or the client ends the stream. */
  async #carry(endpoint: StreamEndpoint): Promise<void> {
    const writing = this.#writeForward(endpoint);
    try {
      await this.#readBackward(endpoint);
      this.#sayEnd(encodeEnd(EndReason.DONE));
    } catch {
      // The endpoint was reset, or closed because the stream has ended.
      this.#sayEnd(encodeEnd(EndReason.MISC));
    }
    // What the client sent before its own END is still to be written; the rest nobody takes.
    if (!this.#ended) this.close();
    await writing;
  }

  async #readBackward(endpoint: StreamEndpoint): Promise<void> {
    const buffer = new Uint8Array(READ_LENGTH);
    for (;;) {
      while (this.#mustWait) await this.#woken();
      if (this.#ended) return;
      const length = await endpoint.read(buffer);
      if (length === null) return;
      for (let at = 0, sent = 1; at < length; sent++) {
        if (sent % TURN === 0) await Promise.resolve();
        // Nothing may be awaited between this look and the message: other streams wait for the
        // same room.
        while (this.#mustWait) await this.#woken();
        if (this.#ended) return;
        const end = Math.min(length, at + this.#circuit.nextDataLength);
        this.#flow.onSent(end - at);
        this.#circuit.say(RelayCommand.DATA, this.#id, buffer.subarray(at, end));
        at = end;
      }
    }
  }

  /** Whether a DATA message must wait for flow control or for room on the link. */
  get #mustWait(): boolean {
    return !this.#ended && !(this.#circuit.canPackage && this.#flow.maySend());
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wakeReader = resolve);
  }

  async #writeForward(endpoint: StreamEndpoint): Promise<void> {
    try {
      while (this.#queue.length > 0 || !this.#ended) {
        const pieces = this.#queue;
        this.#queue = [];
        if (pieces.length === 0) await new Promise<void>((resolve) => this.#wakeWriter = resolve);
        const bytes = joined(pieces);
        for (let at = 0; at < bytes.length;) at += await endpoint.write(bytes.subarray(at));
        this.#flow.onDelivered(pieces.length, bytes.length);
      }
    } catch {
      // It takes nothing more: the reader sees the same, or sees it closed, and ends the stream.
    }
    this.#closeEndpoint();
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
