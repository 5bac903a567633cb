/**
 * Tries a request on one circuit after another, as long as that can help: picks circuits, watches
 * the time, and asks circuits that do not answer for a sign of life.
 *
 * @module
 */
import type { CircuitRequest, PickedCircuit } from "../circuit/circuit_manager.ts";
import { CircuitError } from "../circuit/errors.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError, TorError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import type { ExitTarget } from "../path/exit_target.ts";
import { Backoff, type BackoffOptions } from "../runtime/backoff.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { withDeadline } from "../runtime/deadline.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { StreamError, type StreamErrorCode } from "./errors.ts";
import type { Isolation } from "./opener.ts";

const log = new Logger("stream");

/** Time for each attempt to be answered, in ms; the last stands for all later ones (C tor's values). */
const ATTEMPT_TIMEOUTS = [10_000, 10_000, 15_000];
/** An attempt that was not answered for so long, in ms, has its circuit checked. */
const CHECK_AFTER = 1500;
/** Exits that may refuse a request before it is given up (C tor: MAX_RESOLVE_FAILURES). */
const MOST_REFUSALS = 3;
/** Relays that one request avoids, the latest that were silent: few, so that none can lead it. */
const MOST_AVOIDED = 4;
/** Circuits that one request may lose under it before each further try waits. */
const FREE_LOSSES = 3;

/** Failures of the way to the exit: as many are tried as the time allows, as C tor does. */
const CIRCUIT_FAILURES: ReadonlySet<string> = new Set([
  "stream-timeout",
  "stream-circuit-closed",
  "circuit-channel-lost",
  "circuit-closed",
  "circuit-silent",
]);
/** What takes the circuit from further streams. */
const CIRCUIT_RETIRERS: ReadonlySet<StreamErrorCode> = new Set<StreamErrorCode>([
  "end-resolve-failed",
  "end-misc",
  "end-no-route",
  "end-hibernating",
  "end-resource-limit",
  "stream-timeout",
]);
/** The exit may have complained of cells that were tampered with on the way, as C tor sees it. */
const CIRCUIT_ENDERS: ReadonlySet<StreamErrorCode> = new Set<StreamErrorCode>([
  "end-tor-protocol",
  "end-destroy",
]);

/** Gives circuits to streams; the circuit manager does. */
export interface CircuitPicker {
  /**
   * An open circuit, which may have to be built.
   *
   * @throws CircuitError when none can be had, or the signal's reason
   */
  pick(request: CircuitRequest, signal: AbortSignal): Promise<PickedCircuit>;
}

/** What {@link StreamAttempts} works with. */
export interface StreamAttemptsParts {
  readonly circuits: CircuitPicker;
  readonly runtime: Runtime;
  /** Time for one request with all its attempts, in ms (SocksTimeout). */
  readonly timeout: number;
  /** Between attempts whose circuits are lost at once. */
  readonly backoff: BackoffOptions;
  /** Called with each request. */
  readonly onRequest?: () => void;
}

/** What one request has learnt from its attempts. */
class Tries {
  readonly #excludedExits = new Set<RsaIdentity>();
  #avoided: readonly RsaIdentity[] = [];
  #refusals = 0;
  #losses = 0;

  /** What the next circuit must be; a request that was made does not change any more. */
  request(target: ExitTarget, { key, keepAlive }: Isolation): CircuitRequest {
    return {
      target,
      isolationKey: key,
      keepAlive,
      excludedExits: new Set(this.#excludedExits),
      avoided: new Set(this.#avoided),
    };
  }

  /** Whether another attempt can help after this failure on that circuit. */
  mayGoOn({ exit, suspects }: PickedCircuit, { code, retry }: TorError): boolean {
    if (retry !== "elsewhere") return false;
    if (code === "circuit-silent" || code === "stream-timeout") {
      this.#avoided = [...this.#avoided, ...suspects()].slice(-MOST_AVOIDED);
    }
    // A circuit that was lost or is silent says nothing about its exit, or about the target.
    if (CIRCUIT_FAILURES.has(code)) return true;
    this.#excludedExits.add(exit.rsaIdentity);
    return ++this.#refusals < MOST_REFUSALS;
  }

  /** Whether the next attempt must wait. What timed out has waited already. */
  isLosing({ code }: TorError): boolean {
    return code === "stream-circuit-closed" && ++this.#losses > FREE_LOSSES;
  }
}

/** Runs requests, each on as many circuits as it takes. */
export class StreamAttempts {
  readonly #parts: StreamAttemptsParts;
  readonly #retries = new Map<string, number>();

  constructor(parts: StreamAttemptsParts) {
    this.#parts = parts;
  }

  /** The clock by which requests are timed. */
  get clock(): Clock {
    return this.#parts.runtime.clock;
  }

  /** Attempts that another one followed, by the code of the error that they ended with. */
  get retries(): ReadonlyMap<string, number> {
    return this.#retries;
  }

  /**
   * Does `action` on a circuit that serves the target, and again on others while that can help.
   *
   * @throws the TorError of the last attempt, or the signal's reason
   */
  run<T>(
    target: ExitTarget,
    isolation: Isolation,
    signal: AbortSignal,
    action: (picked: PickedCircuit, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { runtime, timeout, backoff } = this.#parts;
    const late = () => timedOut(timeout);
    this.#parts.onRequest?.();
    return withDeadline(runtime.clock, timeout, late, signal, async (until) => {
      const tries = new Tries();
      const pauses = new Backoff(backoff, runtime.random);
      let failure: TorError | undefined;
      for (let attempt = 0;; attempt++) {
        const request = tries.request(target, isolation);
        const picked = await this.#pick(request, until, failure);
        if (failure !== undefined) this.#noteRetry(failure);
        const limit = ATTEMPT_TIMEOUTS[Math.min(attempt, ATTEMPT_TIMEOUTS.length - 1)];
        try {
          picked.pathBias.noteUseAttempt();
          const answered = await this.#attempt(picked, limit, until, action);
          picked.pathBias.noteUseSuccess();
          return answered;
        } catch (error) {
          until.throwIfAborted();
          blame(picked, error);
          if (!(error instanceof TorError) || !tries.mayGoOn(picked, error)) throw error;
          failure = error;
          log.info(
            `Trying another circuit after attempt ${attempt + 1}: ${describeError(error)}`,
          );
          if (tries.isLosing(error)) await sleep(runtime.clock, pauses.next(), until);
        }
      }
    });
  }

  #noteRetry({ code }: TorError): void {
    this.#retries.set(code, (this.#retries.get(code) ?? 0) + 1);
  }

  /** One attempt; when it is not answered soon, its circuit must show that it lives. */
  async #attempt<T>(
    picked: PickedCircuit,
    limit: number,
    outer: AbortSignal,
    action: (picked: PickedCircuit, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#parts.runtime;
    const silent = new AbortController();
    const checking = clock.setTimer(() => {
      picked.check().catch((error) => {
        // A circuit that was closed says so to its streams itself.
        if (error instanceof CircuitError && error.code === "circuit-silent") silent.abort(error);
      });
    }, CHECK_AFTER);
    const signal = AbortSignal.any([outer, silent.signal]);
    const late = () => timedOut(limit);
    try {
      return await withDeadline(clock, limit, late, signal, (until) => action(picked, until));
    } finally {
      checking.cancel();
    }
  }

  /** Picks a circuit; where no exit is left to try, what the last one said is the answer. */
  async #pick(
    request: CircuitRequest,
    signal: AbortSignal,
    failure: TorError | undefined,
  ): Promise<PickedCircuit> {
    try {
      return await this.#parts.circuits.pick(request, signal);
    } catch (error) {
      if (failure === undefined || !(error instanceof CircuitError)) throw error;
      throw error.code === "no-exit" ? failure : error;
    }
  }
}

/** What a failed attempt says about its circuit. */
function blame({ circuit, pathBias, retire }: PickedCircuit, error: unknown): void {
  if (!(error instanceof StreamError)) return pathBias.noteUseRollback();
  if (CIRCUIT_ENDERS.has(error.code)) {
    pathBias.noteUseFailed();
    circuit.close();
    return;
  }
  if (CIRCUIT_FAILURES.has(error.code)) pathBias.noteUseRollback();
  // Whatever else the exit says, it has got the request and we have got its answer; "internal"
  // leaves that open.
  else if (error.code !== "end-internal") pathBias.noteUseSuccess();
  if (CIRCUIT_RETIRERS.has(error.code)) retire();
}

function timedOut(after: number): StreamError {
  return new StreamError("stream-timeout", `no answer after ${after} ms`);
}
