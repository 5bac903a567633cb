/**
 * The choices whose circuits or requests are not over, and which of them wait for better guards
 * (guard-spec 4.9).
 *
 * @module
 */
import type { Clock, Timer } from "../runtime/clock.ts";
import {
  type GuardChoice,
  type OpenChoice,
  usableWaiting,
  type WaitingOutcome,
} from "./guard_choice.ts";
import type { GuardSets } from "./guard_sets.ts";
import type { CircuitEnd } from "./path_bias.ts";

/** Milliseconds between two looks at the circuits that wait for better guards. */
const SETTLE_INTERVAL = 1000;

/** Keeps the open choices, and ends the waits of those that wait. */
export class OpenChoices {
  readonly #clock: Clock;
  readonly #current: () => GuardSets;
  readonly #onUsable: (open: OpenChoice) => void;
  readonly #open = new Map<GuardChoice, OpenChoice>();
  #timer: Timer | undefined;

  /**
   * @param current the sets of the sample in use
   * @param onUsable called when a circuit that waited may be used
   */
  constructor(clock: Clock, current: () => GuardSets, onUsable: (open: OpenChoice) => void) {
    this.#clock = clock;
    this.#current = current;
    this.#onUsable = onUsable;
  }

  /** What is known of a choice; `undefined` when it is closed. */
  get(choice: GuardChoice): OpenChoice | undefined {
    return this.#open.get(choice);
  }

  add(choice: GuardChoice, open: OpenChoice): void {
    this.#open.set(choice, open);
  }

  /** Ends a choice, and its wait if it waits. One that is closed stays so. */
  close(choice: GuardChoice, end: CircuitEnd): void {
    const open = this.#open.get(choice);
    if (open === undefined) return;
    this.#open.delete(choice);
    open.pathBias?.noteClosed(end);
    settle(open, "expired");
    this.settle();
  }

  /** Ends the waits and stops the timer. */
  closeAll(): void {
    for (const open of this.#open.values()) settle(open, "expired");
    this.#open.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Lets a circuit that was built wait for better guards. */
  wait(open: OpenChoice): void {
    const since = this.#clock.now();
    open.state = { kind: "waiting-for-better-guard", since, settled: Promise.withResolvers() };
  }

  /** Lets a circuit be used. */
  complete(open: OpenChoice): void {
    settle(open, "usable");
    open.state = { kind: "complete" };
  }

  /** Looks which waiting circuits may be used now, and which waited too long. */
  settle(): void {
    const sets = this.#current();
    const parameters = sets.network?.parameters;
    if (parameters === undefined) return;
    const now = this.#clock.now();
    if (sets.primary.every((guard) => guard.reachability(now) === "no")) {
      const choices = [...this.#open.values()].filter(({ guarded }) => guarded?.sets === sets);
      for (const open of usableWaiting(choices, now, parameters.nonprimaryGuardConnectTimeout)) {
        this.complete(open);
        this.#onUsable(open);
      }
    }
    let waits = false;
    for (const [choice, open] of this.#open) {
      if (open.state.kind !== "waiting-for-better-guard") continue;
      if (now - open.state.since > parameters.nonprimaryGuardIdleTimeout) {
        this.#open.delete(choice);
        open.pathBias?.noteClosed("local");
        settle(open, "expired");
      } else {
        waits = true;
      }
    }
    this.#timer?.cancel();
    this.#timer = waits ? this.#clock.setTimer(() => this.settle(), SETTLE_INTERVAL) : undefined;
  }
}

function settle(open: OpenChoice, outcome: WaitingOutcome): void {
  if (open.state.kind === "waiting-for-better-guard") open.state.settled.resolve(outcome);
}
