/**
 * Every option that chive has: one table for the parser, for --help and for the suggestion that
 * follows an unknown name. Names, defaults and syntax are C tor's; ConnectBackoff*,
 * MaxOpenChannels and MaxConnectingChannels are chive's own.
 *
 * @module
 */
import { BANDWIDTH_OPTIONS } from "./bandwidth_options.ts";
import { CIRCUIT_OPTIONS } from "./circuit_options.ts";
import { CONNECTION_OPTIONS } from "./connection_options.ts";
import { DIRECTORY_OPTIONS } from "./directory_options.ts";
import { DOOR_OPTIONS } from "./door_options.ts";
import { GENERAL_OPTIONS } from "./general_options.ts";
import { MONITORING_OPTIONS } from "./monitoring_options.ts";
import { NODE_OPTIONS } from "./node_options.ts";
import type { OptionFacts, ValueKind } from "./option_facts.ts";

/** All options by C tor's name, in the order of --help. */
export const OPTIONS = {
  ...GENERAL_OPTIONS,
  ...MONITORING_OPTIONS,
  ...DOOR_OPTIONS,
  ...CONNECTION_OPTIONS,
  ...BANDWIDTH_OPTIONS,
  ...CIRCUIT_OPTIONS,
  ...NODE_OPTIONS,
  ...DIRECTORY_OPTIONS,
} as const satisfies Readonly<Record<string, OptionFacts>>;

/** The name of an option, as C tor spells it. */
export type OptionName = keyof typeof OPTIONS;

/** The names of all options of one kind. */
export type OptionOfKind<Kind extends ValueKind> = {
  [Name in OptionName]: (typeof OPTIONS)[Name]["kind"] extends Kind ? Name : never;
}[OptionName];

/** All names, in the order of --help. */
export const OPTION_NAMES: readonly OptionName[] = Object.keys(OPTIONS).filter(isOptionName);

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

/** What is known about `name`, as one type for all options. */
export function optionFacts(name: OptionName): OptionFacts {
  return OPTIONS[name];
}

const BY_LOWER_CASE: ReadonlyMap<string, OptionName> = new Map(
  OPTION_NAMES.flatMap((name) =>
    [name, ...(optionFacts(name).otherNames ?? [])].map((known) => [known.toLowerCase(), name])
  ),
);

const BY_FLAG: ReadonlyMap<string, OptionName> = new Map(
  OPTION_NAMES.flatMap((name) =>
    (optionFacts(name).flags ?? []).map((flag): [string, OptionName] => [flag, name])
  ),
);

/** The option that is written `name`, in any case. */
export function findOption(name: string): OptionName | undefined {
  return BY_LOWER_CASE.get(name.toLowerCase());
}

/** The option of a friendly command-line name such as `--data-dir`. */
export function findFlag(flag: string): OptionName | undefined {
  return BY_FLAG.get(flag);
}

/** All friendly command-line names. */
export const FLAGS: readonly string[] = [...BY_FLAG.keys()];
