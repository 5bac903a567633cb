/**
 * The channels that are open, and how long they are kept.
 *
 * @module
 */
import type { ConnectionOptions } from "../config/config.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import type { Timer } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Channel, ChannelBytes, ChannelTraffic } from "./channel.ts";
import { ChannelPadding, type PaddingPolicy } from "./channel_padding.ts";
import type { ChannelTarget } from "./connect.ts";
import { ChannelError } from "./errors.ts";
import { unusedChannelTimeout } from "./padding_parameters.ts";

const log = new Logger("channel");

/** Age from which a channel takes no new circuits, in ms (C tor: a week). */
const LONGEST_USE = 7 * 24 * 3_600_000;

interface Entry {
  readonly channel: Channel;
  readonly openedAt: number;
  readonly padding: ChannelPadding;
  /** How long it is kept without circuits, in ms; drawn once for each channel. */
  readonly unusedTimeout: number;
  unusedTimer: Timer | undefined;
  /** When a circuit or somebody who wanted it had it last, in monotonic ms. */
  lastUse: number;
  /** Cells sent when the keepalive looked last. */
  cellsSent: number;
}

type Padding = Pick<ChannelTraffic, "paddingReceived" | "paddingSent">;

/** Keeps open channels: for circuits, and for a while without. */
export class ChannelPool {
  readonly #runtime: Runtime;
  readonly #options: ConnectionOptions;
  readonly #policy: () => PaddingPolicy;
  readonly #entries = new Map<Channel, Entry>();
  /** Of channels that are gone. */
  #past: Padding = { paddingReceived: 0, paddingSent: 0 };
  #pastBytes: ChannelBytes = { received: 0, sent: 0 };
  #keepaliveTimer: Timer | undefined;

  constructor(runtime: Runtime, options: ConnectionOptions, policy: () => PaddingPolicy) {
    this.#runtime = runtime;
    this.#options = options;
    this.#policy = policy;
    this.#scheduleKeepalive();
  }

  /** All that are open, the oldest first; those that take no new circuits too. */
  get channels(): readonly Channel[] {
    return [...this.#entries.keys()];
  }

  /** Padding cells of all channels that ever were. */
  get padding(): Padding {
    let { paddingReceived, paddingSent } = this.#past;
    for (const { traffic } of this.#entries.keys()) {
      paddingReceived += traffic.paddingReceived;
      paddingSent += traffic.paddingSent;
    }
    return { paddingReceived, paddingSent };
  }

  /** Bytes of all channels that ever were. */
  get bytes(): ChannelBytes {
    let { received, sent } = this.#pastBytes;
    for (const { bytes } of this.#entries.keys()) {
      received += bytes.received;
      sent += bytes.sent;
    }
    return { received, sent };
  }

  /**
   * A channel for new circuits to this relay: of several the oldest one, so that no relay can draw
   * circuits to a new one (C tor does the same). It is kept for its full time from now on.
   */
  find({ rsaIdentity, ed25519Identity }: ChannelTarget): Channel | undefined {
    const now = this.#runtime.clock.monotonic();
    for (const [channel, entry] of this.#entries) {
      if (channel.rsaIdentity !== rsaIdentity || channel.retired) continue;
      if (channel.closedBy !== undefined) continue;
      if (ed25519Identity !== undefined && channel.ed25519Identity !== ed25519Identity) continue;
      if (now - entry.openedAt > LONGEST_USE) {
        log.info("A channel is too old for new circuits");
        channel.retire();
        continue;
      }
      entry.lastUse = now;
      if (channel.circuitCount === 0) this.#startUnusedTimer(entry);
      return channel;
    }
    return undefined;
  }

  /**
   * Makes room for another channel beside `opening` ones that are being opened: when as many are
   * open as may be, the one is closed that nobody has used for the longest time.
   *
   * @throws ChannelError `too-many-channels` when all have circuits
   */
  makeRoom(opening: number): void {
    const { maxOpen } = this.#options;
    if (this.#entries.size + opening < maxOpen) return;
    let longest: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.channel.circuitCount > 0) continue;
      if (longest === undefined || entry.lastUse < longest.lastUse) longest = entry;
    }
    if (longest === undefined) {
      throw new ChannelError("too-many-channels", `${maxOpen} channels are in use or being opened`);
    }
    longest.channel.close(new ChannelError("channel-unused", "another channel needed the room"));
    this.#forget(longest);
  }

  /**
   * Keeps a channel until it is closed.
   *
   * @param onEnd called when it is
   */
  add(channel: Channel, onEnd: (relay: RsaIdentity, error: ChannelError) => void): void {
    const { clock, random } = this.#runtime;
    const now = clock.monotonic();
    const entry: Entry = {
      channel,
      openedAt: now,
      padding: new ChannelPadding(channel, this.#runtime, this.#policy),
      unusedTimeout: unusedChannelTimeout(this.#options.reducedPadding, random),
      unusedTimer: undefined,
      lastUse: now,
      // Less than any: it has not been looked at.
      cellsSent: -1,
    };
    this.#entries.set(channel, entry);
    channel.onUnused = () => {
      entry.lastUse = clock.monotonic();
      this.#startUnusedTimer(entry);
    };
    channel.finished.then(() => {
      this.#forget(entry);
      if (channel.closedBy !== undefined) onEnd(channel.rsaIdentity, channel.closedBy);
    });
    // Until a circuit comes: whoever asked for the channel may have gone.
    this.#startUnusedTimer(entry);
  }

  /** The padding policy has changed. */
  updatePadding(): void {
    for (const { padding } of this.#entries.values()) padding.update();
  }

  /** Closes all channels; resolves when they are gone. */
  async close(reason: ChannelError): Promise<void> {
    this.#keepaliveTimer?.cancel();
    const { channels } = this;
    for (const channel of channels) channel.close(reason);
    await Promise.all(channels.map(({ finished }) => finished));
  }

  #forget(entry: Entry): void {
    if (!this.#entries.delete(entry.channel)) return;
    entry.unusedTimer?.cancel();
    entry.padding.stop();
    const { received, sent } = entry.channel.bytes;
    this.#pastBytes = {
      received: this.#pastBytes.received + received,
      sent: this.#pastBytes.sent + sent,
    };
    const { paddingReceived, paddingSent } = entry.channel.traffic;
    this.#past = {
      paddingReceived: this.#past.paddingReceived + paddingReceived,
      paddingSent: this.#past.paddingSent + paddingSent,
    };
  }

  #startUnusedTimer(entry: Entry): void {
    const { channel, unusedTimeout } = entry;
    entry.unusedTimer?.cancel();
    if (channel.closedBy !== undefined) return;
    entry.unusedTimer = this.#runtime.clock.setTimer(() => {
      if (channel.circuitCount > 0) return;
      channel.close(new ChannelError("channel-unused", "nobody used the channel"));
    }, unusedTimeout);
  }

  #scheduleKeepalive(): void {
    this.#keepaliveTimer = this.#runtime.clock.setTimer(() => {
      for (const entry of this.#entries.values()) this.#keepAlive(entry);
      this.#scheduleKeepalive();
    }, this.#options.keepalivePeriod);
  }

  /** Sends padding on a channel that has been silent, so that no router on the way forgets it. */
  #keepAlive(entry: Entry): void {
    const { channel } = entry;
    const isSilent = entry.cellsSent === channel.traffic.cellsSent;
    if (isSilent && channel.circuitCount > 0 && channel.closedBy === undefined) {
      try {
        channel.sendPadding();
      } catch (error) {
        // The relay takes nothing any more: the channel has closed itself.
        log.debug(`No padding was sent: ${describeError(error)}`);
      }
    }
    entry.cellsSent = channel.traffic.cellsSent;
  }
}
