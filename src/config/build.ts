/**
 * From the settings of all sources to the one Config: what depends on several options, C tor's
 * limits, and the public network where no other was given.
 *
 * @module
 */
import { parseRsaIdentity } from "../crypto/identity.ts";
import type { LogTarget } from "../observe/configure.ts";
import type { LogLevel } from "../observe/log.ts";
import type { Config, DirAuthority, DownloadSchedule, FallbackDirectory } from "./config.ts";
import { parseDirAuthority, parseFallbackDir } from "./directory_servers.ts";
import { ConfigError } from "./errors.ts";
import { parseLog } from "./log_target.ts";
import { OPTION_NAMES, optionFacts, type OptionName } from "./options.ts";
import { PUBLIC_AUTHORITIES, PUBLIC_FALLBACKS } from "./public_network.ts";
import { type Remarks, Settings } from "./settings.ts";
import { parseSocksPorts } from "./socks_port.ts";
import type { ConfigLine } from "./torrc.ts";

/** A Config, and what should be told about how it came to be. */
export interface ConfigResult {
  /** Frozen to its leaves. */
  readonly config: Config;
  /** For the log's level notice. */
  readonly notices: readonly string[];
  /** For the log's level warn. */
  readonly warnings: readonly string[];
}

/** What goes to stdout where no Log option says otherwise. */
export type DefaultLogLevel = LogLevel | "none";

/**
 * Puts the lines of all sources together.
 *
 * @param sources the lines of each, from the least to the most important
 * @param defaultLogLevel what goes to stdout where no Log option says otherwise; "none": nothing
 * @throws ConfigError for whatever is wrong
 */
export function buildConfig(
  sources: readonly (readonly ConfigLine[])[],
  defaultLogLevel: DefaultLogLevel = "notice",
): ConfigResult {
  const remarks: Remarks = { notices: [], warnings: [] };
  const settings = new Settings(remarks);
  for (const source of sources) settings.assign(source);
  const config = deepFreeze(readConfig(settings, defaultLogLevel, remarks));
  checkTesting(settings, config, remarks);
  return deepFreeze({ config, ...remarks });
}

function readConfig(
  settings: Settings,
  defaultLogLevel: DefaultLogLevel,
  remarks: Remarks,
): Config {
  const authorities = readAuthorities(settings, remarks);
  if (settings.has("LearnCircuitBuildTimeout") && settings.boolean("LearnCircuitBuildTimeout")) {
    remarks.notices.push(
      "LearnCircuitBuildTimeout: chive does not learn it yet; CircuitBuildTimeout is used as it is.",
    );
  }
  return {
    dataDirectory: settings.path("DataDirectory"),
    socksPorts: parseSocksPorts(orDefault("SocksPort", settings.lines("SocksPort")), remarks),
    authorities,
    fallbacks: readFallbacks(settings),
    testingTorNetwork: settings.boolean("TestingTorNetwork"),
    enforceDistinctSubnets: settings.boolean("EnforceDistinctSubnets"),
    extendAllowPrivateAddresses: settings.boolean("ExtendAllowPrivateAddresses"),
    clientRejectInternalAddresses: settings.boolean("ClientRejectInternalAddresses"),
    clientDnsRejectInternalAddresses: settings.boolean("ClientDNSRejectInternalAddresses"),
    logs: readLogs(settings, defaultLogLevel),
    safeLogging: settings.choice("SafeLogging") === "1",
    downloads: readDownloads(settings),
    circuitBuildTimeout: settings.interval("CircuitBuildTimeout") || undefined,
    maxCircuitDirtiness: readMaxCircuitDirtiness(settings, remarks),
    newCircuitPeriod: settings.interval("NewCircuitPeriod"),
    socksTimeout: settings.interval("SocksTimeout"),
    keepalivePeriod: readPositive(
      settings.interval("KeepalivePeriod"),
      "KeepalivePeriod",
      settings,
    ),
    useEntryGuards: settings.boolean("UseEntryGuards"),
    ...readGuardNumbers(settings),
    guardLifetime: settings.interval("GuardLifetime") || undefined,
    pathsNeededToBuildCircuits: readPathsNeeded(settings, remarks),
    nodeFamilies: settings.lines("NodeFamily").map(parseNodeFamily),
  };
}

/** The lines that stand for an option's default, where it has no lines. */
function orDefault(name: OptionName, lines: readonly ConfigLine[]): readonly ConfigLine[] {
  const value = optionFacts(name).default;
  return lines.length > 0 || value === undefined ? lines : [builtIn(name, value)];
}

function builtIn(name: OptionName, value: string): ConfigLine {
  const origin = { file: "built-in defaults", line: undefined };
  return { name, value, command: "set", origin };
}

function readAuthorities(settings: Settings, remarks: Remarks): DirAuthority[] {
  const lines = settings.lines("DirAuthority");
  const used = lines.length > 0
    ? lines
    : PUBLIC_AUTHORITIES.map((value) => builtIn("DirAuthority", value));
  return used.map((line) => parseDirAuthority(line, remarks));
}

/** Public fallbacks belong to the public authorities: a network of one's own starts from its own. */
function readFallbacks(settings: Settings): FallbackDirectory[] {
  const lines = settings.lines("FallbackDir");
  if (lines.length > 0) return lines.map(parseFallbackDir);
  if (settings.has("DirAuthority") || !settings.boolean("UseDefaultFallbackDirs")) return [];
  return PUBLIC_FALLBACKS.map((value) => parseFallbackDir(builtIn("FallbackDir", value)));
}

function readLogs(settings: Settings, defaultLogLevel: DefaultLogLevel): LogTarget[] {
  const lines = settings.lines("Log");
  if (lines.length > 0) return lines.map(parseLog);
  if (defaultLogLevel === "none") return [];
  return [{ level: defaultLogLevel, mostSevere: "err", sink: { kind: "stdout" } }];
}

const SECOND = 1000;

function readDownloads(settings: Settings): DownloadSchedule {
  const testing = settings.boolean("TestingTorNetwork");
  return {
    bootstrapAuthorityDelay: settings.firstInterval(
      "ClientBootstrapConsensusAuthorityDownloadInitialDelay",
    ),
    bootstrapFallbackDelay: settings.firstInterval(
      "ClientBootstrapConsensusFallbackDownloadInitialDelay",
    ),
    bootstrapAuthorityOnlyDelay: settings.firstInterval(
      "ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay",
    ),
    bootstrapMaxInProgress: readPositive(
      settings.count("ClientBootstrapConsensusMaxInProgressTries"),
      "ClientBootstrapConsensusMaxInProgressTries",
      settings,
    ),
    consensusDelay: settings.firstInterval("TestingClientConsensusDownloadInitialDelay"),
    documentDelay: settings.firstInterval("TestingClientDownloadInitialDelay"),
    maxIntervalWithoutRequest: readPositive(
      settings.interval("TestingClientMaxIntervalWithoutRequest"),
      "TestingClientMaxIntervalWithoutRequest",
      settings,
    ),
    maxStall: readMaxStall(settings),
    // The next two have no option of their own: C tor ties them to TestingTorNetwork.
    consensusCheckInterval: testing ? SECOND : 60 * SECOND,
    minConsensusInterval: testing ? 5 * SECOND : 300 * SECOND,
  };
}

function readPositive(value: number, name: OptionName, settings: Settings): number {
  if (value > 0) return value;
  throw new ConfigError("config-bad-value", `${name} must be more than 0.`, settings.origin(name));
}

function readMaxStall(settings: Settings): number {
  const name = "TestingDirConnectionMaxStall";
  const value = settings.interval(name);
  if (value >= 5 * SECOND) return value;
  throw new ConfigError(
    "config-bad-value",
    `${name} must be at least 5 seconds.`,
    settings.origin(name),
  );
}

function readMaxCircuitDirtiness(settings: Settings, remarks: Remarks): number {
  const value = settings.interval("MaxCircuitDirtiness");
  const used = Math.min(Math.max(value, 10 * SECOND), 30 * 86_400 * SECOND);
  if (used !== value) {
    remarks.warnings.push(`MaxCircuitDirtiness is set to ${used / SECOND} seconds, its limit.`);
  }
  return used;
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

function readGuardNumbers(
  settings: Settings,
): Pick<Config, "numEntryGuards" | "numPrimaryGuards" | "numDirectoryGuards"> {
  const numEntryGuards = settings.count("NumEntryGuards") || undefined;
  const numPrimaryGuards = settings.count("NumPrimaryGuards") || undefined;
  const numDirectoryGuards = settings.count("NumDirectoryGuards") || undefined;
  if ((numEntryGuards ?? 0) > (numPrimaryGuards ?? Infinity)) {
    throw new ConfigError(
      "config-conflict",
      "NumEntryGuards must not be more than NumPrimaryGuards.",
      settings.origin("NumEntryGuards"),
    );
  }
  return { numEntryGuards, numPrimaryGuards, numDirectoryGuards };
}

/** Members as identities (`$` and a nickname after `=` or `~` dropped) or nicknames. */
function parseNodeFamily(line: ConfigLine): string[] {
  const members = line.value.split(",").map((member) => member.trim()).filter((m) => m !== "");
  return members.map((member) => {
    const match = /^\$?([0-9A-Fa-f]{40})(?:[=~][A-Za-z0-9]{1,19})?$/.exec(member);
    const identity = match === null ? undefined : parseRsaIdentity(match[1]);
    if (identity !== undefined) return identity;
    if (/^[A-Za-z0-9]{1,19}$/.test(member)) return member.toLowerCase();
    throw new ConfigError(
      "config-bad-value",
      `NodeFamily: '${member}' is neither a fingerprint nor a nickname; countries and address ` +
        "patterns are not supported.",
      line.origin,
    );
  });
}

/** What C tor allows in a network of one's own only. */
function checkTesting(settings: Settings, config: Config, remarks: Remarks): void {
  const ownNetwork = settings.has("DirAuthority");
  if (config.testingTorNetwork) {
    if (!ownNetwork) {
      throw new ConfigError(
        "config-conflict",
        "TestingTorNetwork needs DirAuthority lines: it must not be used with the public network.",
        settings.origin("TestingTorNetwork"),
      );
    }
    remarks.warnings.push(
      "TestingTorNetwork is set: this client is for a private test network and protects nobody.",
    );
    return;
  }
  for (const name of OPTION_NAMES) {
    if (optionFacts(name).testingOnly && settings.has(name)) {
      throw new ConfigError(
        "config-conflict",
        `${name} may be set with TestingTorNetwork 1 only.`,
        settings.origin(name),
      );
    }
  }
  if (!config.clientDnsRejectInternalAddresses && !ownNetwork) {
    throw new ConfigError(
      "config-conflict",
      "ClientDNSRejectInternalAddresses 0 must not be used with the public network.",
      settings.origin("ClientDNSRejectInternalAddresses"),
    );
  }
}

/** Freezes a value and everything in it. */
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
