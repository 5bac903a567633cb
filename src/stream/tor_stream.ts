/**
 * One stream through a circuit: BEGIN to END (tor-spec, "Application connections and stream
 * management").
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { RelayCommand, relayCommandName } from "../cell/command.ts";
import {
  type Connected,
  decodeConnected,
  decodeEnd,
  END_BODY_MISC,
} from "../cell/stream_messages.ts";
import type { StreamReceiver } from "../circuit/circuit_parts.ts";
import { CircuitError } from "../circuit/errors.ts";
import type { StreamCircuit } from "../circuit/stream_circuit.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import { type Clock, SystemClock } from "../runtime/clock.ts";
import { StreamError } from "./errors.ts";
import { ReceiveBuffer } from "./receive_buffer.ts";
import type { FlowControlledStream, StreamFlowControl } from "./stream_flow_control.ts";
import { StreamWindows } from "./stream_windows.ts";
import { XonXoff } from "./xon_xoff.ts";

const EMPTY = new Uint8Array(0);
const SYSTEM_CLOCK = new SystemClock();
/** A stream is in full flow when as much was taken at once lately: 8 messages, in bytes. */
const BUSY_READ = 8 * 498;
/** In full flow, what a reader takes at once if it does not come too slowly: 64 messages, in bytes. */
const FULL_READ = 64 * 498;

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
export class TorStream implements ByteStream, StreamReceiver, FlowControlledStream {
  /** What CONNECTED said; rejects with a StreamError when the stream is refused. */
  readonly connected: Promise<Connected>;

  readonly #circuit: StreamCircuit;
  readonly #id: number;
  readonly #flow: StreamFlowControl;
  readonly #received = new ReceiveBuffer();
  readonly #writes: PendingWrite[] = [];
  #settleConnected: {
    resolve(connected: Connected): void;
    reject(error: StreamError): void;
  } | undefined;
  #wakeReader: (() => void) | undefined;
  #turnScheduled = false;
  #turnOver = false;
  readonly #onTurnOver = () => {
    this.#turnScheduled = false;
    this.#turnOver = this.#received.length > 0;
    this.#wake();
  };
  /** Set when nothing more will arrive: how it ended. */
  #endedBy: StreamError | undefined;

  private constructor(circuit: StreamCircuit, clock: Clock) {
    this.#circuit = circuit;
    this.#flow = circuit.usesStreamSendmes ? new StreamWindows(this) : new XonXoff({
      stream: this,
      parameters: circuit.flowControl,
      clock,
      mostInFlight: () => circuit.mostInFlight,
    });
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
   * @param clock measures how fast the stream is read, and paces what it sends
   * @throws CircuitError when the circuit cannot take a stream
   */
  static begin(
    circuit: StreamCircuit,
    command: number,
    body: Uint8Array = EMPTY,
    clock: Clock = SYSTEM_CLOCK,
  ): TorStream {
    const stream = new TorStream(circuit, clock);
    try {
      circuit.send(command, stream.#id, body);
    } catch (error) {
      circuit.detachStream(stream.#id);
      throw error;
    }
    return stream;
  }

  async read(): Promise<Uint8Array | null> {
    const drained = this.#received.giveBack();
    if (drained > 0 && this.#endedBy === undefined) {
      this.#flow.onDrained(drained, this.#received.length);
    }
    while (this.#received.length === 0 || this.#gathers) {
      if (this.#received.length === 0 && this.#endedBy !== undefined) {
        if (this.#endedBy.code === "end-done") return null;
        throw this.#endedBy;
      }
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    if (this.#endedBy === undefined) this.#flow.onTaken();
    this.#turnOver = false;
    return this.#received.take();
  }

  /**
   * Whether a reader waits for more than has arrived: in full flow until a whole piece is there or
   * the turn of the event loop is over, so that all that is ready goes in one write.
   */
  get #gathers(): boolean {
    const { length, recent } = this.#received;
    return recent >= BUSY_READ && length < FULL_READ && !this.#turnOver &&
      this.#endedBy === undefined;
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
      ...this.#flow.halfOpen(),
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
        if (!this.#flow.onMessage(command, buffer.subarray(offset, offset + length))) {
          throw violation(`an unexpected ${relayCommandName(command)} for a stream`);
        }
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
    const flow = this.#flow;
    for (let left = limit; left > 0; left--) {
      const write = this.#writes[0];
      // What flow control holds back, it resumes.
      if (write === undefined || !flow.maySend()) return false;
      if (!circuit.canPackage) return true;
      const length = Math.min(circuit.nextDataLength, write.bytes.length - write.sent);
      circuit.sendData(this.#id, write.bytes, write.sent, length);
      write.sent += length;
      flow.onSent(length);
      if (write.sent === write.bytes.length) {
        this.#writes.shift();
        write.resolve();
      }
    }
    return this.#writes.length > 0 && flow.maySend();
  }

  sendFlowMessage(command: number, body: Uint8Array): void {
    try {
      this.#circuit.send(command, this.#id, body);
    } catch {
      // The circuit is gone, and the stream with it.
    }
  }

  resume(): void {
    if (this.#writes.length > 0) this.#circuit.requestPackaging(this);
  }

  #onData(buffer: Uint8Array, offset: number, length: number): void {
    if (this.#settleConnected !== undefined) throw violation("DATA before CONNECTED");
    this.#flow.onReceived(this.#received.waiting + length);
    this.#received.append(buffer, offset, length);
    if (!this.#gathers) return this.#wake();
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    setImmediate(this.#onTurnOver);
  }

  #onConnected(body: Uint8Array): void {
    const settle = this.#settleConnected;
    if (settle === undefined) throw violation("a second CONNECTED");
    const connected = decodeConnected(body);
    this.#settleConnected = undefined;
    settle.resolve(connected);
  }

  #wake(): void {
    const wake = this.#wakeReader;
    this.#wakeReader = undefined;
    wake?.();
  }

  #end(error: StreamError): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = error;
    this.#flow.close();
    this.#settleConnected?.reject(error);
    this.#settleConnected = undefined;
    for (const write of this.#writes.splice(0)) write.reject(error);
    this.#wake();
  }
}

function violation(what: string): CircuitError {
  return new CircuitError("circuit-protocol-violation", `protocol violation: ${what}`);
}
