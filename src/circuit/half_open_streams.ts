/**
 * Streams that we have ended and whose END has not come yet. What was on its way when we ended
 * them is legal and is dropped; anything more is a violation (C tor: half_edge).
 *
 * @module
 */
import { RelayCommand } from "../cell/command.ts";

/**
 * The most DATA messages that an exit can have on their way on one circuit with congestion control.
 * Its congestion window bounds them, which only the exit knows; this is twice the window at which
 * C tor at the latest leaves slow start.
 */
export const MOST_IN_FLIGHT = 10_000;

/** Judges the XON and XOFF messages of a stream, and counts them. */
export interface FlowMessageCheck {
  /** @returns whether an XOFF is legal now */
  onXoff(): boolean;
  /** @returns whether an XON is legal now */
  onXon(): boolean;
}

/** What may still arrive for a stream that we have ended. */
export interface HalfOpenStream {
  /** DATA messages. */
  data: number;
  /** Stream SENDMEs. */
  sendmes: number;
  /** Whether CONNECTED has not come yet. */
  connectedPending: boolean;
  /** Whether the stream was a RESOLVE: its RESOLVED ends it. */
  readonly resolve: boolean;
  /** Judges XON and XOFF; without it neither may come. */
  readonly flowMessages?: FlowMessageCheck;
}

/** The half-open streams of one circuit. */
export class HalfOpenStreams {
  readonly #streams = new Map<number, HalfOpenStream>();

  /** Whether the id must not be used for a new stream. */
  has(streamId: number): boolean {
    return this.#streams.has(streamId);
  }

  /** How many there are. */
  get size(): number {
    return this.#streams.size;
  }

  add(streamId: number, stream: HalfOpenStream): void {
    this.#streams.set(streamId, stream);
  }

  /**
   * Counts a message for a stream that is not open.
   *
   * @returns whether it is legal; if not, the circuit must be closed
   */
  accept(streamId: number, command: number): boolean {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return false;
    switch (command) {
      case RelayCommand.DATA:
        return !stream.resolve && stream.data-- > 0;
      case RelayCommand.SENDME:
        return !stream.resolve && stream.sendmes-- > 0;
      case RelayCommand.CONNECTED: {
        const legal = stream.connectedPending;
        stream.connectedPending = false;
        return legal;
      }
      case RelayCommand.RESOLVED:
        if (!stream.resolve) return false;
        this.#streams.delete(streamId);
        return true;
      case RelayCommand.END:
        this.#streams.delete(streamId);
        return true;
      case RelayCommand.XON:
        return stream.flowMessages?.onXon() ?? false;
      case RelayCommand.XOFF:
        return stream.flowMessages?.onXoff() ?? false;
      default:
        return false;
    }
  }
}
