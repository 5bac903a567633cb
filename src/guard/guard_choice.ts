/**
 * What is known of one circuit, or one directory request, that uses a guard (guard-spec 4.6).
 *
 * @module
 */
import type { Relay } from "../netdir/relay.ts";
import type { RouterStatus } from "../netdoc/consensus.ts";
import type { GuardUsage } from "./guard_parameters.ts";
import type { GuardSets } from "./guard_sets.ts";
import type { CircuitPathBias } from "./path_bias.ts";
import type { SampledGuard } from "./sampled_guard.ts";

/** A guard that was selected for one circuit or request; a new one for each. */
export interface GuardChoice {
  readonly usage: GuardUsage;
  /** What the consensus says of the guard: enough to reach it for a directory request. */
  readonly router: RouterStatus;
  /** The guard with its microdescriptor; a directory guard's may still be missing. */
  readonly relay: Relay | undefined;
  /** Whether the circuit may be used when it is built, or only if no better guard's is. */
  readonly usability: "usable-on-completion" | "usable-if-no-better-guard";
}

/** A guard for a circuit that carries streams. */
export interface TrafficGuardChoice extends GuardChoice {
  readonly usage: "traffic";
  readonly relay: Relay;
  /** Counts how the circuit fares; path_bias.ts says which call is due when. */
  readonly pathBias: CircuitPathBias;
}

/** The states of a circuit as the guard specification numbers them, in 4.6. */
export type ChoiceState =
  | { readonly kind: "usable-on-completion" }
  | { readonly kind: "usable-if-no-better-guard"; readonly since: number }
  | {
    readonly kind: "waiting-for-better-guard";
    readonly since: number;
    readonly settled: PromiseWithResolvers<WaitingOutcome>;
  }
  | { readonly kind: "complete" };

/** How a wait for better guards ended: the circuit may be used, or must be closed. */
export type WaitingOutcome = "usable" | "expired";

/** A choice whose circuit is not closed. Times are milliseconds since 1970. */
export interface OpenChoice {
  /** The guard and its sample; `undefined` when entry guards are not used. */
  readonly guarded: { readonly guard: SampledGuard; readonly sets: GuardSets } | undefined;
  /** When the choice was made. */
  readonly opened: number;
  /** `undefined` for a directory request. */
  readonly pathBias: CircuitPathBias | undefined;
  /** Whether a guard would have been allowed for this circuit. */
  readonly obeys: (guard: SampledGuard) => boolean;
  readonly isRestricted: boolean;
  state: ChoiceState;
}

/**
 * The waiting choices whose circuits may be used now, because all primary guards are down and no
 * better guard's circuit stands in the way (guard-spec 4.9). To be called only in the first case.
 *
 * @param choices those of the sample in use
 * @param connectTimeout milliseconds for which an unfinished circuit of a better guard is waited for
 */
export function usableWaiting(
  choices: readonly OpenChoice[],
  now: number,
  connectTimeout: number,
): OpenChoice[] {
  const waiting = choices.filter(({ state }) => state.kind === "waiting-for-better-guard");
  if (waiting.length === 0) return [];
  const best = waiting.reduce((leader, choice) => isBetter(choice, leader) ? choice : leader);
  const blocks = (choice: OpenChoice): boolean => {
    const { guarded, state } = choice;
    if (guarded === undefined || !best.obeys(guarded.guard) || !isBetter(choice, best)) {
      return false;
    }
    return state.kind === "complete" ||
      (state.kind === "usable-if-no-better-guard" && now - state.since < connectTimeout);
  };
  if (choices.some(blocks)) return [];
  // Others may be as good as the best; but what would block a restricted one was not looked at.
  return best.isRestricted ? [best] : waiting.filter((choice) => !isBetter(best, choice));
}

function isBetter(a: OpenChoice, b: OpenChoice): boolean {
  return a.guarded !== undefined && b.guarded !== undefined &&
    a.guarded.guard.hasHigherPriority(b.guarded.guard);
}
