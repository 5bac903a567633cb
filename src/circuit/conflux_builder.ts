/**
 * Builds Conflux sets: both legs side by side, each linked as soon as it is built.
 *
 * @module
 */
import { CONFLUX_NONCE_LENGTH, type ConfluxLink, ConfluxUx } from "../cell/conflux.ts";
import type { ConfluxClientUx } from "../config/config.ts";
import type { RsaIdentity } from "../crypto/identity.ts";
import { describeError } from "../errors/tor_error.ts";
import { CircuitPathBias } from "../guard/path_bias.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import { Logger } from "../observe/log.ts";
import type { ExitTarget } from "../path/exit_target.ts";
import type { PathRules } from "../path/path_rules.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { randomBytes } from "../runtime/random.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { chooseLegs, chooseSetExit } from "./choose_legs.ts";
import type { ChosenPath, PathChooser } from "./choose_path.ts";
import type { BuiltCircuit, BuiltLeg, CircuitBuilder } from "./circuit_builder.ts";
import { LEGS } from "./conflux_parameters.ts";
import { ConfluxSet } from "./conflux_set.ts";
import { CircuitError } from "./errors.ts";
import { MOST_QUEUED_IN_ALL, QueueMemory } from "./message_queue.ts";

const log = new Logger("circuit");

const MICROSECONDS = 1000;

const DESIRED_UX: Readonly<Record<ConfluxClientUx, ConfluxUx>> = {
  throughput: ConfluxUx.HIGH_THROUGHPUT,
  latency: ConfluxUx.MIN_LATENCY,
  throughput_lowmem: ConfluxUx.LOW_MEM_THROUGHPUT,
  latency_lowmem: ConfluxUx.LOW_MEM_LATENCY,
};

/** What {@link ConfluxBuilder} works with. */
export interface ConfluxBuilderParts {
  readonly runtime: Runtime;
  readonly builder: Pick<CircuitBuilder, "buildPath">;
  readonly guards: PathChooser["guards"];
  /** The rules for paths through a network. */
  readonly rules: (netDir: NetDir) => PathRules;
  /** How long a circuit may take to be built, in ms; linking may take as long again. */
  readonly buildTimeout: () => number;
  readonly clientUx: ConfluxClientUx;
}

/** What a set is to be. */
export interface ConfluxRequest {
  readonly target: ExitTarget;
  /** Relays that have just been silent. */
  readonly avoided: ReadonlySet<RsaIdentity>;
  /** Legs that may be built anew after others have failed. */
  readonly maxLegRetries: number;
  /** Whether streams have a circuit that they can use. */
  readonly anyCircuitOpen: () => boolean;
}

interface Leg {
  readonly built: BuiltLeg;
  /** In microseconds. */
  readonly roundTripTime: number;
  readonly desiredUx: ConfluxUx;
}

/** Builds sets, and keeps account of the memory that all of them use. */
export class ConfluxBuilder {
  /** What messages take that came out of order, in all sets. */
  readonly memory = new QueueMemory(MOST_QUEUED_IN_ALL);
  readonly #parts: ConfluxBuilderParts;

  constructor(parts: ConfluxBuilderParts) {
    this.#parts = parts;
  }

  /**
   * A set of two linked legs. It resolves when the exit has agreed to both.
   *
   * @throws CircuitError or ChannelError, or the signal's reason; no circuit is left behind then
   */
  async build(netDir: NetDir, request: ConfluxRequest, signal: AbortSignal): Promise<BuiltCircuit> {
    const { runtime: { random }, guards, rules } = this.#parts;
    const chooser = { random, guards, rules: rules(netDir) };
    const exit = chooseSetExit(netDir, chooser, request.target, request.avoided);
    const attempt = new SetAttempt(this.#parts, { netDir, chooser, exit, request, signal });
    const legs = await attempt.run();
    const [first] = legs;
    const set = new ConfluxSet({
      legs: legs.map(({ built: { circuit }, roundTripTime }) => ({ circuit, roundTripTime })),
      desiredUx: first.desiredUx,
      random,
      memory: this.memory,
    });
    const numbers = legs.map(({ built }) => built.circuit.number).join(" and ");
    log.info(`Circuits ${numbers} are linked to a Conflux set`);
    // How streams fare on a set says nothing about one of its guards.
    const guardChoice = { ...first.built.guardChoice, pathBias: new CircuitPathBias() };
    return { ...first.built, circuit: set, guardChoice, legs: legs.map(({ built }) => built) };
  }
}

interface SetAttemptContext {
  readonly netDir: NetDir;
  readonly chooser: PathChooser;
  readonly exit: Relay;
  readonly request: ConfluxRequest;
  readonly signal: AbortSignal;
}

/** One set under construction. */
class SetAttempt {
  readonly #parts: ConfluxBuilderParts;
  readonly #context: SetAttemptContext;
  readonly #link: ConfluxLink;
  /** The paths of those legs that are built or under construction. */
  readonly #paths = new Set<ChosenPath>();
  readonly #built: BuiltLeg[] = [];
  readonly #givingUp = new AbortController();
  #retriesLeft: number;

  constructor(parts: ConfluxBuilderParts, context: SetAttemptContext) {
    this.#parts = parts;
    this.#context = context;
    this.#retriesLeft = context.request.maxLegRetries;
    this.#link = {
      nonce: randomBytes(parts.runtime.random, CONFLUX_NONCE_LENGTH),
      lastSent: 0n,
      lastReceived: 0n,
      desiredUx: DESIRED_UX[parts.clientUx],
    };
  }

  async run(): Promise<Leg[]> {
    const { netDir, chooser, exit } = this.#context;
    const paths = chooseLegs(netDir, chooser, exit, LEGS, []);
    for (const path of paths) this.#paths.add(path);
    const legs = paths.map((path) => this.#leg(path));
    try {
      return await Promise.all(legs);
    } catch (error) {
      this.#givingUp.abort(error);
      await Promise.allSettled(legs);
      for (const { circuit } of this.#built) circuit.close();
      throw error;
    }
  }

  /** Builds and links one leg, and others in its place while that is allowed. */
  async #leg(first: ChosenPath): Promise<Leg> {
    const { netDir, chooser, exit } = this.#context;
    const signal = AbortSignal.any([this.#context.signal, this.#givingUp.signal]);
    for (let path = first;;) {
      try {
        return await this.#linked(path, signal);
      } catch (error) {
        this.#paths.delete(path);
        // Of an exit that breaks the protocol no more is wanted.
        if (signal.aborted || this.#retriesLeft === 0 || isViolation(error)) throw error;
        this.#retriesLeft--;
        log.info(`Another leg is built for a Conflux set: ${describeError(error)}`);
        [path] = chooseLegs(netDir, chooser, exit, 1, [...this.#paths]);
        this.#paths.add(path);
      }
    }
  }

  async #linked(path: ChosenPath, signal: AbortSignal): Promise<Leg> {
    const { runtime: { clock }, builder, buildTimeout } = this.#parts;
    const { netDir, request: { anyCircuitOpen } } = this.#context;
    const request = { anyCircuitOpen, isUncounted: true };
    const built = await builder.buildPath(netDir, path, request, signal);
    this.#built.push(built);
    const { circuit } = built;
    if (circuit.usesStreamSendmes) {
      circuit.close();
      throw new CircuitError("circuit-handshake-failed", "the exit has no congestion control");
    }
    const limit = Math.round(buildTimeout());
    const late = () => new CircuitError("circuit-timeout", `not linked after ${limit} ms`);
    const began = clock.monotonic();
    const { desiredUx } = await withDeadline(
      clock,
      limit,
      late,
      signal,
      (until) => circuit.link(this.#link, until),
    );
    const roundTripTime = Math.max(1, (clock.monotonic() - began) * MICROSECONDS);
    return { built, roundTripTime, desiredUx };
  }
}

function isViolation(error: unknown): boolean {
  return error instanceof CircuitError && error.code === "circuit-protocol-violation";
}
