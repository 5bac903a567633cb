/**
 * Builds one circuit: chooses its relays, opens the channel, makes the hops.
 *
 * @module
 */
import type { ChannelManager } from "../channel/channel_manager.ts";
import { ChannelError } from "../channel/errors.ts";
import type { ChannelTarget } from "../channel/connect.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import type { GuardChoice } from "../guard/guard_choice.ts";
import type { GuardSample } from "../guard/guard_sample.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import { describeError } from "../errors/tor_error.ts";
import { Logger } from "../observe/log.ts";
import { type ExitTarget, needsStableRelays } from "../path/exit_target.ts";
import { conflicts, type PathOptions, pathRules } from "../path/path_rules.ts";
import { selectExit } from "../path/select_exit.ts";
import { selectMiddle } from "../path/select_middle.ts";
import { abortable, withDeadline } from "../runtime/deadline.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { Circuit, type FirstHop } from "./circuit.ts";
import { CircuitError, type CircuitErrorCode } from "./errors.ts";
import type { OnViolation } from "./hop_sender.ts";

const log = new Logger("circuit");

const ENDED_BY_RELAYS: ReadonlySet<CircuitErrorCode> = new Set<CircuitErrorCode>([
  "circuit-destroyed",
  "circuit-channel-lost",
]);

/** How far the building of a circuit is, for progress reports. */
export type BuildStep = "one-hop" | "started" | "channel-open" | "first-hop";

/** A built circuit and the relays it goes through. */
export interface BuiltCircuit {
  readonly circuit: Circuit;
  readonly guard: Relay;
  readonly middle: Relay;
  readonly exit: Relay;
}

/** What {@link CircuitBuilder} works with. */
export interface CircuitBuilderParts {
  readonly runtime: Runtime;
  readonly channels: ChannelManager;
  readonly guards: GuardSample;
  readonly pathOptions: PathOptions;
  /** Time for a whole circuit, in ms (C tor: CircuitBuildTimeout). */
  readonly timeout: number;
  readonly onStep?: (step: BuildStep) => void;
  readonly onViolation?: OnViolation;
}

/** Builds circuits one at a time or side by side; it keeps none of them. */
export class CircuitBuilder {
  readonly #parts: CircuitBuilderParts;

  constructor(parts: CircuitBuilderParts) {
    this.#parts = parts;
  }

  /**
   * A circuit of three hops whose last relay can serve the target. It resolves when the last hop
   * has proved its key.
   *
   * @throws CircuitError or ChannelError, or the signal's reason
   */
  async build(
    netDir: NetDir,
    target: ExitTarget,
    excludedExits: ReadonlySet<RsaIdentity>,
    signal: AbortSignal,
  ): Promise<BuiltCircuit> {
    const { runtime, channels, guards, pathOptions, onViolation } = this.#parts;
    const { guardChoice, guard, middle, exit } = this.#choosePath(
      netDir,
      target,
      excludedExits,
      pathOptions,
    );
    const started = runtime.clock.monotonic();
    let circuit: Circuit | undefined;
    this.#parts.onStep?.("started");
    try {
      circuit = await this.#withTimeout(signal, async (until) => {
        const channel = await channels.get(guard, until);
        this.#parts.onStep?.("channel-open");
        circuit = await Circuit.create(channel, guard, runtime.random, until, onViolation);
        this.#parts.onStep?.("first-hop");
        await circuit.extend(middle, until);
        await circuit.extend(exit, until);
        return circuit;
      });
      const took = Math.round(runtime.clock.monotonic() - started);
      log.info(`Circuit ${circuit.number} is built: three hops in ${took} ms`);
      await this.#settle(guardChoice, signal);
    } catch (error) {
      if (circuit === undefined && !signal.aborted && isBlameable(error)) {
        guards.noteFailure(guardChoice);
      }
      guards.noteClosed(guardChoice);
      circuit?.close();
      throw error;
    }
    const { number } = circuit;
    circuit.whenClosed.then((error) => {
      guards.noteClosed(guardChoice);
      // What the circuit was closed for on this side, it has said itself.
      if (ENDED_BY_RELAYS.has(error.code)) {
        log.info(`Circuit ${number} ended: ${describeError(error)}`);
      }
    });
    return { circuit, guard, middle, exit };
  }

  /** Waits, where better guards must have their chance first, until the circuit may be used. */
  async #settle(guardChoice: GuardChoice, signal: AbortSignal): Promise<void> {
    const { guards } = this.#parts;
    const outcome = guards.noteSuccess(guardChoice);
    if (outcome === "usable") return;
    if (outcome === "waiting") {
      const settled = await abortable(guards.whenSettled(guardChoice), signal);
      if (settled === "usable") return;
    }
    throw new CircuitError("circuit-closed", "its guard is not to be used any more");
  }

  /**
   * A circuit of one hop, for directory requests.
   *
   * @throws CircuitError or ChannelError, or the signal's reason
   */
  async oneHop(target: ChannelTarget & FirstHop, signal: AbortSignal): Promise<Circuit> {
    const { runtime, channels, onViolation } = this.#parts;
    return await this.#withTimeout(signal, async (until) => {
      const channel = await channels.get(target, until);
      this.#parts.onStep?.("one-hop");
      return await Circuit.create(channel, target, runtime.random, until, onViolation);
    });
  }

  #withTimeout<T>(
    signal: AbortSignal,
    action: (until: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { runtime, timeout } = this.#parts;
    const late = () => new CircuitError("circuit-timeout", `not built after ${timeout} ms`);
    return withDeadline(runtime.clock, timeout, late, signal, action);
  }

  /** The exit first, then a guard that goes with it, then the middle (path-spec 2.2). */
  #choosePath(
    netDir: NetDir,
    target: ExitTarget,
    excludedExits: ReadonlySet<RsaIdentity>,
    pathOptions: PathOptions,
  ) {
    const { runtime, guards } = this.#parts;
    const rules = pathRules(netDir, pathOptions);
    const exit = selectExit(netDir, runtime.random, target, {
      rules,
      excluded: (relay) => excludedExits.has(relay.rsaIdentity),
    });
    if (exit === undefined) {
      throw new CircuitError("no-exit", "no relay allows connections to this port");
    }
    const guardChoice = guards.selectForTraffic((relay) => conflicts(relay, exit, rules));
    if (guardChoice === undefined) {
      throw new CircuitError("no-guard", "no guard can be used now");
    }
    const guard = guardChoice.relay;
    const middle = selectMiddle(netDir, runtime.random, {
      rules,
      path: [guard, exit],
      stable: needsStableRelays(target),
    });
    if (middle === undefined) {
      guards.noteClosed(guardChoice);
      throw new CircuitError("no-path", "no relay is left for the middle of the circuit");
    }
    return { guardChoice, guard, middle, exit };
  }
}

/**
 * Whether a failure before the guard had answered may be the guard's fault. It is not when this
 * machine itself has no network; what fails behind the guard is never its fault.
 */
function isBlameable(error: unknown): boolean {
  return !(error instanceof ChannelError && error.code === "network-unreachable");
}
