/**
 * Which relays the user wishes where (C tor: ExcludeNodes, ExcludeExitNodes, EntryNodes, ExitNodes,
 * MiddleNodes, StrictNodes, GeoIPExcludeUnknown).
 *
 * | position of the relay                     | refused                        | chosen from   |
 * | ----------------------------------------- | ------------------------------ | ------------- |
 * | first: a guard                            | ExcludeNodes                   | EntryNodes    |
 * | first, without guards (UseEntryGuards 0)  | ExcludeNodes                   | all           |
 * | middle                                    | ExcludeNodes                   | MiddleNodes   |
 * | last, of a circuit for streams or lookups | ExcludeNodes, ExcludeExitNodes | ExitNodes     |
 * | last, of an internal circuit              | ExcludeNodes                   | all           |
 * | a directory that is asked                 | ExcludeNodes, see below        | as for guards |
 *
 * What is refused in a circuit is refused whatever StrictNodes says. StrictNodes decides only about
 * directories at the start, before there are guards: without it, an excluded directory is asked
 * when there is no other. Where a relay is both chosen and excluded, it is excluded.
 *
 * @module
 */
import type { NodeChoice } from "../config/config.ts";
import type { NodePattern } from "../config/node_pattern.ts";
import type { GeoIp } from "../netdir/geo_ip.ts";
import { type NodeDescription, NodeSet, UNKNOWN_COUNTRY } from "./node_set.ts";

/** What is wished of nodes; `NodeChoice` without the names of files. */
export type NodeWishes = Omit<NodeChoice, "geoIpFile" | "geoIpv6File">;

/** The wishes, ready to be asked about any relay at any time. */
export class NodeRules {
  /** No wishes at all. */
  static readonly none: NodeRules = new NodeRules({
    exclude: [],
    excludeExit: [],
    entry: [],
    exit: [],
    middle: [],
    strict: false,
    excludeUnknownCountries: "auto",
  }, undefined);

  /** Whether excluded directories are not asked even where no other is left (StrictNodes). */
  readonly strict: boolean;
  /** Whether the user names countries, so that a country file is needed (see `unknownCountries`). */
  readonly needsCountries: boolean;
  /**
   * Countries that the user names and the country file does not know, sorted: a reason for a
   * warning, for they mean nothing. Without a file, all that are named.
   */
  readonly unknownCountries: readonly string[];
  readonly #excluded: NodeSet;
  readonly #excludedExits: NodeSet;
  readonly #entries: NodeSet;
  readonly #exits: NodeSet;
  readonly #middles: NodeSet;

  private constructor(wishes: NodeWishes, geoIp: GeoIp | undefined) {
    const { exclude, excludeExit, excludeUnknownCountries: unknown } = wishes;
    const excluded = withUnknownCountries(exclude, unknown);
    const excludedExits = [...excluded, ...withUnknownCountries(excludeExit, unknown)];
    this.strict = wishes.strict;
    this.#excluded = NodeSet.compile(excluded, geoIp);
    this.#excludedExits = NodeSet.compile(excludedExits, geoIp);
    this.#entries = NodeSet.compile(wishes.entry, geoIp);
    this.#exits = NodeSet.compile(wishes.exit, geoIp);
    this.#middles = NodeSet.compile(wishes.middle, geoIp);
    const named = new Set(
      [exclude, excludeExit, wishes.entry, wishes.exit, wishes.middle].flatMap(countriesOf),
    );
    this.needsCountries = named.size > 0;
    this.unknownCountries = [...named]
      .filter((code) => geoIp === undefined || !isKnown(code, geoIp)).sort();
  }

  /**
   * @param geoIp the country file that the user gave; without one, wishes about countries mean
   * nothing: what is excluded by country is not excluded, and no relay is in a chosen country
   */
  static compile(wishes: NodeWishes, geoIp: GeoIp | undefined): NodeRules {
    return new NodeRules(wishes, geoIp);
  }

  /** Whether only some relays may be guards (EntryNodes). */
  get choosesEntries(): boolean {
    return !this.#entries.isEmpty;
  }

  /** Whether only some relays may be middles (MiddleNodes). */
  get choosesMiddles(): boolean {
    return !this.#middles.isEmpty;
  }

  /** Whether only some relays may be exits (ExitNodes). */
  get choosesExits(): boolean {
    return !this.#exits.isEmpty;
  }

  /** Whether the relay stands in no circuit (ExcludeNodes). */
  isExcluded(node: NodeDescription): boolean {
    return this.#excluded.contains(node);
  }

  /** Whether the relay is no exit (ExcludeNodes and ExcludeExitNodes). */
  isExcludedExit(node: NodeDescription): boolean {
    return this.#excludedExits.contains(node);
  }

  /** Whether the relay is among those that may be guards (EntryNodes); it may be excluded. */
  isEntryNode(node: NodeDescription): boolean {
    return this.#entries.isEmpty || this.#entries.contains(node);
  }

  /** Whether the relay is among those that may be middles (MiddleNodes); it may be excluded. */
  isMiddleNode(node: NodeDescription): boolean {
    return this.#middles.isEmpty || this.#middles.contains(node);
  }

  /** Whether the relay is among those that may be exits (ExitNodes); it may be excluded. */
  isExitNode(node: NodeDescription): boolean {
    return this.#exits.isEmpty || this.#exits.contains(node);
  }

  /** Whether the relay may be a middle: one of MiddleNodes, not of ExcludeNodes. */
  mayBeMiddle(node: NodeDescription): boolean {
    return this.isMiddleNode(node) && !this.isExcluded(node);
  }

  /** Whether the relay may be an exit: one of ExitNodes, not of ExcludeNodes or ExcludeExitNodes. */
  mayBeExit(node: NodeDescription): boolean {
    return this.isExitNode(node) && !this.isExcludedExit(node);
  }

  /**
   * Those of `directories` that may be asked: those that are not excluded, or all if that leaves
   * none and StrictNodes is off. All that could not be asked for other reasons, as those that were
   * asked already, must be left out before.
   *
   * @param describe what patterns are held against
   */
  directoriesToAsk<Directory>(
    directories: readonly Directory[],
    describe: (directory: Directory) => NodeDescription,
  ): readonly Directory[] {
    const allowed = directories.filter((directory) => !this.isExcluded(describe(directory)));
    return allowed.length === 0 && !this.strict ? directories : allowed;
  }
}

/** The patterns with what GeoIPExcludeUnknown adds; A1 stands for proxies in older files. */
function withUnknownCountries(
  patterns: readonly NodePattern[],
  unknown: boolean | "auto",
): readonly NodePattern[] {
  if (unknown === "auto" ? countriesOf(patterns).length === 0 : !unknown) return patterns;
  const added = [UNKNOWN_COUNTRY, "a1"].map((code) => ({ kind: "country", code } as const));
  return [...patterns, ...added];
}

function countriesOf(patterns: readonly NodePattern[]): string[] {
  return patterns.flatMap((pattern) => pattern.kind === "country" ? [pattern.code] : []);
}

function isKnown(code: string, geoIp: GeoIp): boolean {
  return code === UNKNOWN_COUNTRY || geoIp.knowsCountry(code);
}
