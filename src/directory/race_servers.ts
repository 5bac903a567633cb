/**
 * Fetches the first consensus: several servers are tried beside one another, so that a few that are
 * slow, stale or blocked do not hold up the start.
 *
 * @module
 */
import type { DownloadSchedule } from "../config/config.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError, TorError } from "../errors/tor_error.ts";
import { type Logger, scrub } from "../observe/log.ts";
import type { Clock } from "../runtime/clock.ts";
import type { RandomSource } from "../runtime/random.ts";
import { Backoff } from "./backoff.ts";
import type { DirectorySources, Source } from "./sources.ts";
import { serverAddress } from "./transport.ts";
import { Waker } from "./waker.ts";

/** While a document arrives from one server, no further one is asked for so long, in ms. */
const LOADING_GRACE = 20_000;
/** When nothing has arrived for so long after the start, that is said aloud; ms. */
const SILENCE_NOTICE = 8_000;
/** A client without a consensus is of no use, so it never waits longer for the next try; ms. */
const LONGEST_WAIT = 30_000;
/** The first failures are warnings each; after that, only every tenth. */
const LOUD_FAILURES = 3;

/** What a race needs from its surroundings. */
export interface RaceSettings {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Logger;
  readonly sources: DirectorySources;
  readonly hasFallbacks: boolean;
  readonly schedule: DownloadSchedule;
}

/** One attempt: fetches from a source, and checks what came. */
export type Attempt<T> = (
  source: Source,
  signal: AbortSignal,
  onLoading: () => void,
) => Promise<T>;

interface Running {
  /** Monotonic ms. */
  loadingSince: number | undefined;
}

interface Lane {
  readonly pick: (busy: ReadonlySet<RsaIdentity>) => Source | undefined;
  readonly backoff: Backoff;
  /** When the next server of this kind is asked; monotonic ms. */
  due: number;
}

/**
 * Tries servers until one attempt succeeds, then gives up the others. Fallbacks are asked at once
 * and authorities a little later, each at growing, random intervals (C tor:
 * ClientBootstrapConsensus...InitialDelay), at most `bootstrapMaxInProgress` at one time. It never
 * gives up by itself.
 *
 * @throws the signal's reason; an attempt's error if a retry can never help
 */
export async function raceServers<T>(
  settings: RaceSettings,
  attempt: Attempt<T>,
  signal: AbortSignal,
): Promise<T> {
  const race = new Race(settings, attempt, signal);
  return await race.run();
}

class Race<T> {
  readonly #settings: RaceSettings;
  readonly #attempt: Attempt<T>;
  readonly #signal: AbortSignal;
  readonly #over = new AbortController();
  readonly #waker: Waker;
  readonly #lanes: readonly Lane[];
  readonly #running = new Map<RsaIdentity, Running>();
  readonly #attempts = new Set<Promise<void>>();
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  #failures = 0;

  constructor(settings: RaceSettings, attempt: Attempt<T>, signal: AbortSignal) {
    const { clock, random, schedule, sources } = settings;
    this.#settings = settings;
    this.#attempt = attempt;
    this.#signal = signal;
    this.#waker = new Waker(clock);
    const lane = (pick: Lane["pick"], delay: number): Lane => ({
      pick,
      backoff: new Backoff(random, delay, LONGEST_WAIT),
      due: clock.monotonic() + delay,
    });
    const authority: Lane["pick"] = (busy) => sources.authority(busy);
    this.#lanes = settings.hasFallbacks
      ? [
        lane((busy) => sources.fallback(busy), schedule.bootstrapFallbackDelay),
        lane(authority, schedule.bootstrapAuthorityDelay),
      ]
      : [lane(authority, schedule.bootstrapAuthorityOnlyDelay)];
  }

  async run(): Promise<T> {
    const silence = this.#settings.clock.setTimer(() => this.#noteSilence(), SILENCE_NOTICE);
    try {
      while (this.#outcome === undefined) {
        this.#signal.throwIfAborted();
        this.#launchDue();
        await this.#waker.sleep(this.#untilNext(), this.#signal);
      }
    } finally {
      silence.cancel();
      this.#over.abort(this.#signal.reason);
      await Promise.all(this.#attempts);
    }
    if ("error" in this.#outcome) throw this.#outcome.error;
    return this.#outcome.value;
  }

  #launchDue(): void {
    const now = this.#settings.clock.monotonic();
    for (const lane of this.#lanes) {
      if (lane.due > now || !this.#hasRoom(now)) continue;
      lane.due = now + lane.backoff.next();
      const source = lane.pick(new Set(this.#running.keys()));
      if (source !== undefined) this.#launch(source);
    }
  }

  #hasRoom(now: number): boolean {
    return this.#running.size < this.#settings.schedule.bootstrapMaxInProgress &&
      this.#loadingUntil() <= now;
  }

  /** Until when an attempt that is loading keeps further ones back; monotonic ms. */
  #loadingUntil(): number {
    const since = [...this.#running.values()].map(({ loadingSince }) => loadingSince ?? -Infinity);
    return Math.max(-Infinity, ...since) + LOADING_GRACE;
  }

  #untilNext(): number {
    if (this.#running.size >= this.#settings.schedule.bootstrapMaxInProgress) return Infinity;
    const due = Math.min(...this.#lanes.map((lane) => lane.due));
    return Math.max(due, this.#loadingUntil()) - this.#settings.clock.monotonic();
  }

  #launch(source: Source): void {
    const running: Running = { loadingSince: undefined };
    this.#running.set(source.identity, running);
    const signal = AbortSignal.any([this.#signal, this.#over.signal]);
    const onLoading = () => {
      running.loadingSince = this.#settings.clock.monotonic();
    };
    const done = this.#attempt(source, signal, onLoading)
      .then((value) => {
        this.#outcome ??= { value };
      }, (error) => {
        if (!signal.aborted) this.#noteFailure(source, error);
      })
      .finally(() => {
        this.#running.delete(source.identity);
        this.#attempts.delete(done);
        this.#waker.wake();
      });
    this.#attempts.add(done);
  }

  #noteFailure(source: Source, error: unknown): void {
    if (error instanceof TorError && error.retry === "never") {
      this.#outcome ??= { error };
      return;
    }
    source.blame();
    this.#failures += 1;
    const { log, clock } = this.#settings;
    const wait = Math.min(...this.#lanes.map((lane) => lane.due)) - clock.monotonic();
    const next = this.#running.size > 1
      ? `${this.#running.size - 1} more are being asked`
      : `trying another in ${Math.max(1, Math.round(wait / 1000))} s`;
    const line = `No consensus from the ${source.server.kind} directory at ` +
      `${scrub(serverAddress(source.server))}: ${describeError(error)}; ${next}.` +
      (error instanceof TorError && error.advice !== undefined ? ` ${error.advice}` : "");
    if (this.#failures <= LOUD_FAILURES || this.#failures % 10 === 0) log.warn(line);
    else log.info(line);
  }

  #noteSilence(): void {
    const loading = [...this.#running.values()].some(({ loadingSince }) =>
      loadingSince !== undefined
    );
    if (loading || this.#failures > 0) return;
    this.#settings.log.warn(
      `No directory server has answered within ${SILENCE_NOTICE / 1000} seconds ` +
        `(${this.#running.size} asked); still trying, others too. Is the network up?`,
    );
  }
}
