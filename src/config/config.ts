/**
 * The one typed, validated and frozen configuration that the client is started with.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { LogTarget } from "../observe/configure.ts";
import type { SocketAddress } from "../runtime/network.ts";

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

/** One SOCKS listener. */
export interface SocksPort {
  /** An IP address; IPv6 stands without brackets. */
  readonly hostname: string;
  /** 0 asks the system for a free port ("auto"). */
  readonly port: number;
  readonly isolation: StreamIsolation;
  readonly traffic: StreamTraffic;
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

/** Everything that can be configured, validated, with C tor's defaults filled in; deep-frozen. */
export interface Config {
  readonly dataDirectory: string;
  /** Empty when every SocksPort is 0. */
  readonly socksPorts: readonly SocksPort[];
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
  /** Redact addresses and destinations in logs. */
  readonly safeLogging: boolean;
  readonly downloads: DownloadSchedule;
  /** Milliseconds for a circuit to be built; undefined: the client's own value. */
  readonly circuitBuildTimeout: number | undefined;
  /** Milliseconds after its first stream that a circuit takes new ones; 10 s to 30 days. */
  readonly maxCircuitDirtiness: number;
  /** Milliseconds between looks at whether a new circuit should be built. */
  readonly newCircuitPeriod: number;
  /** Milliseconds that a SOCKS request waits for a circuit before it is refused. */
  readonly socksTimeout: number;
  /** Milliseconds without a cell on a channel after which one is sent to keep it alive. */
  readonly keepalivePeriod: number;
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
  /**
   * Families declared by the user. A member is an RSA identity (40 upper-case hexadecimal digits)
   * or a nickname (1 to 19 letters and digits, in lower case).
   */
  readonly nodeFamilies: readonly (readonly string[])[];
}
