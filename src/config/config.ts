/**
 * The one typed, validated and frozen configuration that the client is started with.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { LogLevel } from "../observe/log.ts";
import type { SocketAddress } from "../runtime/network.ts";

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

/** One SOCKS listener. */
export interface SocksPort {
  readonly hostname: string;
  /** 0 asks the system for a free port ("auto"). */
  readonly port: number;
}

/** Where lines of which levels go (C tor: Log). */
export interface LogTarget {
  /** The least severe level that is written. */
  readonly level: LogLevel;
  readonly sink: { readonly kind: "stdout" | "stderr" } | {
    readonly kind: "file";
    readonly path: string;
  };
}

/** Everything that can be configured, validated, with C tor's defaults filled in. */
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
}
