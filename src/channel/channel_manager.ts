/**
 * The pool of channels: one per relay, shared by all circuits through it.
 *
 * @module
 */
import { CellCommand } from "../cell/command.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import { Logger, scrub } from "../observe/log.ts";
import type { Timer } from "../runtime/clock.ts";
import { abortable } from "../runtime/deadline.ts";
import { formatAddress } from "../runtime/network.ts";
import { randomBelow } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Channel } from "./channel.ts";
import { type ChannelStep, type ChannelTarget, openChannel } from "./connect.ts";
import { ChannelError, type ChannelErrorCode, isViolation } from "./errors.ts";

const log = new Logger("channel");

/** Time to open a channel, in ms: less than a circuit has, so that the reason given is the real one. */
const OPEN_TIMEOUT = 10_000;
/** How long a channel without circuits is kept, in ms, before a random part is added. */
const UNUSED_TIMEOUT = 180_000;
/** Clock skew from which a relay's time is worth a line in the log, in ms. */
const NOTABLE_SKEW = 3600_000;

interface Opening {
  readonly channel: Promise<Channel>;
  readonly controller: AbortController;
  waiting: number;
}

/** What the channel manager tells whoever asked to know. */
export interface ChannelEvents {
  /** A step of opening any channel is done. */
  onStep?: (step: ChannelStep) => void;
  /** A channel could not be opened; not called for attempts that were given up. */
  onFailure?: (error: unknown) => void;
  /** A relay, or somebody in its place, broke the protocol of channels, which ended the channel. */
  onViolation?: (relay: RsaIdentity, code: ChannelErrorCode) => void;
}

/** Opens channels, shares them, and closes those that nobody uses. */
export class ChannelManager {
  readonly #runtime: Runtime;
  readonly #events: ChannelEvents;
  readonly #open = new Map<RsaIdentity, Channel>();
  readonly #opening = new Map<string, Opening>();
  readonly #unusedTimers = new Map<Channel, Timer>();
  readonly #keepalivePeriod: number;
  #keepaliveTimer: Timer | undefined;
  #cellsSent = new WeakMap<Channel, number>();
  #closed = false;

  /** @param keepalivePeriod ms without a cell sent after which one is (C tor: KeepalivePeriod) */
  constructor(runtime: Runtime, keepalivePeriod: number, events: ChannelEvents = {}) {
    this.#runtime = runtime;
    this.#keepalivePeriod = keepalivePeriod;
    this.#events = events;
    this.#scheduleKeepalive();
  }

  /** The channels that are open now. */
  get channels(): readonly Channel[] {
    return [...this.#open.values()];
  }

  /**
   * An open channel to the relay, an existing one if there is one. Several callers that want the
   * same relay share one attempt; it is given up when all of them have gone.
   *
   * @throws ChannelError, or the signal's reason
   */
  async get(target: ChannelTarget, signal?: AbortSignal): Promise<Channel> {
    signal?.throwIfAborted();
    if (this.#closed) throw new ChannelError("channel-closed", "the client is stopping");
    const open = this.#open.get(target.rsaIdentity);
    if (open !== undefined) {
      try {
        requireEd25519(open, target);
      } catch (error) {
        this.#noteViolation(target.rsaIdentity, error);
        throw error;
      }
      this.#keep(open);
      return open;
    }
    const opening = this.#startOpening(target);
    opening.waiting++;
    try {
      return await abortable(opening.channel, signal);
    } finally {
      if (--opening.waiting === 0) opening.controller.abort(signal?.reason);
    }
  }

  /** Closes all channels and gives up those that are being opened; resolves when all are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#keepaliveTimer?.cancel();
    const stopping = new ChannelError("channel-closed", "the client is stopping");
    const attempts = [...this.#opening.values()];
    for (const { controller } of attempts) controller.abort(stopping);
    await Promise.allSettled(attempts.map(({ channel }) => channel));
    const channels = this.channels;
    for (const channel of channels) channel.close(stopping);
    await Promise.all(channels.map(({ finished }) => finished));
  }

  #startOpening(target: ChannelTarget): Opening {
    const key = JSON.stringify([
      target.rsaIdentity,
      target.ed25519Identity ?? null,
      target.hostname,
      target.port,
    ]);
    const existing = this.#opening.get(key);
    if (existing !== undefined && !existing.controller.signal.aborted) return existing;
    const controller = new AbortController();
    const opening: Opening = {
      channel: this.#connect(target, controller.signal),
      controller,
      waiting: 0,
    };
    this.#opening.set(key, opening);
    const forget = () => {
      if (this.#opening.get(key) === opening) this.#opening.delete(key);
    };
    opening.channel.then(forget, forget);
    return opening;
  }

  async #connect(target: ChannelTarget, signal: AbortSignal): Promise<Channel> {
    try {
      const channel = await openChannel(this.#runtime, target, {
        signal,
        timeout: OPEN_TIMEOUT,
        onStep: this.#events.onStep,
      });
      return this.#add(channel, target);
    } catch (error) {
      if (!signal.aborted) {
        log.info(
          `No channel to ${scrub(formatAddress(target))}: ${describeError(error)}`,
        );
        this.#events.onFailure?.(error);
        this.#noteViolation(target.rsaIdentity, error);
      }
      throw error;
    }
  }

  #add(channel: Channel, target: ChannelTarget): Channel {
    const { rsaIdentity } = channel;
    // Two attempts by different addresses may both have succeeded: the first one stays.
    const other = this.#open.get(rsaIdentity);
    if (other !== undefined || this.#closed) {
      channel.close();
      if (other === undefined) throw new ChannelError("channel-closed", "the client is stopping");
      requireEd25519(other, target);
      return other;
    }
    this.#open.set(rsaIdentity, channel);
    log.info(
      `Channel to ${scrub(formatAddress(target))} is open (link protocol ${channel.linkProtocol})`,
    );
    channel.onUnused = () => this.#startUnusedTimer(channel);
    channel.finished.then(() => {
      this.#keep(channel);
      if (this.#open.get(rsaIdentity) === channel) this.#open.delete(rsaIdentity);
      if (channel.closedBy !== undefined) {
        log.info(
          `Channel to ${scrub(formatAddress(target))} ended: ${describeError(channel.closedBy)}`,
        );
        this.#noteViolation(rsaIdentity, channel.closedBy);
      }
    });
    // Until a circuit comes: whoever asked for the channel may have gone.
    this.#startUnusedTimer(channel);
    const { clockSkew = 0 } = channel;
    if (Math.abs(clockSkew) >= NOTABLE_SKEW) {
      log.info(`A relay's clock differs from ours by ${Math.round(clockSkew / 1000)} s`);
    }
    return channel;
  }

  #noteViolation(relay: RsaIdentity, error: unknown): void {
    if (error instanceof ChannelError && isViolation(error)) {
      this.#events.onViolation?.(relay, error.code);
    }
  }

  #scheduleKeepalive(): void {
    this.#keepaliveTimer = this.#runtime.clock.setTimer(() => {
      for (const channel of this.#open.values()) this.#keepAlive(channel);
      this.#scheduleKeepalive();
    }, this.#keepalivePeriod);
  }

  /** Sends padding on a channel that has been silent, so that no router on the way forgets it. */
  #keepAlive(channel: Channel): void {
    const silent = this.#cellsSent.get(channel) === channel.traffic.cellsSent;
    if (silent && channel.circuitCount > 0 && channel.closedBy === undefined) {
      try {
        channel.sendCell(0, CellCommand.PADDING, new Uint8Array(0));
      } catch (error) {
        // The relay takes nothing any more: the channel has closed itself.
        log.debug(`No padding was sent: ${describeError(error)}`);
      }
    }
    this.#cellsSent.set(channel, channel.traffic.cellsSent);
  }

  #startUnusedTimer(channel: Channel): void {
    if (channel.closedBy !== undefined) return;
    const delay = UNUSED_TIMEOUT + randomBelow(this.#runtime.random, UNUSED_TIMEOUT / 2);
    this.#keep(channel);
    this.#unusedTimers.set(
      channel,
      this.#runtime.clock.setTimer(() => {
        this.#unusedTimers.delete(channel);
        if (channel.circuitCount === 0) {
          channel.close(new ChannelError("channel-unused", "nobody used the channel"));
        }
      }, delay),
    );
  }

  /** Stops the unused timer: the channel is about to be used, or gone. */
  #keep(channel: Channel): void {
    this.#unusedTimers.get(channel)?.cancel();
    this.#unusedTimers.delete(channel);
  }
}

/** A channel that was opened before the Ed25519 identity was known may not be the right one. */
function requireEd25519(channel: Channel, target: ChannelTarget): void {
  const { ed25519Identity } = target;
  if (ed25519Identity !== undefined && ed25519Identity !== channel.ed25519Identity) {
    throw new ChannelError(
      "ed25519-identity-differs",
      "the relay's Ed25519 identity is not the one that was asked for",
    );
  }
}
