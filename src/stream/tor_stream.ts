/**
 * One stream through a circuit: BEGIN to END, with its windows (tor-spec, "Application connections
 * and stream management", "Stream-level flow control").
 *
 * @module
 */
import { RelayCommand, relayCommandName } from "../cell/command.ts";
import {
  type Connected,
  decodeConnected,
  decodeEnd,
  END_BODY_MISC,
} from "../cell/stream_messages.ts";
import type { Circuit, StreamReceiver } from "../circuit/circuit.ts";
import { CircuitError } from "../circuit/errors.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import { StreamError } from "./errors.ts";
import { ReceiveBuffer } from "./receive_buffer.ts";

/** DATA messages that may be on their way before the first SENDME. */
const STREAM_WINDOW = 500;
/** DATA messages that one SENDME answers. */
const STREAM_INCREMENT = 50;

const EMPTY = new Uint8Array(0);

interface PendingWrite {
  readonly bytes: Uint8Array;
  sent: number;
  resolve(): void;
  reject(error: StreamError): void;
}

/**
 * A stream that was begun. Data may be written before the other side has answered ("optimistic
 * data"); it is lost if the stream is refused.
 */
export class TorStream implements ByteStream, StreamReceiver {
  /** What CONNECTED said; rejects with a StreamError when the stream is refused. */
  readonly connected: Promise<Connected>;

  readonly #circuit: Circuit;
  readonly #id: number;
  readonly #received = new ReceiveBuffer();
  readonly #writes: PendingWrite[] = [];
  #settleConnected: {
    resolve(connected: Connected): void;
    reject(error: StreamError): void;
  } | undefined;
  #wakeReader: (() => void) | undefined;
  /** Set when nothing more will arrive: how it ended. */
  #endedBy: StreamError | undefined;
  /** Messages received and not taken by the reader, and those that no SENDME has answered. */
  #untaken = 0;
  #unanswered = 0;
  #deliverWindow = STREAM_WINDOW;
  #packageWindow = STREAM_WINDOW;

  private constructor(circuit: Circuit) {
    this.#circuit = circuit;
    this.connected = new Promise((resolve, reject) => {
      this.#settleConnected = { resolve, reject };
    });
    // Whoever reads or writes gets the error too: not waiting for the answer is allowed.
    this.connected.catch(() => {});
    this.#id = circuit.attachStream(this);
  }

  /**
   * Begins a stream: sends BEGIN or BEGIN_DIR.
   *
   * @param command `RelayCommand.BEGIN` with the body of `encodeBegin`, or `BEGIN_DIR` without
   * @throws CircuitError when the circuit cannot take a stream
   */
  static begin(circuit: Circuit, command: number, body: Uint8Array = EMPTY): TorStream {
    const stream = new TorStream(circuit);
    try {
      circuit.send(command, stream.#id, body);
    } catch (error) {
      circuit.detachStream(stream.#id);
      throw error;
    }
    return stream;
  }

  async read(): Promise<Uint8Array | null> {
    while (this.#received.length === 0) {
      if (this.#endedBy !== undefined) {
        if (this.#endedBy.code === "end-done") return null;
        throw this.#endedBy;
      }
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    this.#answer();
    return this.#received.take();
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#endedBy !== undefined) return Promise.reject(this.#endedBy);
    if (bytes.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#writes.push({ bytes, sent: 0, resolve, reject });
      if (this.#writes.length === 1) this.#circuit.requestPackaging(this);
    });
  }

  close(): void {
    if (this.#endedBy !== undefined) return;
    const connectedPending = this.#settleConnected !== undefined;
    try {
      this.#circuit.send(RelayCommand.END, this.#id, END_BODY_MISC);
    } catch {
      // The circuit is gone, and the stream with it.
    }
    this.#circuit.detachStream(this.#id, {
      data: this.#deliverWindow,
      sendmes: (STREAM_WINDOW - this.#packageWindow) / STREAM_INCREMENT | 0,
      connectedPending,
      resolve: false,
    });
    this.#end(new StreamError("stream-closed", "the stream was closed on this side"));
  }

  onMessage(command: number, buffer: Uint8Array, offset: number, length: number): void {
    switch (command) {
      case RelayCommand.DATA:
        this.#onData(buffer, offset, length);
        return;
      case RelayCommand.SENDME:
        this.#onSendme();
        return;
      case RelayCommand.CONNECTED:
        this.#onConnected(buffer.subarray(offset, offset + length));
        return;
      case RelayCommand.END: {
        const { reason } = decodeEnd(buffer.subarray(offset, offset + length));
        this.#circuit.detachStream(this.#id);
        this.#end(new StreamError(`end-${reason}`, `the exit ended the stream: ${reason}`));
        return;
      }
      default:
        throw violation(`an unexpected ${relayCommandName(command)} for a stream`);
    }
  }

  onCircuitClosed(error: CircuitError): void {
    this.#end(
      new StreamError("stream-circuit-closed", `the circuit was closed: ${error.message}`, {
        cause: error,
      }),
    );
  }

  onPackage(limit: number): boolean {
    const circuit = this.#circuit;
    for (let left = limit; left > 0; left--) {
      const write = this.#writes[0];
      // Without a window, the stream SENDME that opens it goes on.
      if (write === undefined || this.#packageWindow === 0) return false;
      if (!circuit.canPackage) return true;
      const length = Math.min(circuit.nextDataLength, write.bytes.length - write.sent);
      circuit.sendData(this.#id, write.bytes, write.sent, length);
      write.sent += length;
      this.#packageWindow--;
      if (write.sent === write.bytes.length) {
        this.#writes.shift();
        write.resolve();
      }
    }
    return this.#writes.length > 0 && this.#packageWindow > 0;
  }

  #onData(buffer: Uint8Array, offset: number, length: number): void {
    if (this.#settleConnected !== undefined) throw violation("DATA before CONNECTED");
    if (--this.#deliverWindow < 0) throw violation("more DATA than the stream window");
    this.#untaken++;
    this.#received.append(buffer, offset, length);
    this.#wake();
  }

  #onSendme(): void {
    this.#packageWindow += STREAM_INCREMENT;
    if (this.#packageWindow > STREAM_WINDOW) throw violation("a stream SENDME that was not due");
    if (this.#writes.length > 0) this.#circuit.requestPackaging(this);
  }

  #onConnected(body: Uint8Array): void {
    const settle = this.#settleConnected;
    if (settle === undefined) throw violation("a second CONNECTED");
    const connected = decodeConnected(body);
    this.#settleConnected = undefined;
    settle.resolve(connected);
  }

  /** The reader takes all: tells the other side how much room there is again. */
  #answer(): void {
    this.#unanswered += this.#untaken;
    this.#untaken = 0;
    if (this.#endedBy !== undefined) return;
    while (this.#unanswered >= STREAM_INCREMENT) {
      this.#unanswered -= STREAM_INCREMENT;
      this.#deliverWindow += STREAM_INCREMENT;
      this.#circuit.send(RelayCommand.SENDME, this.#id, EMPTY);
    }
  }

  #wake(): void {
    const wake = this.#wakeReader;
    this.#wakeReader = undefined;
    wake?.();
  }

  #end(error: StreamError): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = error;
    this.#settleConnected?.reject(error);
    this.#settleConnected = undefined;
    for (const write of this.#writes.splice(0)) write.reject(error);
    this.#wake();
  }
}

function violation(what: string): CircuitError {
  return new CircuitError("circuit-protocol-violation", `protocol violation: ${what}`);
}
