/**
 * Which circuits are worth building before they are asked for: for the ports that will probably be
 * asked for, and to learn how long building takes.
 *
 * @module
 */
import type { Relay } from "../netdir/relay.ts";
import { exitAllows, type ExitTarget } from "../path/exit_target.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { BuildTimes } from "./build_times.ts";
import { missingCircuits, type PredictedPort, PredictedPorts } from "./predicted_ports.ts";
import type { ReadyCircuit } from "./ready_circuits.ts";

/** What {@link Forecast} works with. */
export interface ForecastParts {
  readonly runtime: Runtime;
  readonly times: BuildTimes;
  /** Whether anything is built ahead of need; not while the client is dormant. */
  readonly isActive: () => boolean;
  /** For how many ms ports are predicted after they were used; drawn anew after each pause. */
  readonly drawTimeout: () => number;
  /** Ports whose circuits are made of Stable relays (LongLivedPorts). */
  readonly longLivedPorts: ReadonlySet<number>;
}

/** What should be built ahead of need: this now, or nothing before so many ms have passed. */
export type ForecastAdvice =
  | { readonly kind: "build"; readonly target: ExitTarget }
  | { readonly kind: "wait"; readonly delay: number | undefined };

/** Says which circuits to build ahead of need. */
export class Forecast {
  readonly #parts: ForecastParts;
  readonly #ports: PredictedPorts;

  constructor(parts: ForecastParts) {
    this.#parts = parts;
    this.#ports = new PredictedPorts(parts.drawTimeout, parts.runtime.clock.monotonic());
  }

  /** A stream or a lookup was asked for: its like is to be expected. */
  noteUsed(target: ExitTarget): void {
    const now = this.#parts.runtime.clock.monotonic();
    switch (target.kind) {
      case "name":
        return this.#ports.noteUsed(target.port, 4, now);
      case "address":
        return this.#ports.noteUsed(target.port, target.family, now);
      case "resolve":
        return this.#ports.noteResolve(now);
      case "any-port":
      case "internal":
        return;
    }
  }

  /**
   * What to build next.
   *
   * @param open the circuits that are open
   * @param planned what those are for that are under construction and not spoken for
   */
  next(open: Iterable<ReadyCircuit>, planned: readonly ExitTarget[]): ForecastAdvice {
    const { runtime, times, isActive, longLivedPorts } = this.#parts;
    if (!isActive()) return { kind: "wait", delay: undefined };
    const now = runtime.clock.monotonic();
    // Conflux sets are kept ready besides: streams must find a circuit when a set cannot be built.
    const circuits = [...open].filter(({ isSet }) => !isSet).map((
      { built, isClean, isStable },
    ) => ({
      exit: built.exit,
      isClean,
      isStable,
    }));
    const { target } = missingCircuits(
      this.#ports.ports(now),
      circuits,
      planned.map((each) => ({ target: each })),
      longLivedPorts,
    );
    if (target !== undefined) return { kind: "build", target };
    const unused = circuits.filter(({ isClean }) => isClean).length + planned.length;
    const delay = times.testCircuitDelay(unused);
    // One that is built only to be measured is one for any stream all the same.
    return delay === 0 ? { kind: "build", target: { kind: "resolve" } } : { kind: "wait", delay };
  }

  /** What circuits for any predicted port would be for; `undefined` while none is predicted. */
  get expected(): ExitTarget | undefined {
    const { runtime, isActive } = this.#parts;
    if (!isActive()) return undefined;
    const ports = this.#ports.ports(runtime.clock.monotonic()).filter(({ family }) => family === 4);
    return ports.length === 0
      ? undefined
      : { kind: "any-port", ports: ports.map(({ port }) => port) };
  }

  /** A circuit for the target was built ahead of need, or there is no exit for it: undefined. */
  noteBuilt(target: ExitTarget, exit: Relay | undefined): void {
    const ports = portsOf(target);
    const isServed = ({ port, family }: PredictedPort) =>
      exit !== undefined && exitAllows(exit, { kind: "address", family, port });
    if (!ports.some(isServed)) this.#ports.forget(ports);
  }

  /** For how many ms a circuit that is built now is kept without use. */
  unusedTimeout(): number {
    const { runtime, times } = this.#parts;
    return times.unusedTimeout ??
      this.#ports.unusedTimeout(runtime.clock.monotonic(), runtime.random);
  }
}

function portsOf(target: ExitTarget): PredictedPort[] {
  switch (target.kind) {
    case "any-port":
      return target.ports.map((port) => ({ port, family: 4 }));
    case "address":
      return [{ port: target.port, family: target.family }];
    default:
      return [];
  }
}
