/**
 * What the doors of the client (SOCKS today) ask of the stream room: open a stream to a target,
 * or look a name or an address up, under an isolation.
 *
 * @module
 */
import type { ByteStream } from "../runtime/byte_stream.ts";
import type { EarlyData } from "./early_data.ts";

/** Where a stream leads. A name goes to the exit unresolved. */
export type StreamTarget =
  | {
    readonly kind: "name";
    /** Lower case, 1 to 255 characters of letters, digits, "-", "_" and "."; no .onion or .exit. */
    readonly host: string;
    /** 1 to 65535. */
    readonly port: number;
  }
  | {
    readonly kind: "ip4" | "ip6";
    /** Canonical text; an IPv6 address in RFC 5952 form, without brackets. */
    readonly host: string;
    /** 1 to 65535. */
    readonly port: number;
  };

/** Streams with different isolation never share a circuit. */
export interface Isolation {
  /** Canonical text: equal isolations have equal keys, and different ones different keys. */
  readonly key: string;
  /** Whether each stream makes its circuit young again (KeepAliveIsolateSOCKSAuth). */
  readonly keepAlive: boolean;
}

/** One record of the answer to a lookup (tor-spec, RESOLVED). */
export interface ResolvedAnswer {
  readonly kind: "ip4" | "ip6" | "name";
  /** Canonical text of the address, or the name. */
  readonly value: string;
  /** How long the answer may be used, in seconds. */
  readonly ttl: number;
}

/** Opens streams through Tor and looks names up there. */
export interface StreamOpener {
  /**
   * Opens a stream; resolves when CONNECTED has arrived.
   *
   * `early` is what the application has already sent (optimistic data): see {@link EarlyData} for
   * who closes it when.
   *
   * @throws a TorError when no circuit could open it, or the signal's reason when aborted
   */
  open(
    target: StreamTarget,
    isolation: Isolation,
    early: EarlyData,
    signal: AbortSignal,
  ): Promise<ByteStream>;
  /**
   * Looks up the addresses of a name.
   *
   * @throws a TorError when there is no answer, or the signal's reason when aborted
   */
  resolve(name: string, isolation: Isolation, signal: AbortSignal): Promise<ResolvedAnswer[]>;
  /**
   * Looks up the names of an IPv4 or IPv6 address, given in canonical text.
   *
   * @throws a TorError when there is no answer, or the signal's reason when aborted
   */
  resolveReverse(
    address: string,
    isolation: Isolation,
    signal: AbortSignal,
  ): Promise<ResolvedAnswer[]>;
}
