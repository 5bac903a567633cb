/**
 * Choosing the relays of a Conflux set: one exit, and for each leg a guard and a middle of its own.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { NetDir } from "../netdir/net_dir.ts";
import type { Relay } from "../netdir/relay.ts";
import { exitAllows, type ExitTarget } from "../path/exit_target.ts";
import { conflicts } from "../path/path_rules.ts";
import { selectExit } from "../path/select_exit.ts";
import { selectMiddle } from "../path/select_middle.ts";
import type { ChosenPath, PathChooser } from "./choose_path.ts";
import { supportsConflux } from "./conflux_parameters.ts";
import { CircuitError } from "./errors.ts";

/**
 * An exit for a set: Stable and Fast (as C tor has it), and none of those to be avoided.
 *
 * @throws CircuitError `no-exit`
 */
export function chooseSetExit(
  netDir: NetDir,
  { random, rules }: PathChooser,
  target: ExitTarget,
  avoided: ReadonlySet<RsaIdentity>,
): Relay {
  const exit = selectExit(netDir, random, target, {
    rules,
    stable: true,
    excluded: (relay) => !supportsConflux(relay) || avoided.has(relay.rsaIdentity),
  });
  if (exit !== undefined && exitAllows(exit, target)) return exit;
  throw new CircuitError("no-exit", "no exit with Conflux allows these ports");
}

/**
 * The paths of legs to an exit. No relay but the exit is on two legs, and each leg obeys the same
 * rules as a circuit by itself. Guards are primary ones: a set is not worth the use of others.
 *
 * @param others the legs that there are already
 * @throws CircuitError `no-guard` or `no-path`; no guard is claimed then
 */
export function chooseLegs(
  netDir: NetDir,
  chooser: PathChooser,
  exit: Relay,
  count: number,
  others: readonly ChosenPath[],
): ChosenPath[] {
  const { random, guards, rules } = chooser;
  const taken = new Set(others.flatMap(({ guard, middle }) => [guard, middle]).map(identityOf));
  const choices = [];
  try {
    for (let leg = 0; leg < count; leg++) {
      const choice = guards.selectForTraffic((relay) =>
        taken.has(relay.rsaIdentity) || conflicts(relay, exit, rules)
      );
      if (choice === undefined) throw noGuard();
      choices.push(choice);
      if (choice.usability !== "usable-on-completion") throw noGuard();
      taken.add(choice.relay.rsaIdentity);
    }
    return choices.map((guardChoice) => {
      const guard = guardChoice.relay;
      const middle = selectMiddle(netDir, random, {
        rules,
        path: [guard, exit],
        stable: true,
        excluded: (relay) => taken.has(relay.rsaIdentity),
      });
      if (middle === undefined) {
        throw new CircuitError("no-path", "no relay is left for the middle of a Conflux leg");
      }
      taken.add(middle.rsaIdentity);
      return { guardChoice, guard, middle, exit };
    });
  } catch (error) {
    for (const choice of choices) guards.noteClosed(choice);
    throw error;
  }
}

function identityOf({ rsaIdentity }: Relay): RsaIdentity {
  return rsaIdentity;
}

function noGuard(): CircuitError {
  return new CircuitError("no-guard", "no primary guard is left for another Conflux leg");
}
