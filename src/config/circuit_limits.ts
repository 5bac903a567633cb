/**
 * Times and numbers about circuits.
 *
 * @module
 */
import type { Config, ConfluxClientUx } from "./config.ts";
import type { Remarks, Settings } from "./settings.ts";

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** Below this, circuits would often fail, in milliseconds. */
const RECOMMENDED_BUILD_TIMEOUT = 10 * SECOND;

/** The largest MaxClientCircuitsPending. */
const MOST_PENDING = 1024;

/** What {@link readCircuits} reads. */
export type CircuitLimits = Pick<
  Config,
  | "circuitBuildTimeout"
  | "learnCircuitBuildTimeout"
  | "circuitsAvailableTimeout"
  | "maxCircuitsPending"
  | "longLivedPorts"
  | "maxCircuitDirtiness"
  | "newCircuitPeriod"
  | "conflux"
  | "pathsNeededToBuildCircuits"
>;

/**
 * Reads what circuits are limited by.
 *
 * @throws ConfigError for a value outside of C tor's limits
 */
export function readCircuits(settings: Settings, remarks: Remarks): CircuitLimits {
  return {
    ...readBuildTimeout(settings, remarks),
    circuitsAvailableTimeout: readAvailableTimeout(settings),
    maxCircuitsPending: readMaxPending(settings),
    longLivedPorts: settings.ports("LongLivedPorts"),
    maxCircuitDirtiness: readMaxCircuitDirtiness(settings, remarks),
    newCircuitPeriod: settings.interval("NewCircuitPeriod"),
    conflux: {
      enabled: settings.autoBoolean("ConfluxEnabled"),
      clientUx: readClientUx(settings.choice("ConfluxClientUX")),
    },
    pathsNeededToBuildCircuits: readPathsNeeded(settings, remarks),
  };
}

function readBuildTimeout(
  settings: Settings,
  remarks: Remarks,
): Pick<Config, "circuitBuildTimeout" | "learnCircuitBuildTimeout"> {
  const circuitBuildTimeout = settings.interval("CircuitBuildTimeout") || undefined;
  const learnCircuitBuildTimeout = settings.boolean("LearnCircuitBuildTimeout");
  if (!learnCircuitBuildTimeout && circuitBuildTimeout === undefined) {
    remarks.notices.push(
      "LearnCircuitBuildTimeout is off and there is no CircuitBuildTimeout: the network's value " +
        "is used.",
    );
  } else if (!learnCircuitBuildTimeout && (circuitBuildTimeout ?? 0) < RECOMMENDED_BUILD_TIMEOUT) {
    remarks.warnings.push(
      "CircuitBuildTimeout is shorter than 10 seconds and LearnCircuitBuildTimeout is off: many " +
        "circuits may fail.",
    );
  }
  return { circuitBuildTimeout, learnCircuitBuildTimeout };
}

function readAvailableTimeout(settings: Settings): number | undefined {
  const value = settings.interval("CircuitsAvailableTimeout");
  if (value > DAY) throw settings.refusal("CircuitsAvailableTimeout", "must be at most 24 hours.");
  return value || undefined;
}

function readMaxPending(settings: Settings): number {
  const value = settings.count("MaxClientCircuitsPending");
  if (value >= 1 && value <= MOST_PENDING) return value;
  throw settings.refusal("MaxClientCircuitsPending", `must be from 1 to ${MOST_PENDING}.`);
}

function readMaxCircuitDirtiness(settings: Settings, remarks: Remarks): number {
  const value = settings.interval("MaxCircuitDirtiness");
  const used = Math.min(Math.max(value, 10 * SECOND), 30 * DAY);
  if (used !== value) {
    remarks.warnings.push(`MaxCircuitDirtiness is set to ${used / SECOND} seconds, its limit.`);
  }
  return used;
}

/** The parser has let no other value through. */
function readClientUx(choice: string): ConfluxClientUx {
  switch (choice) {
    case "latency":
    case "throughput_lowmem":
    case "latency_lowmem":
      return choice;
    default:
      return "throughput";
  }
}

function readPathsNeeded(settings: Settings, remarks: Remarks): number | undefined {
  const value = settings.fraction("PathsNeededToBuildCircuits");
  if (value === undefined) return undefined;
  const used = Math.min(Math.max(value, 0.25), 0.95);
  if (used !== value) {
    remarks.warnings.push(`PathsNeededToBuildCircuits is set to ${used}, its limit.`);
  }
  return used;
}
