/**
 * One stream at an embedded relay: bytes between a circuit and what the stream is opened to, with
 * the stream's windows and backpressure both ways.
 *
 * @module
 */
import { RelayCommand } from "../src/cell/command.ts";
import type { RelayCircuit } from "./relay_circuit.ts";
import { encodeEnd, EndReason } from "./relay_messages.ts";
import { type OpenedEndpoint, type StreamEndpoint, StreamRefusal } from "./stream_endpoint.ts";

/** DATA messages that may be on their way before the first stream SENDME. */
const STREAM_WINDOW = 500;
/** DATA messages that one stream SENDME answers. */
const STREAM_INCREMENT = 50;
/** DATA messages that one stream may send before the next has its turn. */
const TURN = 16;
/** The most that is read from the endpoint at once, in bytes. */
const READ_LENGTH = 32 * 1024;

const EMPTY = new Uint8Array(0);

/** A stream, from its BEGIN until it is ended from either side. */
export class RelayStream {
  readonly #circuit: RelayCircuit;
  readonly #id: number;
  readonly #onGone: () => void;
  readonly #closing = new AbortController();
  #endpoint: StreamEndpoint | undefined;
  #packageWindow = STREAM_WINDOW;
  #deliverWindow = STREAM_WINDOW;
  #delivered = 0;
  /** What is still to be written to the endpoint; the window bounds it. */
  #queue: Uint8Array[] = [];
  #ended = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** @param onGone called when the stream has ended by itself */
  constructor(circuit: RelayCircuit, id: number, onGone: () => void) {
    this.#circuit = circuit;
    this.#id = id;
    this.#onGone = onGone;
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
   * @returns false when it is more than the window allows
   */
  onData(body: Uint8Array): boolean {
    if (this.#ended) return true;
    if (--this.#deliverWindow < 0) return false;
    this.#queue.push(body.slice());
    this.#wakeWriter?.();
    return true;
  }

  /**
   * A stream SENDME came from the client.
   *
   * @returns false when it was not due
   */
  onSendme(): boolean {
    this.#packageWindow += STREAM_INCREMENT;
    if (this.#packageWindow > STREAM_WINDOW) return false;
    this.#wakeReader?.();
    return true;
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
        this.#packageWindow--;
        this.#circuit.say(RelayCommand.DATA, this.#id, buffer.subarray(at, end));
        at = end;
      }
    }
  }

  /** Whether a DATA message must wait for room in a window or on the link. */
  get #mustWait(): boolean {
    return !this.#ended && !(this.#packageWindow > 0 && this.#circuit.canPackage);
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
        this.#noteDelivered(pieces.length);
      }
    } catch {
      // It takes nothing more: the reader sees the same, or sees it closed, and ends the stream.
    }
    this.#closeEndpoint();
  }

  #noteDelivered(messages: number): void {
    this.#delivered += messages;
    while (this.#delivered >= STREAM_INCREMENT) {
      this.#delivered -= STREAM_INCREMENT;
      this.#deliverWindow += STREAM_INCREMENT;
      if (!this.#ended) this.#circuit.say(RelayCommand.SENDME, this.#id, EMPTY);
    }
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
