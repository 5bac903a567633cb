/**
 * Opens channels: one attempt at a time for each relay, shared by all who want it, tried again where
 * that may help, and never many at once.
 *
 * @module
 */
import type { ConnectionOptions } from "../config/config.ts";
import { describeError } from "../errors/tor_error.ts";
import { Logger, scrub } from "../observe/log.ts";
import { RepeatedMessages } from "../observe/repeated_messages.ts";
import { backoffDelay } from "../runtime/backoff.ts";
import { sleep } from "../runtime/clock.ts";
import { abortable } from "../runtime/deadline.ts";
import { formatAddress } from "../runtime/network.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { AttemptSlots } from "./attempt_slots.ts";
import type { Channel } from "./channel.ts";
import { AttemptCounts } from "./channel_statistics.ts";
import { type ChannelStep, type ChannelTarget, openChannel } from "./connect.ts";
import { ChannelError } from "./errors.ts";
import { AttemptLimit, failureClass } from "./failure_class.ts";
import { RefusedIdentities } from "./refused_identities.ts";

const log = new Logger("channel");

/** Time to open a channel, in ms: less than a circuit has, so that the reason given is the real one. */
const OPEN_TIMEOUT = 10_000;

/** What {@link ChannelOpener} works with. */
export interface ChannelOpenerParts {
  readonly runtime: Runtime;
  readonly options: Pick<ConnectionOptions, "backoff" | "maxConnecting">;
  /** A step of opening any channel is done. */
  readonly onStep?: ((step: ChannelStep) => void) | undefined;
  /**
   * An attempt is about to begin beside `opening` others.
   *
   * @throws ChannelError when there is no room for another channel
   */
  makeRoom(opening: number): void;
  /** A channel is open; returns it, or the one that is to be used in its place. */
  onOpen(channel: Channel, target: ChannelTarget): Channel;
  /** An attempt failed; not called for those that were given up. */
  onFailure(target: ChannelTarget, error: unknown): void;
}

/** One relay that is being connected to, with all who wait for it. */
interface Opening {
  readonly target: ChannelTarget;
  readonly controller: AbortController;
  /** The attempt that is under way, or the next one. */
  attempt: PromiseWithResolvers<Channel>;
  /** The outcome of all attempts; never rejects unheard. */
  outcome: Promise<Channel>;
  waiting: number;
  /** How many of those who wait want another attempt after a failure. */
  persistent: number;
}

/** Opens channels for a channel manager, which keeps them. */
export class ChannelOpener {
  readonly counts = new AttemptCounts();
  readonly #parts: ChannelOpenerParts;
  readonly #openings = new Map<string, Opening>();
  readonly #slots: AttemptSlots;
  readonly #refused: RefusedIdentities;
  /** While no relay can be reached, the same lines would fill the log. */
  readonly #messages: RepeatedMessages;

  constructor(parts: ChannelOpenerParts) {
    this.#parts = parts;
    this.#slots = new AttemptSlots(parts.options.maxConnecting);
    const { clock } = parts.runtime;
    this.#refused = new RefusedIdentities(clock);
    this.#messages = new RepeatedMessages(() => clock.monotonic());
  }

  /** Attempts that are under way, and those that wait for their turn. */
  get load(): { readonly opening: number; readonly queued: number } {
    return { opening: this.#slots.taken, queued: this.#slots.queued };
  }

  /**
   * A channel to the relay at exactly this address: by the attempt that is under way, or by one of
   * its own. The attempt is given up when all who wait for it have gone. The channel may be one
   * whose relay has another Ed25519 identity, if somebody else has asked for that.
   *
   * @param retry whether to try again, after a pause, when that may help
   * @throws ChannelError, or the signal's reason
   */
  async open(
    target: ChannelTarget,
    signal: AbortSignal | undefined,
    retry: boolean,
  ): Promise<Channel> {
    const key = JSON.stringify([target.rsaIdentity, target.hostname, target.port]);
    for (;;) {
      signal?.throwIfAborted();
      this.#refused.check(target);
      const opening = this.#openings.get(key) ?? this.#start(key, target);
      if (opening.controller.signal.aborted) {
        // Its connection is being closed still: never two at a time.
        await abortable(opening.outcome.then(() => {}, () => {}), signal);
        continue;
      }
      try {
        return await this.#join(opening, signal, retry);
      } catch (error) {
        const isOthers = opening.target.ed25519Identity !== target.ed25519Identity &&
          error instanceof ChannelError && error.code === "ed25519-identity-differs";
        if (!isOthers) throw error;
      }
    }
  }

  /** Gives up all attempts; resolves when nothing of them is left. */
  async close(reason: ChannelError): Promise<void> {
    const openings = [...this.#openings.values()];
    for (const { controller } of openings) controller.abort(reason);
    await Promise.allSettled(openings.map(({ outcome }) => outcome));
  }

  async #join(
    opening: Opening,
    signal: AbortSignal | undefined,
    retry: boolean,
  ): Promise<Channel> {
    opening.waiting++;
    if (retry) opening.persistent++;
    try {
      return await abortable(retry ? opening.outcome : opening.attempt.promise, signal);
    } finally {
      opening.waiting--;
      if (retry) opening.persistent--;
      if (opening.waiting === 0) opening.controller.abort(signal?.reason);
    }
  }

  #start(key: string, target: ChannelTarget): Opening {
    const attempt = unheard(Promise.withResolvers<Channel>());
    const opening: Opening = {
      target,
      controller: new AbortController(),
      attempt,
      outcome: attempt.promise,
      waiting: 0,
      persistent: 0,
    };
    this.#openings.set(key, opening);
    opening.outcome = this.#run(key, opening);
    opening.outcome.catch(() => {});
    return opening;
  }

  /** Attempts and pauses, until a channel is open or it is no use. */
  async #run(key: string, opening: Opening): Promise<Channel> {
    const { target, controller: { signal } } = opening;
    const limit = new AttemptLimit();
    try {
      for (;;) {
        try {
          const channel = await this.#attempt(target, signal);
          opening.attempt.resolve(channel);
          return channel;
        } catch (error) {
          const again = !signal.aborted && limit.allowsAnother(error) && opening.persistent > 0;
          if (!again) throw error;
          opening.attempt.reject(error);
          opening.attempt = unheard(Promise.withResolvers<Channel>());
          await this.#pause(target, limit.failures, error, signal);
        }
      }
    } catch (error) {
      opening.attempt.reject(error);
      throw error;
    } finally {
      // Before anybody hears of the outcome, so that who comes then begins anew.
      this.#openings.delete(key);
    }
  }

  async #pause(
    target: ChannelTarget,
    failures: number,
    error: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const { runtime, options } = this.#parts;
    const delay = backoffDelay(options.backoff, failures - 1, runtime.random);
    this.counts.noteRetry(error);
    const reason = error instanceof ChannelError ? failureClass(error) : "unknown";
    this.#messages.say(
      `retry ${reason}`,
      `Attempt ${failures} to reach ${scrub(formatAddress(target))} failed (${reason}); ` +
        `attempt ${failures + 1} follows in ${Math.round(delay)} ms`,
      (text) => log.info(text),
    );
    await sleep(runtime.clock, delay, signal);
  }

  async #attempt(target: ChannelTarget, signal: AbortSignal): Promise<Channel> {
    const { runtime, onStep } = this.#parts;
    try {
      using _slot = await this.#slots.take(signal);
      signal.throwIfAborted();
      this.#parts.makeRoom(this.#slots.taken - 1);
      this.counts.attempts++;
      const channel = await openChannel(runtime, target, {
        signal,
        timeout: OPEN_TIMEOUT,
        onStep,
      });
      return this.#parts.onOpen(channel, target);
    } catch (error) {
      if (!signal.aborted) this.#noteFailure(target, error);
      throw error;
    }
  }

  #noteFailure(target: ChannelTarget, error: unknown): void {
    this.#messages.say(
      error instanceof ChannelError ? error.code : "unknown",
      `No channel to ${scrub(formatAddress(target))}: ${describeError(error)}`,
      (text) => log.info(text),
    );
    this.counts.noteFailure(error);
    if (error instanceof ChannelError) this.#refused.note(target, error);
    this.#parts.onFailure(target, error);
  }
}

/** A promise of which nobody has to hear that it was rejected. */
function unheard<T>(resolvers: PromiseWithResolvers<T>): PromiseWithResolvers<T> {
  resolvers.promise.catch(() => {});
  return resolvers;
}
