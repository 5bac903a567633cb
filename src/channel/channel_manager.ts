/**
 * Channels to relays for everybody who needs one: opened when first wanted, shared by all circuits
 * through the relay, and closed when nobody has used them for a while.
 *
 * @module
 */
import type { ConnectionOptions } from "../config/config.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import { orAddress } from "../netdir/or_address.ts";
import { Logger, scrub } from "../observe/log.ts";
import { formatAddress } from "../runtime/network.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { BandwidthLimit } from "./bandwidth_limit.ts";
import type { Channel } from "./channel.ts";
import { ChannelOpener } from "./channel_opener.ts";
import { ChannelPool } from "./channel_pool.ts";
import type { ChannelStatistics } from "./channel_statistics.ts";
import type { ChannelStep, ChannelTarget } from "./connect.ts";
import { ChannelError, type ChannelErrorCode, isViolation } from "./errors.ts";
import {
  DEFAULT_PADDING_PARAMETERS,
  type PaddingParameters,
  type ParameterReader,
  readPaddingParameters,
} from "./padding_parameters.ts";

export type { ChannelStatistics } from "./channel_statistics.ts";

const log = new Logger("channel");

/** Clock skew from which a relay's time is worth a line in the log, in ms. */
const NOTABLE_SKEW = 3600_000;

/** What the channel manager tells whoever asked to know. */
export interface ChannelEvents {
  /** A step of opening any channel is done. */
  onStep?: (step: ChannelStep) => void;
  /** A channel could not be opened; not called for attempts that were given up. */
  onFailure?: (error: unknown) => void;
  /** Something came on an open channel; called once for each read, before its cells are handled. */
  onRead?: () => void;
  /** A relay, or somebody in its place, broke the protocol of channels, which ended the channel. */
  onViolation?: (relay: RsaIdentity, code: ChannelErrorCode) => void;
}

/** Opens channels, shares them, and closes those that nobody uses. */
export class ChannelManager {
  readonly #options: ConnectionOptions;
  readonly #events: ChannelEvents;
  readonly #opener: ChannelOpener;
  readonly #pool: ChannelPool;
  readonly #limit: BandwidthLimit | undefined;
  #padding: PaddingParameters = DEFAULT_PADDING_PARAMETERS;
  #closed = false;

  /** @param limit of all channels together; none unless given */
  constructor(
    runtime: Runtime,
    options: ConnectionOptions,
    events: ChannelEvents = {},
    limit?: BandwidthLimit,
  ) {
    this.#options = options;
    this.#events = events;
    this.#limit = limit;
    this.#pool = new ChannelPool(
      runtime,
      options,
      () => ({ options, parameters: this.#padding }),
    );
    this.#opener = new ChannelOpener({
      runtime,
      options,
      onStep: events.onStep,
      makeRoom: (opening) => this.#pool.makeRoom(opening),
      onOpen: (channel, target) => this.#add(channel, target),
      onFailure: (target, error) => {
        // Our own limit says nothing about relays or the network.
        if (error instanceof ChannelError && error.code === "too-many-channels") return;
        this.#events.onFailure?.(error);
        this.#noteViolation(target.rsaIdentity, error);
      },
    });
  }

  /** The channels that are open now. */
  get channels(): readonly Channel[] {
    return this.#pool.channels;
  }

  /** How often a relay was refused for what it said or showed, by the code of the error. */
  get refusals(): ReadonlyMap<ChannelErrorCode, number> {
    return this.#opener.counts.refusals;
  }

  /** The consensus's parameters for padding and for how long circuits are kept. */
  get paddingParameters(): PaddingParameters {
    return this.#padding;
  }

  /** What there is, and what has happened since the start. */
  statistics(): ChannelStatistics {
    const { counts, load } = this.#opener;
    return {
      open: this.#pool.channels.length,
      ...load,
      attempts: counts.attempts,
      failures: counts.failures,
      retries: counts.retries,
      refusals: counts.refusals,
      ...this.#pool.padding,
      bytes: this.#pool.bytes,
    };
  }

  /**
   * An open channel to the relay, an existing one if there is one that will do. Several callers that
   * want the same relay share one attempt, which is given up when all of them have gone; there is
   * never more than one at a time for a relay's identity and address. A relay that has refused the
   * connection or cut it off is tried once more, after a pause.
   *
   * @param options.retry false: one attempt is enough, because others can be asked; true unless said
   * @throws ChannelError, or the signal's reason
   */
  async get(
    target: ChannelTarget,
    signal?: AbortSignal,
    { retry = true }: { readonly retry?: boolean } = {},
  ): Promise<Channel> {
    const address = orAddress(target, this.#options);
    for (;;) {
      signal?.throwIfAborted();
      if (this.#closed) throw stopping();
      const open = this.#pool.find(target);
      if (open !== undefined) return open;
      if (address === undefined) {
        throw new ChannelError("no-usable-address", "the relay has no address that may be used");
      }
      const channel = await this.#opener.open({ ...identityOf(target), ...address }, signal, retry);
      const { ed25519Identity } = target;
      if (ed25519Identity === undefined || ed25519Identity === channel.ed25519Identity) {
        return channel;
      }
      // Somebody else's attempt, who wanted less: one of our own follows.
    }
  }

  /** Reads what a new consensus says of padding and timeouts. */
  updateParameters(parameter: ParameterReader): void {
    this.#padding = readPaddingParameters(parameter);
    this.#pool.updatePadding();
  }

  /** Closes all channels and gives up those that are being opened; resolves when all are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#opener.close(stopping());
    await this.#pool.close(stopping());
  }

  #add(channel: Channel, target: ChannelTarget): Channel {
    if (this.#closed) {
      channel.close();
      throw stopping();
    }
    // Two attempts at different addresses may both have succeeded: the first channel stays.
    const { rsaIdentity, ed25519Identity } = channel;
    const other = this.#pool.find({ ...target, rsaIdentity, ed25519Identity });
    if (other !== undefined) {
      channel.close();
      return other;
    }
    const address = scrub(formatAddress(target));
    log.info(`Channel to ${address} is open (link protocol ${channel.linkProtocol})`);
    channel.onRead = this.#events.onRead;
    if (this.#limit !== undefined) channel.limitBandwidth(this.#limit.forChannel());
    this.#pool.add(channel, (relay, error) => {
      log.info(`Channel to ${address} ended: ${describeError(error)}`);
      this.#noteViolation(relay, error);
    });
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
}

function identityOf({ rsaIdentity, ed25519Identity }: ChannelTarget) {
  return { rsaIdentity, ed25519Identity };
}

function stopping(): ChannelError {
  return new ChannelError("channel-closed", "the client is stopping");
}
