/**
 * The doors of the client: the ports that applications use, and what they may ask for there.
 *
 * @module
 */
import { parseAccessPolicy } from "./access_policy.ts";
import { isIpv4 } from "./address.ts";
import { parseClientPorts } from "./client_port.ts";
import type {
  AddressNetwork,
  AutomapOptions,
  ClientPort,
  ClientPortKind,
  Config,
  DoorOptions,
} from "./config.ts";
import { parseMapAddress } from "./map_address.ts";
import { parseAddresses } from "./node_list.ts";
import { optionFacts } from "./options.ts";
import type { Remarks, Settings } from "./settings.ts";
import type { ConfigLine } from "./torrc.ts";

/** The longest prefixes of virtual networks, in bits: there must be addresses enough. */
const LONGEST_PREFIX = { VirtualAddrNetworkIPv4: 16, VirtualAddrNetworkIPv6: 104 } as const;

/**
 * Reads the ports and all that applies to every one of them.
 *
 * @throws ConfigError for a line that is not understood, and values that do not go together
 */
export function readDoors(
  settings: Settings,
  remarks: Remarks,
): Pick<Config, "socksPorts" | "httpTunnelPorts" | "dnsPorts" | "doors"> {
  let groups = 0;
  const ports = (kind: ClientPortKind): ClientPort[] =>
    parseClientPorts(kind, portLines(kind, settings), () => --groups, remarks);
  return {
    socksPorts: ports("SocksPort"),
    httpTunnelPorts: ports("HTTPTunnelPort"),
    dnsPorts: ports("DNSPort"),
    doors: readDoorOptions(settings, remarks),
  };
}

/** The lines of an option, or one for its default. */
function portLines(kind: ClientPortKind, settings: Settings): readonly ConfigLine[] {
  const lines = settings.lines(kind);
  const value = optionFacts(kind).default;
  if (lines.length > 0 || value === undefined) return lines;
  const origin = { file: "built-in defaults", line: undefined };
  return [{ name: kind, value, command: "set", origin }];
}

function readDoorOptions(settings: Settings, remarks: Remarks): DoorOptions {
  return {
    policy: parseAccessPolicy("SocksPolicy", settings.lines("SocksPolicy"), true),
    safeSocks: settings.boolean("SafeSocks"),
    testSocks: settings.boolean("TestSocks"),
    warnPlaintextPorts: settings.ports("WarnPlaintextPorts"),
    rejectPlaintextPorts: settings.ports("RejectPlaintextPorts"),
    mapAddresses: settings.lines("MapAddress").map((line) => parseMapAddress(line, remarks)),
    automap: readAutomap(settings),
  };
}

function readAutomap(settings: Settings): AutomapOptions {
  return {
    enabled: settings.boolean("AutomapHostsOnResolve"),
    suffixes: settings.list("AutomapHostsSuffixes").map((suffix) => suffix.toLowerCase()),
    ipv4: readNetwork("VirtualAddrNetworkIPv4", settings),
    ipv6: readNetwork("VirtualAddrNetworkIPv6", settings),
  };
}

function readNetwork(
  name: "VirtualAddrNetworkIPv4" | "VirtualAddrNetworkIPv6",
  settings: Settings,
): AddressNetwork {
  const text = settings.text(name);
  const family = name === "VirtualAddrNetworkIPv4" ? "an IPv4" : "an IPv6";
  const [found, ...more] = /\/[0-9]+$/.test(text) ? parseAddresses(text) ?? [] : [];
  if (found === undefined || more.length > 0 || isIpv4(found.network) !== name.endsWith("4")) {
    throw settings.refusal(
      name,
      `'${text}' is not understood; expected ${family} network such as ` +
        `${optionFacts(name).default}.`,
    );
  }
  if (found.prefixLength > LONGEST_PREFIX[name]) {
    throw settings.refusal(name, `must be a network of /${LONGEST_PREFIX[name]} or larger.`);
  }
  return { network: found.network, prefixLength: found.prefixLength };
}
