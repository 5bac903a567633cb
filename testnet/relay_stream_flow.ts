/**
 * Flow control of one stream at an embedded relay: by windows and SENDMEs, or by XON and XOFF where
 * the circuit has congestion control.
 *
 * @module
 */
import { RelayCommand } from "../src/cell/command.ts";
import { decodeXoff, decodeXon, encodeXoff, encodeXon } from "../src/cell/flow_control_messages.ts";
import { DEFAULT_STREAM_FLOW_CONTROL } from "../src/circuit/stream_flow_control_parameters.ts";
import type { Clock, Timer } from "../src/runtime/clock.ts";
import { SendRate } from "../src/stream/send_rate.ts";

/** DATA messages that may be on their way before the first stream SENDME. */
const STREAM_WINDOW = 500;
/** DATA messages that one stream SENDME answers. */
const STREAM_INCREMENT = 50;

const EMPTY = new Uint8Array(0);

/** What flow control uses of its stream. */
export interface FlowControlledStream {
  readonly clock: Clock;
  /** Sends a message to the client, unless the stream has ended. */
  say(command: number, body: Uint8Array): void;
  /** Data may be sent again. */
  wake(): void;
}

/** Decides what one stream may send to the client, and tells the client what it may. */
export interface RelayStreamFlow {
  /** Whether a DATA message may be sent now. */
  maySend(): boolean;
  /** A DATA message of so many bytes was sent. */
  onSent(length: number): void;
  /**
   * A DATA message of so many bytes came.
   *
   * @returns false when it is more than allowed, for which the circuit is to be closed
   */
  onReceived(length: number): boolean;
  /** So many messages, and bytes in them, were delivered to where the stream leads. */
  onDelivered(messages: number, length: number): void;
  /**
   * A SENDME, XON or XOFF came.
   *
   * @returns false when it must not, for which the circuit is to be closed
   * @throws CellError when it is malformed
   */
  onMessage(command: number, body: Uint8Array): boolean;
  /** The stream has ended. */
  close(): void;
}

/** Windows of 500 messages each way. */
export class WindowFlow implements RelayStreamFlow {
  readonly #stream: FlowControlledStream;
  #packageWindow = STREAM_WINDOW;
  #deliverWindow = STREAM_WINDOW;
  #delivered = 0;

  constructor(stream: FlowControlledStream) {
    this.#stream = stream;
  }

  maySend(): boolean {
    return this.#packageWindow > 0;
  }

  onSent(): void {
    this.#packageWindow--;
  }

  onReceived(): boolean {
    return --this.#deliverWindow >= 0;
  }

  onDelivered(messages: number): void {
    this.#delivered += messages;
    while (this.#delivered >= STREAM_INCREMENT) {
      this.#delivered -= STREAM_INCREMENT;
      this.#deliverWindow += STREAM_INCREMENT;
      this.#stream.say(RelayCommand.SENDME, EMPTY);
    }
  }

  onMessage(command: number): boolean {
    if (command !== RelayCommand.SENDME) return false;
    this.#packageWindow += STREAM_INCREMENT;
    if (this.#packageWindow > STREAM_WINDOW) return false;
    this.#stream.wake();
    return true;
  }

  close(): void {
    // There is no timer.
  }
}

/** XON and XOFF. The rate in XON is that from the XOFF on until all was delivered. */
export class XonXoffFlow implements RelayStreamFlow {
  readonly #stream: FlowControlledStream;
  readonly #rate: SendRate;
  #stopped = false;
  #resuming: Timer | undefined;
  #queued = 0;
  /** When XOFF was sent, in ms, and how many bytes were delivered since; undefined after XON. */
  #xoffSent: { readonly at: number; delivered: number } | undefined;

  constructor(stream: FlowControlledStream) {
    this.#stream = stream;
    this.#rate = new SendRate(stream.clock);
  }

  maySend(): boolean {
    if (this.#stopped) return false;
    if (this.#rate.isOpen) return true;
    this.#resuming ??= this.#stream.clock.setTimer(() => {
      this.#resuming = undefined;
      this.#stream.wake();
    }, this.#rate.wait);
    return false;
  }

  onSent(length: number): void {
    this.#rate.spend(length);
  }

  onReceived(length: number): boolean {
    this.#queued += length;
    if (this.#xoffSent === undefined && this.#queued > DEFAULT_STREAM_FLOW_CONTROL.xoffExit) {
      this.#xoffSent = { at: this.#stream.clock.monotonic(), delivered: 0 };
      this.#stream.say(RelayCommand.XOFF, encodeXoff());
    }
    return true;
  }

  onDelivered(_messages: number, length: number): void {
    this.#queued -= length;
    const xoff = this.#xoffSent;
    if (xoff === undefined) return;
    xoff.delivered += length;
    if (this.#queued > 0) return;
    this.#xoffSent = undefined;
    const milliseconds = Math.max(1, this.#stream.clock.monotonic() - xoff.at);
    const rate = Math.max(1, Math.floor(xoff.delivered / milliseconds));
    this.#stream.say(RelayCommand.XON, encodeXon(rate));
  }

  onMessage(command: number, body: Uint8Array): boolean {
    switch (command) {
      case RelayCommand.XOFF:
        decodeXoff(body);
        if (this.#stopped) return false;
        this.#stopped = true;
        return true;
      case RelayCommand.XON: {
        const rate = decodeXon(body) * 1000;
        this.#stopped = false;
        this.#rate.limit(rate === 0 ? Infinity : rate);
        this.#stream.wake();
        return true;
      }
      default:
        return false;
    }
  }

  close(): void {
    this.#resuming?.cancel();
  }
}
