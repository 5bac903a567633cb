/**
 * Router status entries: what a consensus says of one relay (dir-spec, "Router status entries").
 *
 * ```text
 * r nickname identity date time IP ORPort DirPort
 * a [IPv6]:port
 * m digest
 * s flags
 * pr protocols
 * w Bandwidth=kilobytes
 * ```
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { SocketAddress } from "../runtime/network.ts";
import type { DocumentReader } from "./document.ts";
import { NetdocError } from "./errors.ts";
import { isNickname, parseInteger, parseIpv4Address, parseIpv6SocketAddress } from "./field.ts";
import {
  type MicrodescriptorDigest,
  parseMicrodescriptorDigest,
} from "./microdescriptor_digest.ts";
import { ProtocolVersions } from "./protocols.ts";
import { parseRelayFlags } from "./relay_flag.ts";
import type { RouterStatusValues } from "./router_status_table.ts";

/** One relay as the consensus lists it. */
export interface RouterStatus {
  readonly nickname: string;
  readonly rsaIdentity: RsaIdentity;
  /** IPv4 address of the OR port. */
  readonly hostname: string;
  /** The OR port; 0 for a relay that has none, which cannot be used. */
  readonly port: number;
  readonly ipv6: SocketAddress | undefined;
  readonly microdescriptorDigest: MicrodescriptorDigest;
  /** Bits of RelayFlag. */
  readonly flags: number;
  readonly protocols: ProtocolVersions;
  /** Consensus bandwidth, in kilobytes per second; {@link UNSTATED_BANDWIDTH} if there is none. */
  readonly bandwidth: number;
  /** The bandwidth is the relay's own claim, which too few authorities could check. */
  readonly unmeasured: boolean;
}

/** Kilobytes per second for a relay whose entry has no bandwidth, as C tor assumes. */
export const UNSTATED_BANDWIDTH = 30;

/** Reads the router status entries of one consensus; equal lines share one object. */
export class RouterStatusReader {
  readonly #reader: DocumentReader;
  readonly #flags = new Map<string, number>();
  readonly #protocols = new Map<string, ProtocolVersions>();

  constructor(reader: DocumentReader) {
    this.#reader = reader;
  }

  /**
   * Reads the entry whose "r" line the document reader is at, and leaves the reader at the item
   * after the entry. Items that are not known are passed over.
   *
   * @throws NetdocError consensus-malformed, protocols-malformed, or what the document reader throws
   */
  read(): RouterStatusValues {
    const reader = this.#reader;
    const [nickname, identity, , , hostname, orPort] = reader.arguments();
    const port = orPort === undefined ? undefined : parseInteger(orPort, 0, 65535);
    const address = hostname === undefined ? undefined : parseIpv4Address(hostname);
    if (port === undefined || address === undefined || !isNickname(nickname)) {
      throw new NetdocError("consensus-malformed", "an r line cannot be read");
    }
    let ipv6: SocketAddress | undefined;
    let digest: Uint8Array | undefined;
    let flags: number | undefined;
    let protocols: ProtocolVersions | undefined;
    let weight: Bandwidth | undefined;
    while (reader.next()) {
      const keyword = reader.keyword();
      if (endsEntry(keyword)) break;
      switch (keyword) {
        case "a":
          ipv6 ??= parseIpv6SocketAddress(reader.arguments()[0] ?? "");
          break;
        case "m":
          // C tor takes the first when there are several.
          digest ??= readDigest(reader.rest());
          break;
        case "s":
          requireFirst(flags, keyword);
          flags = this.#readFlags(reader.rest());
          break;
        case "pr":
          requireFirst(protocols, keyword);
          protocols = this.#readProtocols(reader.rest());
          break;
        case "w":
          requireFirst(weight, keyword);
          weight = readBandwidth(reader.arguments());
          break;
      }
    }
    if (digest === undefined || flags === undefined || protocols === undefined) {
      throw new NetdocError("consensus-malformed", "a router status lacks its m, s or pr line");
    }
    return {
      nickname,
      identity: readIdentity(identity),
      address,
      port,
      ipv6,
      digest,
      flags,
      protocols,
      bandwidth: weight?.bandwidth ?? UNSTATED_BANDWIDTH,
      unmeasured: weight?.unmeasured ?? false,
    };
  }

  #readFlags(names: string): number {
    let flags = this.#flags.get(names);
    if (flags === undefined) this.#flags.set(names, flags = parseRelayFlags(names));
    return flags;
  }

  #readProtocols(line: string): ProtocolVersions {
    let protocols = this.#protocols.get(line);
    if (protocols === undefined) {
      this.#protocols.set(line, protocols = ProtocolVersions.parse(line));
    }
    return protocols;
  }
}

/** Whether an item with this keyword belongs to the next entry or to the footer. */
export function endsEntry(keyword: string): boolean {
  return keyword === "r" || keyword === "directory-footer" || keyword === "directory-signature";
}

interface Bandwidth {
  readonly bandwidth: number;
  readonly unmeasured: boolean;
}

function readBandwidth(items: readonly string[]): Bandwidth {
  let bandwidth = UNSTATED_BANDWIDTH;
  let unmeasured = false;
  for (const item of items) {
    if (item.startsWith("Bandwidth=")) {
      const value = parseInteger(item.slice("Bandwidth=".length), 0, 2 ** 32 - 1);
      if (value === undefined) {
        throw new NetdocError("consensus-malformed", "a w line has a bandwidth that is no number");
      }
      bandwidth = value;
    } else if (item === "Unmeasured=1") {
      unmeasured = true;
    }
  }
  return { bandwidth, unmeasured };
}

function readDigest(line: string): Uint8Array {
  const digest = parseMicrodescriptorDigest(line);
  if (digest === undefined) {
    throw new NetdocError("consensus-malformed", "an m line has no SHA-256 digest");
  }
  return Uint8Array.fromBase64(digest);
}

function readIdentity(digits: string): Uint8Array {
  if (/^[A-Za-z0-9+/]{27}$/.test(digits)) return Uint8Array.fromBase64(digits);
  throw new NetdocError("consensus-malformed", "an r line has no SHA-1 identity");
}

function requireFirst(earlier: unknown, keyword: string): void {
  if (earlier === undefined) return;
  throw new NetdocError("consensus-malformed", `a router status has two ${keyword} lines`);
}
