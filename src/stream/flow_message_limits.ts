/**
 * How many XON and XOFF messages an exit can have reason to send for what it was sent. More of them
 * would be a channel on the side, by which relays could mark a circuit (proposal 324, "Sidechannel
 * mitigation").
 *
 * @module
 */
import type { FlowMessageCheck } from "../circuit/half_open_streams.ts";
import type { StreamFlowControlParameters } from "../circuit/stream_flow_control_parameters.ts";

/**
 * The most bytes sent that are remembered, so that a stream on which much was sent does not allow
 * any number of messages (C tor halves its counts at as many).
 */
const MOST_REMEMBERED = 10 * 2 ** 20;

/** Bytes that were sent, of which each message of a kind uses up so many. */
class Credit {
  readonly #bytesPerMessage: number;
  readonly #most: number;
  #bytes = 0;

  constructor(bytesPerMessage: number) {
    this.#bytesPerMessage = bytesPerMessage;
    this.#most = Math.max(MOST_REMEMBERED, 2 * bytesPerMessage);
  }

  add(length: number): void {
    this.#bytes = Math.min(this.#most, this.#bytes + length);
  }

  /** @returns whether there is enough for another message */
  spend(): boolean {
    this.#bytes -= this.#bytesPerMessage;
    return this.#bytes >= 0;
  }
}

/** Weighs for one stream what we have sent against the XONs and XOFFs that came for it. */
export class FlowMessageLimits implements FlowMessageCheck {
  readonly #xoffs: Credit;
  readonly #xons: Credit;
  #isStopped = false;

  constructor({ xoffExit, xonRate }: StreamFlowControlParameters) {
    this.#xoffs = new Credit(xoffExit);
    this.#xons = new Credit(Math.min(xoffExit, xonRate));
  }

  /** Whether an XOFF has come, and no XON since. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Counts bytes of DATA that were sent. */
  onSent(length: number): void {
    this.#xoffs.add(length);
    this.#xons.add(length);
  }

  /** @returns false for a second XOFF in a row, or when too little was sent for another */
  onXoff(): boolean {
    if (this.#isStopped) return false;
    this.#isStopped = true;
    return this.#xoffs.spend();
  }

  /** @returns false when too little was sent for another */
  onXon(): boolean {
    this.#isStopped = false;
    return this.#xons.spend();
  }
}
