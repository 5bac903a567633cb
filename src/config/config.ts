/**
 * The one typed, validated and frozen configuration that the client is started with.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { LogTarget } from "../observe/configure.ts";
import type { LogFormat } from "../observe/log_line.ts";
import type { BackoffOptions } from "../runtime/backoff.ts";
import type { SocketAddress } from "../runtime/network.ts";
import type { MetricsOptions } from "./metrics_port.ts";
import type { AccessPolicy } from "./access_policy.ts";
import type { Origin } from "./errors.ts";
import type { NodePattern } from "./node_pattern.ts";

export type { LogTarget } from "../observe/configure.ts";

/** A directory authority (C tor: DirAuthority). */
export interface DirAuthority {
  readonly nickname: string;
  readonly hostname: string;
  /** The directory port, which chive never uses; kept for what is shown. */
  readonly dirPort: number;
  /** The OR port, if known; without one the authority cannot be asked, only believed. */
  readonly orPort: number | undefined;
  readonly ipv6: SocketAddress | undefined;
  /** Of the authority's relay identity key. */
  readonly rsaIdentity: RsaIdentity;
  /** Of the key that certifies its directory signing keys; absent for a bridge authority. */
  readonly v3Identity: RsaIdentity | undefined;
  readonly bridge: boolean;
  /** Relative weight when one is chosen at random to ask; 1 unless said. */
  readonly weight: number;
}

/** A directory mirror known before any consensus (C tor: FallbackDir). */
export interface FallbackDirectory {
  readonly hostname: string;
  readonly orPort: number;
  readonly ipv6: SocketAddress | undefined;
  readonly rsaIdentity: RsaIdentity;
  readonly weight: number;
}

/**
 * What keeps two streams of a listener off one circuit: where a field is true, streams that differ
 * in it never share (socks-extensions, and C tor: the isolation flags of SocksPort).
 */
export interface StreamIsolation {
  /** The application's address; on unless NoIsolateClientAddr. */
  readonly clientAddress: boolean;
  /** The SOCKS user name and password; on unless NoIsolateSOCKSAuth. */
  readonly socksAuth: boolean;
  /** The protocol spoken to the listener: SOCKS4, SOCKS5, ... */
  readonly clientProtocol: boolean;
  readonly destinationPort: boolean;
  readonly destinationAddress: boolean;
  /** A circuit with streams that gave a user name or password is not retired for its age. */
  readonly keepAliveSocksAuth: boolean;
  /**
   * Streams of two listeners share a circuit only if this is equal. 0 or more as configured; a
   * listener without SessionGroup has a negative one of its own.
   */
  readonly sessionGroup: number;
}

/** Which address families a listener's streams may reach at the exit. */
export interface StreamTraffic {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Ask the exit to prefer IPv6 where a name has both. */
  readonly preferIpv6: boolean;
}

/** The options that open doors for applications. */
export type ClientPortKind = "SocksPort" | "HTTPTunnelPort" | "DNSPort";

/** Where a door is. */
export type PortPlace =
  | {
    readonly kind: "tcp";
    /** An IP address; IPv6 stands without brackets. */
    readonly hostname: string;
    /** 0 asks the system for a free port ("auto"). */
    readonly port: number;
  }
  /** A Unix socket, with its path as it was written. */
  | { readonly kind: "unix"; readonly path: string };

/** One door for applications: a listener and what applies to it alone. */
export interface ClientPort {
  readonly place: PortPlace;
  readonly isolation: StreamIsolation;
  readonly traffic: StreamTraffic;
  /** Whether names may be asked for; without, addresses only (NoDNSRequest). */
  readonly dnsRequest: boolean;
  /** Whether lookups that are automapped give IPv6 addresses where either would do. */
  readonly preferIpv6Automap: boolean;
  /** Whether an application that offers it is let in without a password (PreferSOCKSNoAuth). */
  readonly preferSocksNoAuth: boolean;
  /** Where it was written. */
  readonly origin: Origin;
}

/** Requests for one address are made for another (MapAddress). */
export interface AddressMapping {
  /** A name in lower case or an IP address without brackets. */
  readonly from: string;
  /** Whether it is about all names that end in `.` and `from` too. */
  readonly fromSubdomains: boolean;
  readonly to: string;
  /** Whether what stands before `from` then stands before `to`; only with `fromSubdomains`. */
  readonly toSubdomains: boolean;
}

/** A network of IP addresses. */
export interface AddressNetwork {
  /** An IP address, without brackets; the bits after `prefixLength` are zero. */
  readonly network: string;
  /** 0 to 32, or 0 to 128 for IPv6. */
  readonly prefixLength: number;
}

/** Lookups that are answered with addresses which lead back to the name (AutomapHosts*). */
export interface AutomapOptions {
  readonly enabled: boolean;
  /** What names end in, in lower case; "." stands for all. */
  readonly suffixes: readonly string[];
  /** Where the addresses are from; requests for others of them are refused. */
  readonly ipv4: AddressNetwork;
  readonly ipv6: AddressNetwork;
}

/** What applies to all doors. */
export interface DoorOptions {
  /** Which applications may use them, by their address (SocksPolicy). */
  readonly policy: AccessPolicy;
  /** Whether SOCKS requests without a name are refused (SafeSocks). */
  readonly safeSocks: boolean;
  /** Whether it is logged of each SOCKS request if it had a name (TestSocks). */
  readonly testSocks: boolean;
  readonly warnPlaintextPorts: readonly number[];
  readonly rejectPlaintextPorts: readonly number[];
  /** In the order in which they were written. */
  readonly mapAddresses: readonly AddressMapping[];
  readonly automap: AutomapOptions;
}

/** How much may be sent to and received from relays, each way (Bandwidth*). */
export interface BandwidthOptions {
  /** Bytes per second. */
  readonly rate: number;
  /** Bytes at once after a pause; not less than `rate`. */
  readonly burst: number;
}

/** When directory documents are asked for. All times are in milliseconds. */
export interface DownloadSchedule {
  /** With no consensus yet: wait before an authority is asked beside the fallbacks. */
  readonly bootstrapAuthorityDelay: number;
  /** With no consensus yet: wait before the first fallback is asked. */
  readonly bootstrapFallbackDelay: number;
  /** With no consensus yet and no fallbacks known: wait before an authority is asked. */
  readonly bootstrapAuthorityOnlyDelay: number;
  /** With no consensus yet: how many directories may be asked for it at one time. */
  readonly bootstrapMaxInProgress: number;
  /** Base of the backoff between tries for a consensus. */
  readonly consensusDelay: number;
  /** Base of the backoff between tries for certificates and microdescriptors. */
  readonly documentDelay: number;
  /** How often to look whether a new consensus is due. */
  readonly consensusCheckInterval: number;
  /** A few missing microdescriptors wait this long for company before they are asked for. */
  readonly maxIntervalWithoutRequest: number;
  /** A directory request that makes no progress for this long is given up. */
  readonly maxStall: number;
  /** A consensus whose valid-after and fresh-until are closer than this is refused. */
  readonly minConsensusInterval: number;
}

/** How channels to relays are opened and kept. */
export interface ConnectionOptions {
  /** Connect to relays' IPv4 addresses (ClientUseIPv4). */
  readonly useIpv4: boolean;
  /** Connect to relays' IPv6 addresses, where they have one (ClientUseIPv6). */
  readonly useIpv6: boolean;
  /** Of two addresses the IPv6 one (ClientPreferIPv6ORPort); "auto": only if IPv4 is not used. */
  readonly preferIpv6: boolean | "auto";
  /** Netflow padding (ConnectionPadding); "auto": where the relay speaks link protocol 5. */
  readonly padding: boolean | "auto";
  /** Less padding, and shorter-lived channels (ReducedConnectionPadding). */
  readonly reducedPadding: boolean;
  /** Milliseconds without a cell on a channel after which one is sent to keep it alive. */
  readonly keepalivePeriod: number;
  /** Between attempts to connect within one use of a relay (ConnectBackoff*). */
  readonly backoff: BackoffOptions;
  /** Channels that may be open at once (MaxOpenChannels). */
  readonly maxOpen: number;
  /** Channels that may be being opened at once (MaxConnectingChannels). */
  readonly maxConnecting: number;
}

/** Which relays may stand where, as the user wishes. An empty list means no wish. */
export interface NodeChoice {
  /** Never used (ExcludeNodes). */
  readonly exclude: readonly NodePattern[];
  /** Never used as the last relay of a circuit (ExcludeExitNodes), beside those of `exclude`. */
  readonly excludeExit: readonly NodePattern[];
  /** Only these begin circuits (EntryNodes). */
  readonly entry: readonly NodePattern[];
  /** Only these end circuits (ExitNodes). */
  readonly exit: readonly NodePattern[];
  /** Only these stand in the middle (MiddleNodes). */
  readonly middle: readonly NodePattern[];
  /**
   * Whether excluded relays are left out even where that makes something impossible, as directory
   * requests at the start (StrictNodes). Circuits for streams never use them.
   */
  readonly strict: boolean;
  /** Whether a country that the file does not tell counts as excluded (GeoIPExcludeUnknown). */
  readonly excludeUnknownCountries: boolean | "auto";
  /** C tor's country file for IPv4 (GeoIPFile); undefined: none is needed. */
  readonly geoIpFile: string | undefined;
  /** C tor's country file for IPv6 (GeoIPv6File); undefined: none is needed, or none is given. */
  readonly geoIpv6File: string | undefined;
}

/** When the client goes to sleep for lack of use (Dormant*). */
export interface DormantOptions {
  /** Whether it ever does (DormantTimeoutEnabled). */
  readonly enabled: boolean;
  /** Milliseconds without use after which it does; at least 10 minutes (DormantClientTimeout). */
  readonly timeout: number;
  /** Whether an open stream that carries nothing counts as use (DormantTimeoutDisabledByIdleStreams). */
  readonly idleStreamsCount: boolean;
  /** Whether a first start begins asleep (DormantOnFirstStartup). */
  readonly onFirstStartup: boolean;
  /** Whether a start ends the sleep that the last run was in (DormantCanceledByStartup). */
  readonly canceledByStartup: boolean;
}

/**
 * Path bias detection (PathBias*): how many of a guard's circuits must succeed. Rates are fractions;
 * `undefined` leaves a value to the consensus.
 */
export interface PathBiasOptions {
  readonly circuitThreshold: number | undefined;
  readonly noticeRate: number | undefined;
  readonly warnRate: number | undefined;
  readonly extremeRate: number | undefined;
  readonly dropGuards: boolean | undefined;
  readonly scaleThreshold: number | undefined;
  readonly useThreshold: number | undefined;
  readonly noticeUseRate: number | undefined;
  readonly extremeUseRate: number | undefined;
  readonly scaleUseThreshold: number | undefined;
}

/** What exits are asked to send for over the legs of a Conflux set (ConfluxClientUX). */
export type ConfluxClientUx =
  | "throughput"
  | "latency"
  | "throughput_lowmem"
  | "latency_lowmem";

/** Streams over several circuits to one exit (Conflux*). */
export interface ConfluxOptions {
  /** "auto": as the consensus says. */
  readonly enabled: boolean | "auto";
  readonly clientUx: ConfluxClientUx;
}

/** Everything that can be configured, validated, with C tor's defaults filled in; deep-frozen. */
export interface Config {
  readonly dataDirectory: string;
  /** Empty when every SocksPort is 0. */
  readonly socksPorts: readonly ClientPort[];
  readonly httpTunnelPorts: readonly ClientPort[];
  readonly dnsPorts: readonly ClientPort[];
  readonly doors: DoorOptions;
  /** undefined: no limit. */
  readonly bandwidth: BandwidthOptions | undefined;
  readonly authorities: readonly DirAuthority[];
  readonly fallbacks: readonly FallbackDirectory[];
  readonly testingTorNetwork: boolean;
  /** No two relays of one /16 (IPv6: /32) in a circuit. */
  readonly enforceDistinctSubnets: boolean;
  /** Refuse to build circuits through private addresses unless this is set. */
  readonly extendAllowPrivateAddresses: boolean;
  readonly clientRejectInternalAddresses: boolean;
  readonly clientDnsRejectInternalAddresses: boolean;
  readonly logs: readonly LogTarget[];
  readonly logFormat: LogFormat;
  /** Whether a log line of text says what it is about. */
  readonly logMessageDomains: boolean;
  /** Bytes from which a log file is put aside; 0: never. */
  readonly logMaxSize: number;
  /** How many log files that were put aside are kept. */
  readonly logFiles: number;
  readonly metrics: MetricsOptions;
  /** Redact addresses and destinations in logs. */
  readonly safeLogging: boolean;
  readonly downloads: DownloadSchedule;
  /**
   * Milliseconds for a circuit to be built: until the time is learned, or always where it is not;
   * undefined: the network's value.
   */
  readonly circuitBuildTimeout: number | undefined;
  /** Whether that time is learned from the circuits that are built (LearnCircuitBuildTimeout). */
  readonly learnCircuitBuildTimeout: boolean;
  /** Milliseconds that unused circuits are kept ready; undefined: as the network says. */
  readonly circuitsAvailableTimeout: number | undefined;
  /** Circuits that may be under construction at once (MaxClientCircuitsPending). */
  readonly maxCircuitsPending: number;
  /** Ports whose circuits are made of stable relays (LongLivedPorts). */
  readonly longLivedPorts: readonly number[];
  readonly conflux: ConfluxOptions;
  readonly nodes: NodeChoice;
  readonly connections: ConnectionOptions;
  readonly dormant: DormantOptions;
  readonly pathBias: PathBiasOptions;
  /** Milliseconds after its first stream that a circuit takes new ones; 10 s to 30 days. */
  readonly maxCircuitDirtiness: number;
  /** Milliseconds between looks at whether a new circuit should be built. */
  readonly newCircuitPeriod: number;
  /** Milliseconds that a SOCKS request waits for a circuit before it is refused. */
  readonly socksTimeout: number;
  /** Whether the first hop is always one of a few guards. */
  readonly useEntryGuards: boolean;
  /** How many guards circuits start at; undefined: the consensus parameter. */
  readonly numEntryGuards: number | undefined;
  /** How many primary guards are kept; undefined: the consensus parameter. */
  readonly numPrimaryGuards: number | undefined;
  /** How many guards directories are asked through; undefined: the consensus parameter. */
  readonly numDirectoryGuards: number | undefined;
  /** Milliseconds that a guard stays in the sample; undefined: the consensus parameter. */
  readonly guardLifetime: number | undefined;
  /** Fraction of paths that must be known before circuits; undefined: the consensus parameter. */
  readonly pathsNeededToBuildCircuits: number | undefined;
  /** Families declared by the user (NodeFamily). */
  readonly nodeFamilies: readonly (readonly NodePattern[])[];
}
