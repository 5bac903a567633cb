/**
 * Which relays may stand where: the lists of relays, and the country data that they need.
 *
 * @module
 */
import type { Config, NodeChoice } from "./config.ts";
import { ConfigError, type Origin } from "./errors.ts";
import { parseNodeList } from "./node_list.ts";
import type { NodePattern } from "./node_pattern.ts";
import type { Remarks, Settings } from "./settings.ts";

/** The options that are lists of relays. */
const LISTS = [
  "ExcludeNodes",
  "ExcludeExitNodes",
  "EntryNodes",
  "ExitNodes",
  "MiddleNodes",
  "NodeFamily",
] as const;

type ListName = typeof LISTS[number];

/** One line of a list. */
interface ListLine {
  readonly name: ListName;
  readonly origin: Origin;
  readonly patterns: readonly NodePattern[];
}

/** What {@link readNodes} reads. */
export type NodeSettings = Pick<Config, "nodes" | "nodeFamilies" | "enforceDistinctSubnets">;

/**
 * Reads the wishes about relays. The lines of one list are joined; each NodeFamily line is a family
 * of its own.
 *
 * @throws ConfigError for a member that is not understood, for countries without a file of them,
 * and for EntryNodes without guards
 */
export function readNodes(settings: Settings, remarks: Remarks): NodeSettings {
  const lines: ListLine[] = LISTS.flatMap((name) =>
    settings.lines(name).map((line) => ({
      name,
      origin: line.origin,
      patterns: parseNodeList(name, line),
    }))
  );
  const linesOf = (name: ListName) =>
    lines.filter((line) => line.name === name).map((line) => line.patterns);
  const exclude = linesOf("ExcludeNodes").flat();
  const entry = linesOf("EntryNodes").flat();
  if (entry.length > 0 && !settings.boolean("UseEntryGuards")) {
    throw settings.conflict("EntryNodes", "needs UseEntryGuards 1.");
  }
  remarkNicknames(lines, remarks);
  return {
    nodes: {
      exclude,
      excludeExit: linesOf("ExcludeExitNodes").flat(),
      entry,
      exit: linesOf("ExitNodes").flat(),
      middle: linesOf("MiddleNodes").flat(),
      strict: readStrict(exclude.length > 0, settings, remarks),
      ...readCountries(lines, settings, remarks),
    },
    nodeFamilies: linesOf("NodeFamily"),
    enforceDistinctSubnets: settings.boolean("EnforceDistinctSubnets"),
  };
}

/** A nickname is whatever a relay's operator writes, so it may be another relay than was meant. */
function remarkNicknames(lines: readonly ListLine[], remarks: Remarks): void {
  const named = lines.filter(({ patterns }) => patterns.some(({ kind }) => kind === "nickname"));
  for (const name of new Set(named.map((line) => line.name))) {
    remarks.warnings.push(
      `${name} names relays by nickname, which any relay can take: use fingerprints.`,
    );
  }
}

function readStrict(someExcluded: boolean, settings: Settings, remarks: Remarks): boolean {
  const strict = settings.boolean("StrictNodes");
  if (strict && someExcluded) {
    remarks.warnings.push(
      "StrictNodes is set: if ExcludeNodes leaves too few relays, the client stops working.",
    );
  } else if (strict) {
    remarks.notices.push("StrictNodes 1 has no effect, because there are no ExcludeNodes.");
  }
  return strict;
}

function readCountries(
  lines: readonly ListLine[],
  settings: Settings,
  remarks: Remarks,
): Pick<NodeChoice, "excludeUnknownCountries" | "geoIpFile" | "geoIpv6File"> {
  const excludeUnknownCountries = settings.autoBoolean("GeoIPExcludeUnknown");
  const geoIpFile = settings.file("GeoIPFile");
  const geoIpv6File = settings.file("GeoIPv6File");
  const user = lines.find(({ patterns }) => patterns.some(({ kind }) => kind === "country")) ??
    (excludeUnknownCountries === true
      ? { name: "GeoIPExcludeUnknown", origin: settings.origin("GeoIPExcludeUnknown") }
      : undefined);
  if (user === undefined && settings.lines("MetricsPort").length > 0) {
    // What is told of circuits there says the countries, where it can.
    return { excludeUnknownCountries, geoIpFile, geoIpv6File };
  }
  if (user === undefined) {
    // A file for C tor often names them: they are then not needed, nor is permission to read them.
    if (geoIpFile !== undefined || geoIpv6File !== undefined) {
      remarks.notices.push("GeoIPFile and GeoIPv6File are not read: no option is about countries.");
    }
    return { excludeUnknownCountries, geoIpFile: undefined, geoIpv6File: undefined };
  }
  if (geoIpFile !== undefined) return { excludeUnknownCountries, geoIpFile, geoIpv6File };
  throw new ConfigError(
    "config-conflict",
    `${user.name} is about countries, and chive has no list of them: name one with GeoIPFile ` +
      "(C tor's is called 'geoip').",
    user.origin,
  );
}
