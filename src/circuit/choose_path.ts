/**
 * Choosing the three relays of a circuit.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { TrafficGuardChoice } from "../guard/guard_choice.ts";
import type { GuardSample } from "../guard/guard_sample.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import { exitAllows, type ExitTarget, needsStableRelays } from "../path/exit_target.ts";
import { explainNoExit, explainNoMiddle, type NoRelayReason } from "../path/no_relay_reason.ts";
import { conflicts, type PathRules } from "../path/path_rules.ts";
import { selectExit } from "../path/select_exit.ts";
import { selectMiddle } from "../path/select_middle.ts";
import type { RandomSource } from "../runtime/random.ts";
import { CircuitError } from "./errors.ts";

const NO_EXIT: Readonly<Record<NoRelayReason, string>> = {
  "no-relays": "no relay is known",
  "no-exit-policy": "no relay allows connections to this port",
  "all-excluded": "ExcludeNodes and ExcludeExitNodes leave no relay that allows this port",
  "none-chosen": "no relay of ExitNodes allows connections to this port",
  "all-refused": "no relay is left that allows connections to this port",
};

const NO_MIDDLE: Readonly<Record<NoRelayReason, string>> = {
  ...NO_EXIT,
  "all-excluded": "ExcludeNodes leaves no relay for the middle of a circuit",
  "none-chosen": "no relay of MiddleNodes is known",
  "all-refused": "no relay is left for the middle of the circuit",
};

/** What the path of a circuit must and should be. */
export interface PathRequest {
  readonly target: ExitTarget;
  /** Relays that must not be the last one. */
  readonly excludedExits: ReadonlySet<RsaIdentity>;
  /** Relays that are better left out, because they are silent, but taken where no others are left. */
  readonly avoided: ReadonlySet<RsaIdentity>;
}

/** The relays of a circuit to be built. */
export interface ChosenPath {
  readonly guardChoice: TrafficGuardChoice;
  readonly guard: Relay;
  readonly middle: Relay;
  readonly exit: Relay;
}

/** What paths are chosen with. */
export interface PathChooser {
  readonly random: RandomSource;
  readonly guards: Pick<GuardSample, "selectForTraffic" | "noteClosed">;
  readonly rules: PathRules;
}

/**
 * The exit first, then a guard that goes with it, then the middle (path-spec, "Path selection and
 * constraints").
 *
 * @throws CircuitError `no-exit`, `no-guard` or `no-path`
 */
export function choosePath(
  netDir: NetDir,
  { random, guards, rules }: PathChooser,
  { target, excludedExits, avoided }: PathRequest,
): ChosenPath {
  const isAvoided = (relay: Relay) => avoided.has(relay.rsaIdentity);
  const isExcludedExit = (relay: Relay) => excludedExits.has(relay.rsaIdentity);
  const exitOtherThan = (isOther: (relay: Relay) => boolean) =>
    selectExit(netDir, random, target, {
      rules,
      excluded: (relay) => isExcludedExit(relay) || isOther(relay),
    });
  const preferred = preferring(avoided, (avoiding) => {
    const found = exitOtherThan((relay) => avoiding && isAvoided(relay));
    // One for other ports than those expected is worse than one to be avoided.
    return avoiding && found !== undefined && !exitAllows(found, target) ? undefined : found;
  });
  if (preferred === undefined) {
    throw new CircuitError("no-exit", NO_EXIT[explainNoExit(netDir, target, { rules })]);
  }
  const guardFor = (exit: Relay) =>
    chooseGuard(guards, (relay) => conflicts(relay, exit, rules), avoided);
  let exit = preferred;
  let guardChoice = guardFor(exit);
  if (avoided.size > 0 && !isPrimary(guardChoice)) {
    // Perhaps the one primary guard that is left cannot stand before this exit: the circuit would
    // wait for it, and so would all others while so many exits are avoided.
    const other = exitOtherThan((relay) => relay.rsaIdentity === preferred.rsaIdentity);
    const choice = other && guardFor(other);
    if (other !== undefined && isPrimary(choice)) {
      if (guardChoice !== undefined) guards.noteClosed(guardChoice);
      exit = other;
      guardChoice = choice;
    } else if (choice !== undefined) {
      guards.noteClosed(choice);
    }
  }
  if (guardChoice === undefined) {
    throw new CircuitError("no-guard", "no guard can be used now");
  }
  const guard = guardChoice.relay;
  const stable = needsStableRelays(target, rules.longLivedPorts);
  const middle = preferring(avoided, (avoiding) =>
    selectMiddle(netDir, random, {
      rules,
      path: [guard, exit],
      stable,
      excluded: (relay) => avoiding && isAvoided(relay),
    }));
  if (middle === undefined) {
    guards.noteClosed(guardChoice);
    const reason = explainNoMiddle(netDir, { rules });
    throw new CircuitError("no-path", NO_MIDDLE[reason]);
  }
  return { guardChoice, guard, middle, exit };
}

/**
 * A guard that is not to be avoided only if it is a primary one: a moment's silence must not lead
 * circuits to guards that they would not use otherwise.
 */
function chooseGuard(
  guards: PathChooser["guards"],
  isExcluded: (relay: Relay) => boolean,
  avoided: ReadonlySet<RsaIdentity>,
): TrafficGuardChoice | undefined {
  if (avoided.size > 0) {
    const choice = guards.selectForTraffic((relay) =>
      isExcluded(relay) || avoided.has(relay.rsaIdentity)
    );
    if (isPrimary(choice)) return choice;
    if (choice !== undefined) guards.noteClosed(choice);
  }
  return guards.selectForTraffic(isExcluded);
}

/** Whether circuits through a guard may be used as soon as they are built. */
function isPrimary(choice: TrafficGuardChoice | undefined): boolean {
  return choice?.usability === "usable-on-completion";
}

/** Chooses without the relays to be avoided, and with them only if there is no other. */
function preferring<T>(
  avoided: ReadonlySet<RsaIdentity>,
  choose: (avoiding: boolean) => T | undefined,
): T | undefined {
  return (avoided.size > 0 ? choose(true) : undefined) ?? choose(false);
}
