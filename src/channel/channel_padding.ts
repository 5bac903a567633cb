/**
 * Netflow padding of one channel: a cell is sent when the channel has been silent for a random time,
 * so that what routers on the way record of it does not show when it was used (padding-spec,
 * "Connection-level padding").
 *
 * @module
 */
import { CellCommand } from "../cell/command.ts";
import { encodePaddingNegotiate } from "../cell/padding_negotiate.ts";
import type { ConnectionOptions } from "../config/config.ts";
import { describeError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import type { Timer } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Channel } from "./channel.ts";
import { ChannelError } from "./errors.ts";
import { type PaddingParameters, paddingTimeout } from "./padding_parameters.ts";

const log = new Logger("channel");

/** The link protocol from which relays pad, and let it be negotiated. */
const PADDING_LINK_PROTOCOL = 5;
/** The least and the longest time between two looks at a channel, in ms, whatever is configured. */
const LEAST_CHECK = 100;
const LONGEST_CHECK = 1500;

/** What all channels' padding follows; it may change at any time. */
export interface PaddingPolicy {
  readonly options: Pick<ConnectionOptions, "padding" | "reducedPadding">;
  readonly parameters: PaddingParameters;
}

/**
 * Pads one channel while it is used for circuits of several relays, as C tor does for clients. Both
 * what is sent and what is received ends the silence, the relay's padding included: so the channel
 * is padded at the rate of both ends together.
 *
 * There is no timer for each cell: the channel keeps the time of its last transfer, which one timer
 * looks at, never later than the earliest moment at which padding could be due.
 */
export class ChannelPadding {
  readonly #channel: Channel;
  readonly #runtime: Runtime;
  readonly #policy: () => PaddingPolicy;
  #timer: Timer | undefined;
  /** The last transfer for which a time of silence was drawn, and when padding is due then. */
  #silentSince = -1;
  #due = 0;

  /**
   * Tells the relay, where the user wishes it, that it should send no padding: it is the first cell
   * after the link handshake. To pad as usual needs no word.
   */
  constructor(channel: Channel, runtime: Runtime, policy: () => PaddingPolicy) {
    this.#channel = channel;
    this.#runtime = runtime;
    this.#policy = policy;
    const { padding, reducedPadding } = policy().options;
    const isLess = padding === false || reducedPadding;
    if (isLess && channel.linkProtocol >= PADDING_LINK_PROTOCOL && channel.closedBy === undefined) {
      const body = encodePaddingNegotiate({ command: "stop" });
      channel.sendCell(0, CellCommand.PADDING_NEGOTIATE, body);
    }
    channel.onUsage = () => this.update();
  }

  /** Begins or ends to pad as the policy and the channel's use demand now. */
  update(): void {
    if (!this.#isWanted()) this.stop();
    else if (this.#timer === undefined) this.#schedule();
  }

  /** Pads no more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #isWanted(): boolean {
    const { usage, linkProtocol, closedBy } = this.#channel;
    const { options, parameters } = this.#policy();
    if (closedBy !== undefined || options.padding === false || parameters.high === 0) return false;
    // "Padding on" pads towards relays as well that never answer it.
    if (options.padding !== true && linkProtocol < PADDING_LINK_PROTOCOL) return false;
    return usage === "traffic" || (usage === "circuits" && parameters.beforeUsage);
  }

  #schedule(): void {
    const { lastTransfer } = this.#channel;
    const { options, parameters } = this.#policy();
    if (this.#silentSince !== lastTransfer) {
      const { random } = this.#runtime;
      this.#silentSince = lastTransfer;
      this.#due = lastTransfer + paddingTimeout(parameters, options.reducedPadding, random);
    }
    // Whatever is transferred from now on, its padding is not due before `low` has passed.
    const soonest = Math.min(
      this.#due - this.#runtime.clock.monotonic(),
      parameters.low || LONGEST_CHECK,
    );
    const check = () => {
      this.#timer = undefined;
      this.#check();
    };
    this.#timer = this.#runtime.clock.setTimer(check, Math.max(soonest, LEAST_CHECK));
  }

  #check(): void {
    if (!this.#isWanted()) return;
    const channel = this.#channel;
    const now = this.#runtime.clock.monotonic();
    if (channel.lastTransfer === this.#silentSince && now >= this.#due) {
      // What waits to be written is as good as padding.
      if (channel.hasQueuedCells) this.#due = now + LONGEST_CHECK;
      else this.#send();
    }
    if (channel.closedBy === undefined) this.#schedule();
  }

  #send(): void {
    try {
      this.#channel.sendPadding();
    } catch (error) {
      // The relay takes nothing any more: the channel has closed itself.
      if (!(error instanceof ChannelError)) throw error;
      log.debug(`No padding was sent: ${describeError(error)}`);
    }
  }
}
