/**
 * What is different between two configurations.
 *
 * @module
 */
import { OPTION_NAMES, type OptionName } from "./options.ts";
import { Settings } from "./settings.ts";
import type { ConfigLine } from "./torrc.ts";

/** The lines of each source, from the least to the most important. */
export type Sources = readonly (readonly ConfigLine[])[];

/**
 * The options whose values are written differently; a default that is written out is no difference.
 *
 * @throws ConfigError where a line of either is wrong by itself
 */
export function changedOptions(before: Sources, after: Sources): readonly OptionName[] {
  const [old, fresh] = [before, after].map(settingsOf);
  return OPTION_NAMES.filter((name) => {
    const values = fresh.written(name);
    const was = old.written(name);
    return values.length !== was.length || values.some((value, index) => value !== was[index]);
  });
}

function settingsOf(sources: Sources): Settings {
  const settings = new Settings({ notices: [], warnings: [] });
  for (const source of sources) settings.assign(source);
  return settings;
}
