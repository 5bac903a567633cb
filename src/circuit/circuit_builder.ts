/**
 * Builds one circuit: chooses its relays, opens the channel, makes the hops, and minds the time.
 *
 * @module
 */
import type { Channel } from "../channel/channel.ts";
import type { ChannelTarget } from "../channel/connect.ts";
import { ChannelError } from "../channel/errors.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import type { CircuitEnd } from "../guard/path_bias.ts";
import type { TrafficGuardChoice } from "../guard/guard_choice.ts";
import type { GuardSample } from "../guard/guard_sample.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import { Logger } from "../observe/log.ts";
import type { PathRules } from "../path/path_rules.ts";
import { abortable, withDeadline } from "../runtime/deadline.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { BuildAttempt } from "./build_attempt.ts";
import type { BuildTimes } from "./build_times.ts";
import { choosePath, type ChosenPath, type PathRequest } from "./choose_path.ts";
import { Circuit, type CircuitChannel, type CircuitParts, type FirstHop } from "./circuit.ts";
import type { CongestionObserver } from "./congestion_control.ts";
import { congestionControlParameters } from "./congestion_control_parameters.ts";
import { CircuitError, type CircuitErrorCode } from "./errors.ts";
import { chooseHandshake } from "./hop_handshake.ts";
import type { OnViolation } from "./hop_sender.ts";
import type { StreamCircuit } from "./stream_circuit.ts";
import { streamFlowControlParameters } from "./stream_flow_control_parameters.ts";

const log = new Logger("circuit");

/** Hops of a circuit for streams. */
const HOPS = 3;
/** A guard that has not answered CREATE for so long, in ms, is passed over until it does. */
const SILENT_AFTER = 3000;
/** Time for a circuit of one hop with its channel, in ms. */
const ONE_HOP_TIMEOUT = 15_000;

const ENDED_BY_RELAYS: ReadonlySet<CircuitErrorCode> = new Set<CircuitErrorCode>([
  "circuit-destroyed",
  "circuit-channel-lost",
]);

/** How far the building of a circuit is, for progress reports. */
export type BuildStep = "one-hop" | "started" | "channel-open" | "first-hop";

/** What streams can be put on, and the relays it goes through; of a set, those of its first leg. */
export interface BuiltCircuit {
  readonly circuit: StreamCircuit;
  readonly guardChoice: TrafficGuardChoice;
  readonly guard: Relay;
  readonly middle: Relay;
  readonly exit: Relay;
  /** The legs of a Conflux set; undefined for a single circuit. */
  readonly legs?: readonly BuiltLeg[];
}

/** A single circuit that was built. */
export interface BuiltLeg extends BuiltCircuit {
  readonly circuit: Circuit;
}

/** How far a circuit under construction is. */
export class BuildProgress {
  readonly #relays: readonly RsaIdentity[];
  /** How many hops have proved their keys. */
  hops = 0;

  constructor({ guard, middle, exit }: ChosenPath) {
    this.#relays = [guard, middle, exit].map(({ rsaIdentity }) => rsaIdentity);
  }

  /** Whether all hops are there, and the circuit only waits for better guards. */
  get isBuilt(): boolean {
    return this.hops === this.#relays.length;
  }

  /** The relay that another one is to extend the circuit to; none before the first hop is made. */
  get extendingTo(): RsaIdentity | undefined {
    return this.hops === 0 ? undefined : this.#relays.at(this.hops);
  }

  /** The relay whose answer is due, and the one that should have asked it; none when all are there. */
  suspects(): readonly RsaIdentity[] {
    return this.isBuilt ? [] : this.#relays.slice(Math.max(0, this.hops - 1), this.hops + 1);
  }
}

/** How a path that was chosen is built. */
export interface LegRequest {
  /** Whether streams have another circuit that they could use. */
  readonly anyCircuitOpen: () => boolean;
  /** Path bias is not counted: the exit of a Conflux set could bring blame on guards (C tor). */
  readonly isUncounted?: boolean;
  /** Called once, when the path is chosen. */
  readonly onProgress?: (progress: BuildProgress) => void;
}

/** What {@link CircuitBuilder.build} is asked for. */
export interface BuildRequest extends PathRequest, LegRequest {}

/** Where channels are had from; the channel manager is one. */
export interface ChannelSource {
  /** @throws ChannelError, or the signal's reason */
  get(
    target: ChannelTarget,
    signal: AbortSignal,
    options?: { readonly retry?: boolean },
  ): Promise<CircuitChannel & Pick<Channel, "retire">>;
}

/** What {@link CircuitBuilder} works with. */
export interface CircuitBuilderParts {
  readonly runtime: Runtime;
  readonly channels: ChannelSource;
  readonly guards: Pick<
    GuardSample,
    | "selectForTraffic"
    | "noteSilent"
    | "noteFailure"
    | "noteSuccess"
    | "whenSettled"
    | "noteClosed"
  >;
  readonly times: BuildTimes;
  /** The rules for paths through a network. */
  readonly rules: (netDir: NetDir) => PathRules;
  /** The network as far as it is known, by which circuits of one hop are made. */
  readonly netDir: () => NetDir | undefined;
  readonly onStep?: (step: BuildStep) => void;
  readonly onViolation?: OnViolation;
  /** Watches the congestion control of all circuits. */
  readonly congestionObserver?: CongestionObserver | undefined;
}

/** Builds circuits one at a time or side by side; it keeps none of them. */
export class CircuitBuilder {
  readonly #parts: CircuitBuilderParts;
  /** Also circuits that nobody waits for any more: they are finished to learn how long it takes. */
  readonly #running = new Set<Promise<void>>();

  constructor(parts: CircuitBuilderParts) {
    this.#parts = parts;
  }

  /**
   * A circuit of three hops whose last relay can serve the target. It resolves when the last hop
   * has proved its key.
   *
   * @throws CircuitError or ChannelError, or the signal's reason
   */
  async build(netDir: NetDir, request: BuildRequest, signal: AbortSignal): Promise<BuiltLeg> {
    const { runtime, guards, rules } = this.#parts;
    const path = choosePath(
      netDir,
      { random: runtime.random, guards, rules: rules(netDir) },
      request,
    );
    return await this.buildPath(netDir, path, request, signal);
  }

  /**
   * The circuit of a path that was chosen, as {@link build} gives it.
   *
   * @throws CircuitError or ChannelError, or the signal's reason
   */
  buildPath(
    netDir: NetDir,
    path: ChosenPath,
    request: LegRequest,
    signal: AbortSignal,
  ): Promise<BuiltLeg> {
    return new Promise((resolve, reject) => {
      const run = this.#build(netDir, path, request, signal, reject).then((built) => {
        if (built !== undefined) resolve(built);
      }, reject);
      this.#running.add(run);
      run.then(() => this.#running.delete(run));
    });
  }

  /** Resolves when nothing runs any more; the signals of all builds must be aborted before. */
  async close(): Promise<void> {
    await Promise.all(this.#running);
  }

  /**
   * A circuit of one hop, for directory requests.
   *
   * @throws CircuitError or ChannelError, or the signal's reason
   */
  async oneHop(target: ChannelTarget & FirstHop, signal: AbortSignal): Promise<Circuit> {
    const { runtime, channels } = this.#parts;
    const netDir = this.#parts.netDir();
    const choice = chooseHandshake(target, congestionControlParameters("sbws", netDir));
    const late = () => timedOut(ONE_HOP_TIMEOUT);
    return await withDeadline(runtime.clock, ONE_HOP_TIMEOUT, late, signal, async (until) => {
      const channel = await channels.get(target, until, { retry: false });
      this.#parts.onStep?.("one-hop");
      return await Circuit.create(channel, target, this.#circuitParts(netDir), until, choice);
    });
  }

  /**
   * Builds the circuit. When it is too slow for use it is reported as failed, and goes on being
   * built for the measurement; it is closed then, and the result is undefined.
   */
  async #build(
    netDir: NetDir,
    path: ChosenPath,
    request: LegRequest,
    signal: AbortSignal,
    onFailure: (error: CircuitError) => void,
  ): Promise<BuiltLeg | undefined> {
    const { runtime, guards, times, onStep } = this.#parts;
    const { guardChoice, guard, middle, exit } = path;
    const pathBias = request.isUncounted ? undefined : guardChoice.pathBias;
    const started = runtime.clock.monotonic();
    const progress = new BuildProgress(path);
    request.onProgress?.(progress);
    onStep?.("started");
    const givenUp = new AbortController();
    const attempt = new BuildAttempt({
      times,
      clock: runtime.clock,
      hops: HOPS,
      anyCircuitOpen: request.anyCircuitOpen,
      onTimeout: () => onFailure(timedOut(times.timeout)),
      onClose: () => {
        pathBias?.noteTimeout();
        givenUp.abort(timedOut(times.closeTimeout));
      },
    });
    let circuit: Circuit | undefined;
    try {
      const until = AbortSignal.any([signal, givenUp.signal]);
      circuit = await this.#firstHop(netDir, guardChoice, attempt, until);
      progress.hops = 1;
      attempt.noteHop();
      for (const relay of [middle, exit]) {
        const exitUse = relay === exit ? congestionControlParameters("exit", netDir) : undefined;
        await circuit.extend(relay, until, chooseHandshake(relay, exitUse));
        if (relay === middle && pathBias?.noteBuildAttempt() === "refused") {
          throw new CircuitError("circuit-closed", "its guard fails too many circuits");
        }
        progress.hops++;
        attempt.noteHop();
      }
      const took = Math.round(runtime.clock.monotonic() - started);
      log.info(`Circuit ${circuit.number} is built: three hops in ${took} ms`);
      pathBias?.noteBuildSuccess();
      if (attempt.isMeasurementOnly) {
        guards.noteSuccess(guardChoice);
        guards.noteClosed(guardChoice);
        circuit.close();
        return undefined;
      }
      await this.#settle(guardChoice, signal);
    } catch (error) {
      attempt.end();
      if (circuit === undefined && !signal.aborted && isBlameable(error)) {
        guards.noteFailure(guardChoice);
      }
      guards.noteClosed(guardChoice, endOf(error));
      circuit?.close();
      throw error;
    }
    const { number } = circuit;
    circuit.whenClosed.then((error) => {
      guards.noteClosed(guardChoice, endOf(error));
      // What the circuit was closed for on this side, it has said itself.
      if (ENDED_BY_RELAYS.has(error.code)) {
        log.info(`Circuit ${number} ended: ${describeError(error)}`);
      }
    });
    return { circuit, guardChoice, guard, middle, exit };
  }

  async #firstHop(
    netDir: NetDir,
    guardChoice: TrafficGuardChoice,
    attempt: BuildAttempt,
    until: AbortSignal,
  ): Promise<Circuit> {
    const { runtime, channels, guards, onStep } = this.#parts;
    const guard = guardChoice.relay;
    const parts = this.#circuitParts(netDir);
    const channel = await channels.get(guard, until);
    onStep?.("channel-open");
    attempt.noteCreateSent();
    const silence = runtime.clock.setTimer(() => guards.noteSilent(guardChoice), SILENT_AFTER);
    try {
      const circuit = await Circuit.create(channel, guard, parts, until, chooseHandshake(guard));
      onStep?.("first-hop");
      return circuit;
    } catch (error) {
      // A channel on which not even that was answered is none for the next circuits (as in C tor).
      if (error instanceof CircuitError && error.code === "circuit-timeout") channel.retire();
      throw error;
    } finally {
      silence.cancel();
    }
  }

  #circuitParts(netDir: NetDir | undefined): CircuitParts {
    const { runtime: { clock, random }, onViolation, congestionObserver } = this.#parts;
    const flowControl = streamFlowControlParameters(netDir);
    return { clock, random, flowControl, onViolation, congestionObserver };
  }

  /** Waits, where better guards must have their chance first, until the circuit may be used. */
  async #settle(guardChoice: TrafficGuardChoice, signal: AbortSignal): Promise<void> {
    const { guards } = this.#parts;
    const outcome = guards.noteSuccess(guardChoice);
    if (outcome === "usable") return;
    if (outcome === "waiting") {
      const settled = await abortable(guards.whenSettled(guardChoice), signal);
      if (settled === "usable") return;
    }
    throw new CircuitError("circuit-closed", "its guard is not to be used any more");
  }
}

/** Which side ended a circuit, or failed to build it. */
function endOf(error: unknown): CircuitEnd {
  if (!(error instanceof CircuitError)) return "local";
  switch (error.code) {
    case "circuit-destroyed":
    case "circuit-truncated":
      return "remote";
    case "circuit-channel-lost":
      return "channel-lost";
    default:
      return "local";
  }
}

function timedOut(limit: number): CircuitError {
  return new CircuitError("circuit-timeout", `not built after ${Math.round(limit)} ms`);
}

/**
 * Whether a failure before the guard had answered may be the guard's fault. It is not when this
 * machine itself has no network; what fails behind the guard is never its fault.
 */
function isBlameable(error: unknown): boolean {
  return !(error instanceof ChannelError && error.code === "network-unreachable");
}
