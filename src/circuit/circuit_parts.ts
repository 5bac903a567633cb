/**
 * What a circuit is made with: its channel, its streams, what it is given from above.
 *
 * @module
 */
import type { Channel } from "../channel/channel.ts";
import type { Clock } from "../runtime/clock.ts";
import type { RandomSource } from "../runtime/random.ts";
import type { CongestionObserver } from "./congestion_control.ts";
import type { CircuitError } from "./errors.ts";
import type { OnViolation } from "./hop_sender.ts";
import type { StreamFlowControlParameters } from "./stream_flow_control_parameters.ts";
import type { PackagingStream } from "./stream_turns.ts";

/** What a circuit gives the messages of one stream to. All calls are synchronous. */
export interface StreamReceiver extends PackagingStream {
  /**
   * A message for this stream; its body is `length` bytes of `buffer` from `offset` on, valid only
   * during the call.
   *
   * @throws to have the whole circuit closed for a protocol violation
   */
  onMessage(command: number, buffer: Uint8Array, offset: number, length: number): void;
  /** Called once when the circuit is closed under the stream. */
  onCircuitClosed(error: CircuitError): void;
}

/** What a circuit uses of its channel. */
export type CircuitChannel = Pick<
  Channel,
  | "attach"
  | "detach"
  | "beginCell"
  | "outgoing"
  | "sendCell"
  | "congested"
  | "addDrainListener"
  | "removeDrainListener"
  | "closedBy"
  | "traffic"
>;

/** What a circuit works with, and whom it tells. */
export interface CircuitParts {
  readonly random: RandomSource;
  readonly clock: Pick<Clock, "monotonic">;
  /** The parameters of its streams under congestion control; C tor's defaults unless given. */
  readonly flowControl?: StreamFlowControlParameters;
  readonly onViolation?: OnViolation | undefined;
  readonly congestionObserver?: CongestionObserver | undefined;
}
