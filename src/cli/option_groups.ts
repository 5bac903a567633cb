/**
 * The options by what they are about, for documents.
 *
 * @module
 */
import { BANDWIDTH_OPTIONS } from "../config/bandwidth_options.ts";
import { CIRCUIT_OPTIONS } from "../config/circuit_options.ts";
import { CONNECTION_OPTIONS } from "../config/connection_options.ts";
import { DIRECTORY_OPTIONS } from "../config/directory_options.ts";
import { DOOR_OPTIONS } from "../config/door_options.ts";
import { GENERAL_OPTIONS } from "../config/general_options.ts";
import { MONITORING_OPTIONS } from "../config/monitoring_options.ts";
import { NODE_OPTIONS } from "../config/node_options.ts";
import { OPTION_NAMES, type OptionName } from "../config/options.ts";

/** Options that belong together. */
export interface OptionGroup {
  readonly title: string;
  readonly names: readonly OptionName[];
}

/** All of them, in the order of help. */
export const OPTION_GROUPS: readonly OptionGroup[] = [
  group("General", GENERAL_OPTIONS),
  group("Logs and monitoring", MONITORING_OPTIONS),
  group("Ports for applications", DOOR_OPTIONS),
  group("Connections to relays", CONNECTION_OPTIONS),
  group("Bandwidth", BANDWIDTH_OPTIONS),
  group("Circuits", CIRCUIT_OPTIONS),
  group("Choice of relays", NODE_OPTIONS),
  group("Directory and test networks", DIRECTORY_OPTIONS),
];

function group(title: string, table: object): OptionGroup {
  return { title, names: OPTION_NAMES.filter((name) => Object.hasOwn(table, name)) };
}
