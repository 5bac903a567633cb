/**
 * What the circuit manager needs for Conflux sets.
 *
 * @module
 */
import type { BuildTimes } from "../circuit/build_times.ts";
import { ConfluxBuilder, type ConfluxBuilderParts } from "../circuit/conflux_builder.ts";
import { confluxParameters } from "../circuit/conflux_parameters.ts";
import type { ConfluxParts } from "../circuit/conflux_sets.ts";
import type { ConfluxOptions } from "../config/config.ts";

/** Joins what is configured with what circuits are built with. */
export function confluxParts(
  { enabled, clientUx }: ConfluxOptions,
  parts: Omit<ConfluxBuilderParts, "buildTimeout" | "clientUx"> & {
    readonly buildTimes: Pick<BuildTimes, "timeout">;
  },
): ConfluxParts {
  const { buildTimes, ...others } = parts;
  return {
    builder: new ConfluxBuilder({ ...others, clientUx, buildTimeout: () => buildTimes.timeout }),
    parameters: (netDir) => confluxParameters(netDir, enabled),
  };
}
