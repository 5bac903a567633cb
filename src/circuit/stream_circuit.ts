/**
 * What streams, and those who look after circuits, use of a circuit: one way to an exit, or a Conflux
 * set of several.
 *
 * @module
 */
import type { StreamReceiver } from "./circuit_parts.ts";
import type { CircuitError } from "./errors.ts";
import type { HalfOpenStream } from "./half_open_streams.ts";
import type { StreamFlowControlParameters } from "./stream_flow_control_parameters.ts";

/** A circuit that carries streams to its last hop. */
export interface StreamCircuit {
  /** Its number in logs; a set has that of its first leg. */
  readonly number: number;
  /** Resolves, never rejects, with the reason when it is closed. */
  readonly whenClosed: Promise<CircuitError>;
  /** Why it was closed; undefined while it is open. */
  readonly closedBy: CircuitError | undefined;
  /** How many streams are open; those that wait for their END do not count. */
  readonly streamCount: number;
  /** Cells that were received for it, whatever they carried. */
  readonly cellsReceived: number;
  /** Cells of any kind that its channels have received so far: a sign of life of the first hops. */
  readonly cellsOnChannel: number;
  /** Whether streams have windows and SENDMEs of their own; else XON and XOFF rule. */
  readonly usesStreamSendmes: boolean;
  /** The parameters of stream flow control by XON and XOFF, where that rules. */
  readonly flowControl: StreamFlowControlParameters;
  /**
   * How many DATA messages may still come that the last hop has sent before it hears of what is sent
   * to it now, under congestion control.
   */
  readonly mostInFlight: number;
  /** Whether a DATA message can be sent now without waiting. */
  readonly canPackage: boolean;
  /** The most data that the next DATA message may carry, in bytes. */
  readonly nextDataLength: number;
  /** Called when a stream has left. */
  onStreamEnded: (() => void) | undefined;

  /**
   * Gives a new stream a free id.
   *
   * @throws CircuitError when the circuit is closed or all ids are taken
   */
  attachStream(receiver: StreamReceiver): number;
  /**
   * Lets a stream go.
   *
   * @param halfOpen what may still come for it, when it was we who ended it
   */
  detachStream(streamId: number, halfOpen?: HalfOpenStream): void;
  /**
   * Has a stream called to send its data: at once as far as the circuit can take it, taking turns
   * with the streams that wait already, and again whenever the circuit can take more.
   */
  requestPackaging(receiver: StreamReceiver): void;
  /**
   * Sends a message to the last hop.
   *
   * @throws CircuitError when the circuit is closed
   */
  send(command: number, streamId: number, body: Uint8Array): void;
  /**
   * Sends a DATA message of `length` bytes of `bytes` from `start` on; {@link canPackage} must hold.
   *
   * @throws CircuitError when the circuit is closed
   */
  sendData(streamId: number, bytes: Uint8Array, start: number, length: number): void;
  /** Gives up key stream that was made ahead, up to 64 KiB for each hop: nothing is carried now. */
  trim(): void;
  /** Closes it. Closing twice does nothing. */
  close(error?: CircuitError): void;
}
