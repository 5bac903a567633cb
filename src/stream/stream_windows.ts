/**
 * Stream flow control by windows and SENDMEs, where a circuit has no congestion control (tor-spec,
 * "Stream-level flow control").
 *
 * @module
 */
import { RelayCommand } from "../cell/command.ts";
import { CircuitError } from "../circuit/errors.ts";
import type { FlowControlledStream, StreamFlowControl } from "./stream_flow_control.ts";

/** DATA messages that may be on their way before the first SENDME. */
const STREAM_WINDOW = 500;
/** DATA messages that one SENDME answers. */
const STREAM_INCREMENT = 50;

const EMPTY = new Uint8Array(0);

/** Both windows of one stream. */
export class StreamWindows implements StreamFlowControl {
  readonly #stream: FlowControlledStream;
  /** Messages received and not taken by the reader, and those that no SENDME has answered. */
  #untaken = 0;
  #unanswered = 0;
  #deliverWindow = STREAM_WINDOW;
  #packageWindow = STREAM_WINDOW;
  #closed = false;

  constructor(stream: FlowControlledStream) {
    this.#stream = stream;
  }

  maySend(): boolean {
    return this.#packageWindow > 0;
  }

  onSent(): void {
    this.#packageWindow--;
  }

  onReceived(): void {
    if (--this.#deliverWindow < 0) throw violation("more DATA than the stream window");
    this.#untaken++;
  }

  onTaken(): void {
    this.#unanswered += this.#untaken;
    this.#untaken = 0;
    while (this.#unanswered >= STREAM_INCREMENT && !this.#closed) {
      this.#unanswered -= STREAM_INCREMENT;
      this.#deliverWindow += STREAM_INCREMENT;
      this.#stream.sendFlowMessage(RelayCommand.SENDME, EMPTY);
    }
  }

  onDrained(): void {
    // The window was opened when the reader took the data.
  }

  onMessage(command: number): boolean {
    if (command !== RelayCommand.SENDME) return false;
    this.#packageWindow += STREAM_INCREMENT;
    if (this.#packageWindow > STREAM_WINDOW) throw violation("a stream SENDME that was not due");
    this.#stream.resume();
    return true;
  }

  halfOpen(): { data: number; sendmes: number } {
    return {
      data: this.#deliverWindow,
      sendmes: (STREAM_WINDOW - this.#packageWindow) / STREAM_INCREMENT | 0,
    };
  }

  close(): void {
    this.#closed = true;
  }
}

function violation(what: string): CircuitError {
  return new CircuitError("circuit-protocol-violation", `protocol violation: ${what}`);
}
