/**
 * What a person is told when too few of a guard's circuits succeed.
 *
 * @module
 */
import { Logger } from "../observe/log.ts";
import type { PathBiasCounts, PathBiasLevel } from "./path_bias.ts";
import { describeGuard, type SampledGuard } from "./sampled_guard.ts";

const logger = new Logger("guard");

const CIRCUITS = "too few of its circuits are built and closed in order";
const USES = "too few of its circuits carry streams";
const NETWORK = "Most likely the Tor network or this machine's connection is overloaded.";
const ATTACK =
  "This may be an attack on the choice of routes, a very poor connection, or a fault of chive.";
const DISABLED = "It is not used any more, as PathBiasDropGuards asks for.";

/** Logs one line about a guard that has sunk to a level. */
export function logPathBias(guard: SampledGuard, level: PathBiasLevel, isDisabled: boolean): void {
  const text = messageOf(level, isDisabled);
  const line = `Guard ${describeGuard(guard)}: ${text} ${describeCounts(guard.pathBias.counts)}`;
  if (level === "notice" || level === "use-notice") logger.notice(line);
  else logger.warn(line);
}

function messageOf(level: PathBiasLevel, isDisabled: boolean): string {
  switch (level) {
    case "notice":
      return `${CIRCUITS}. ${NETWORK}`;
    case "warn":
      return `far ${CIRCUITS}. ${NETWORK} It could also be an attack on you or on the guard.`;
    case "extreme":
      return `almost none of its circuits are closed in order. ${isDisabled ? DISABLED : ATTACK}`;
    case "use-notice":
      return `${USES}. ${NETWORK}`;
    case "use-extreme":
      return `far ${USES}. ${isDisabled ? DISABLED : ATTACK}`;
  }
}

function describeCounts(counts: PathBiasCounts): string {
  const round = Math.round;
  return `Of ${round(counts.circAttempts)} circuits ${
    round(counts.circSuccesses)
  } were built and ` +
    `${round(counts.successfulCircuitsClosed)} ended well; ${round(counts.collapsedCircuits)} ` +
    `collapsed, ${round(counts.unusableCircuits)} were unusable, ${round(counts.timeouts)} took ` +
    `too long. Of ${round(counts.useAttempts)} that were used, ${
      round(counts.useSuccesses)
    } worked.`;
}
