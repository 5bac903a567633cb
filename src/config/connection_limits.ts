/**
 * How channels to relays are opened and kept.
 *
 * @module
 */
import type { BackoffOptions } from "../runtime/backoff.ts";
import type { ConnectionOptions } from "./config.ts";
import type { OptionOfKind } from "./options.ts";
import type { Remarks, Settings } from "./settings.ts";

/** The most channels that can be asked for: each is an open connection. */
const MOST_CHANNELS = 65_535;

/**
 * Reads all options of connections to relays.
 *
 * @throws ConfigError for a value that makes no sense
 */
export function readConnections(settings: Settings, remarks: Remarks): ConnectionOptions {
  return {
    ...readFamilies(settings, remarks),
    padding: settings.autoBoolean("ConnectionPadding"),
    reducedPadding: settings.boolean("ReducedConnectionPadding"),
    keepalivePeriod: settings.positive("KeepalivePeriod", settings.interval("KeepalivePeriod")),
    backoff: readBackoff(settings),
    ...readNumbers(settings),
  };
}

/** IPv6 is used where it is preferred or IPv4 is not used, whatever ClientUseIPv6 says (C tor). */
function readFamilies(
  settings: Settings,
  remarks: Remarks,
): Pick<ConnectionOptions, "useIpv4" | "useIpv6" | "preferIpv6"> {
  const useIpv4 = settings.boolean("ClientUseIPv4");
  const allowIpv6 = settings.boolean("ClientUseIPv6");
  const preferIpv6 = settings.autoBoolean("ClientPreferIPv6ORPort");
  const useIpv6 = allowIpv6 || !useIpv4 || preferIpv6 === true;
  if (useIpv6 !== allowIpv6) {
    const reason = useIpv4 ? "ClientPreferIPv6ORPort is 1" : "ClientUseIPv4 is 0";
    remarks.warnings.push(`ClientUseIPv6 0 has no effect, because ${reason}.`);
  }
  if (!useIpv4 && preferIpv6 === false) {
    remarks.warnings.push("ClientPreferIPv6ORPort 0 has no effect, because ClientUseIPv4 is 0.");
  }
  return { useIpv4, useIpv6, preferIpv6 };
}

function readBackoff(settings: Settings): BackoffOptions {
  const initial = settings.positive(
    "ConnectBackoffInitial",
    settings.preciseInterval("ConnectBackoffInitial"),
  );
  const longest = settings.preciseInterval("ConnectBackoffMax");
  if (longest < initial) {
    const name = settings.has("ConnectBackoffMax") ? "ConnectBackoffMax" : "ConnectBackoffInitial";
    throw settings.conflict(name, "is wrong: the longest pause is shorter than the first.");
  }
  const multiplier = settings.decimal("ConnectBackoffMultiplier");
  if (multiplier < 1) throw settings.refusal("ConnectBackoffMultiplier", "must be at least 1.");
  const jitter = settings.decimal("ConnectBackoffJitter");
  if (jitter > 1) throw settings.refusal("ConnectBackoffJitter", "must be from 0 to 1.");
  return { initial, multiplier, longest, jitter };
}

function readNumbers(
  settings: Settings,
): Pick<ConnectionOptions, "maxOpen" | "maxConnecting"> {
  const maxOpen = readNumber("MaxOpenChannels", settings);
  const maxConnecting = readNumber("MaxConnectingChannels", settings);
  if (maxConnecting <= maxOpen) return { maxOpen, maxConnecting };
  if (!settings.has("MaxConnectingChannels")) return { maxOpen, maxConnecting: maxOpen };
  throw settings.conflict("MaxConnectingChannels", "must not be more than MaxOpenChannels.");
}

function readNumber(name: OptionOfKind<"count">, settings: Settings): number {
  const value = settings.count(name);
  if (value >= 1 && value <= MOST_CHANNELS) return value;
  throw settings.refusal(name, `must be from 1 to ${MOST_CHANNELS}.`);
}
