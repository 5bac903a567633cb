/**
 * From the settings of all sources to the one Config: what depends on several options, C tor's
 * limits, and the public network where no other was given.
 *
 * @module
 */
import type { LogTarget } from "../observe/configure.ts";
import type { LogLevel } from "../observe/log.ts";
import { readBandwidth } from "./bandwidth_limits.ts";
import { readCircuits } from "./circuit_limits.ts";
import type { Config, DirAuthority, DormantOptions, FallbackDirectory } from "./config.ts";
import { readConnections } from "./connection_limits.ts";
import { parseDirAuthority, parseFallbackDir } from "./directory_servers.ts";
import { readDoors } from "./doors.ts";
import { readDownloads } from "./download_schedule.ts";
import { ConfigError } from "./errors.ts";
import { readGuards } from "./guard_limits.ts";
import { parseLog } from "./log_target.ts";
import { readMetrics } from "./metrics_port.ts";
import { readNodes } from "./node_choice.ts";
import { OPTION_NAMES, optionFacts, type OptionName } from "./options.ts";
import { PUBLIC_AUTHORITIES, PUBLIC_FALLBACKS } from "./public_network.ts";
import { type Remarks, Settings } from "./settings.ts";
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
  return {
    dataDirectory: settings.path("DataDirectory"),
    ...readDoors(settings, remarks),
    bandwidth: readBandwidth(settings),
    authorities,
    fallbacks: readFallbacks(settings),
    testingTorNetwork: settings.boolean("TestingTorNetwork"),
    extendAllowPrivateAddresses: settings.boolean("ExtendAllowPrivateAddresses"),
    clientRejectInternalAddresses: settings.boolean("ClientRejectInternalAddresses"),
    clientDnsRejectInternalAddresses: settings.boolean("ClientDNSRejectInternalAddresses"),
    logs: readLogs(settings, defaultLogLevel),
    ...readLogFiles(settings),
    metrics: readMetrics(settings, remarks),
    safeLogging: settings.choice("SafeLogging") === "1",
    downloads: readDownloads(settings),
    socksTimeout: settings.interval("SocksTimeout"),
    ...readCircuits(settings, remarks),
    ...readGuards(settings, remarks),
    ...readNodes(settings, remarks),
    connections: readConnections(settings, remarks),
    dormant: readDormant(settings),
  };
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

/** The smallest LogMaxSize, in bytes: a file should hold more than a few lines. */
const MIN_LOG_SIZE = 64 * 1024;
/** The largest LogFiles: they are all renamed when one is put aside. */
const MOST_LOG_FILES = 999;

function readLogFiles(
  settings: Settings,
): Pick<Config, "logFormat" | "logMessageDomains" | "logMaxSize" | "logFiles"> {
  const logMaxSize = settings.memory("LogMaxSize");
  if (logMaxSize > 0 && logMaxSize < MIN_LOG_SIZE) {
    throw settings.refusal("LogMaxSize", "must be 0 or at least 64 KBytes.");
  }
  const logFiles = settings.count("LogFiles");
  if (logFiles > MOST_LOG_FILES) {
    throw settings.refusal("LogFiles", `must be at most ${MOST_LOG_FILES}.`);
  }
  return {
    logFormat: settings.choice("LogFormat") === "json" ? "json" : "text",
    logMessageDomains: settings.boolean("LogMessageDomains"),
    logMaxSize,
    logFiles,
  };
}

/** The shortest DormantClientTimeout outside of test networks, in milliseconds. */
const MIN_DORMANT_TIMEOUT = 600_000;

function readDormant(settings: Settings): DormantOptions {
  const timeout = settings.interval("DormantClientTimeout");
  if (timeout < MIN_DORMANT_TIMEOUT && !settings.boolean("TestingTorNetwork")) {
    throw settings.refusal("DormantClientTimeout", "must be at least 10 minutes.");
  }
  return {
    enabled: settings.boolean("DormantTimeoutEnabled"),
    timeout,
    idleStreamsCount: settings.boolean("DormantTimeoutDisabledByIdleStreams"),
    onFirstStartup: settings.boolean("DormantOnFirstStartup"),
    canceledByStartup: settings.boolean("DormantCanceledByStartup"),
  };
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
