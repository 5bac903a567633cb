/**
 * What a stream asks of its flow control, of which there are two kinds: windows with SENDMEs, and
 * XON and XOFF.
 *
 * @module
 */
import type { HalfOpenStream } from "../circuit/half_open_streams.ts";

/** What flow control uses of its stream. */
export interface FlowControlledStream {
  /** Sends a message of flow control to the other end. */
  sendFlowMessage(command: number, body: Uint8Array): void;
  /** Called when data may be sent that could not be before. */
  resume(): void;
}

/** Decides what one stream may send, and tells the other end what it may. All is synchronous. */
export interface StreamFlowControl {
  /** Whether a DATA message may be sent now; if not, the stream is resumed when one may. */
  maySend(): boolean;
  /** A DATA message of `length` bytes was sent. */
  onSent(length: number): void;
  /**
   * A DATA message has arrived.
   *
   * @param waiting bytes that the reader has not dealt with, those that have just come included
   * @throws CircuitError `circuit-protocol-violation` when it is more than may be on its way
   */
  onReceived(waiting: number): void;
  /** The reader takes everything that waits. */
  onTaken(): void;
  /**
   * The reader has come back for more.
   *
   * @param drained bytes that it had taken and has dealt with now
   * @param waiting bytes that have come in the meantime
   */
  onDrained(drained: number, waiting: number): void;
  /**
   * A message came that is not DATA.
   *
   * @returns false when it is none of this flow control
   * @throws CircuitError `circuit-protocol-violation` when it must not come now; CellError when it
   * is malformed
   */
  onMessage(command: number, body: Uint8Array): boolean;
  /** What may still come when we have ended the stream. */
  halfOpen(): Pick<HalfOpenStream, "data" | "sendmes" | "flowMessages">;
  /** The stream has ended: nothing more is sent and no timer is left. */
  close(): void;
}
