/**
 * Conflux sets ahead of need: how many there should be, and when another one is built.
 *
 * @module
 */
import { describeError, TorError } from "../errors/tor_error.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import { Logger } from "../observe/log.ts";
import { RepeatedMessages } from "../observe/repeated_messages.ts";
import type { ExitTarget } from "../path/exit_target.ts";
import { Backoff, type BackoffOptions } from "../runtime/backoff.ts";
import type { Timer } from "../runtime/clock.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { BuiltCircuit } from "./circuit_builder.ts";
import type { ConfluxBuilder } from "./conflux_builder.ts";
import type { ConfluxParameters } from "./conflux_parameters.ts";
import type { ReadyCircuit } from "./ready_circuits.ts";

const log = new Logger("circuit");

/** What the circuit manager is given for sets. */
export interface ConfluxParts {
  readonly builder: Pick<ConfluxBuilder, "build" | "memory">;
  /** What holds in a network; `undefined` when no sets are to be built. */
  readonly parameters: (netDir: NetDir) => ConfluxParameters | undefined;
}

/** What {@link ConfluxSets} works with, and whom it tells. */
export interface ConfluxSetsParts extends ConfluxParts {
  readonly runtime: Runtime;
  readonly backoff: BackoffOptions;
  /** The circuits that are open. */
  readonly ready: Iterable<ReadyCircuit>;
  /** What sets would be for; `undefined` while nothing is expected. */
  readonly target: () => ExitTarget | undefined;
  /** Relays that have just been silent. */
  readonly avoided: () => ReadonlySet<RsaIdentity>;
  readonly onBuilt: (built: BuiltCircuit, target: ExitTarget) => void;
  /** A pause is over. */
  readonly onRetry: () => void;
}

/** Builds sets as long as some are missing. */
export class ConfluxSets {
  readonly #parts: ConfluxSetsParts;
  readonly #pauses: Backoff;
  readonly #messages: RepeatedMessages;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #pending = 0;
  #pause: Timer | undefined;

  constructor(parts: ConfluxSetsParts) {
    this.#parts = parts;
    const { runtime, backoff } = parts;
    this.#pauses = new Backoff(backoff, runtime.random);
    this.#messages = new RepeatedMessages(() => runtime.clock.monotonic());
  }

  /**
   * Starts what is missing. Sets are a luxury: none is built before a circuit is open that streams
   * can use, and after a failure not before a pause.
   */
  balance(netDir: NetDir): void {
    if (this.#pause !== undefined || this.#stopping.signal.aborted) return;
    const open = [...this.#parts.ready];
    const parameters = this.#parts.parameters(netDir);
    const target = this.#parts.target();
    if (parameters === undefined || target === undefined || open.length === 0) return;
    const sets = open.filter(({ isSet }) => isSet);
    const unused = sets.filter(({ isClean }) => isClean).length;
    const { maxLinked, maxPrebuilt, maxLegRetries } = parameters;
    const missing = Math.min(maxPrebuilt - unused, maxLinked - sets.length) - this.#pending;
    for (let count = 0; count < missing; count++) this.#start(netDir, target, maxLegRetries);
  }

  /** Gives up what is being built; resolves when nothing runs any more. */
  async close(reason: unknown): Promise<void> {
    this.#stopping.abort(reason);
    this.#pause?.cancel();
    await Promise.all(this.#running);
  }

  #start(netDir: NetDir, target: ExitTarget, maxLegRetries: number): void {
    this.#pending++;
    const run = this.#run(netDir, target, maxLegRetries);
    this.#running.add(run);
    run.then(() => this.#running.delete(run));
  }

  async #run(netDir: NetDir, target: ExitTarget, maxLegRetries: number): Promise<void> {
    const { builder, ready, avoided, onBuilt } = this.#parts;
    const { signal } = this.#stopping;
    try {
      const built = await builder.build(netDir, {
        target,
        avoided: avoided(),
        maxLegRetries,
        anyCircuitOpen: () => [...ready].some(({ isUsable }) => isUsable),
      }, signal);
      this.#pending--;
      if (signal.aborted) return built.circuit.close();
      this.#pauses.reset();
      onBuilt(built, target);
    } catch (error) {
      this.#pending--;
      if (!signal.aborted) this.#onFailure(error);
    }
  }

  #onFailure(error: unknown): void {
    const { runtime: { clock }, onRetry } = this.#parts;
    this.#messages.say(
      error instanceof TorError ? error.code : "unknown",
      `A Conflux set could not be built: ${describeError(error)}`,
      (text) => log.info(text),
    );
    this.#pause ??= clock.setTimer(() => {
      this.#pause = undefined;
      onRetry();
    }, this.#pauses.next());
  }
}
