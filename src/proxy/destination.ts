/**
 * The destination that an application names: an address or a host name, checked at the door.
 *
 * @module
 */
import ipaddr from "ipaddr.js";

/** Where an application wants to go, without the port. */
export interface Destination {
  readonly kind: "name" | "ip4" | "ip6";
  /**
   * A name in lower case, or an address in canonical text (IPv6 as in RFC 5952, without brackets).
   */
  readonly host: string;
}

/** Why a destination is refused at the door. */
export type DestinationRefusal = "hostname-malformed" | "exit-name-refused";

/** A destination, or why it is refused. */
export type DestinationResult = Destination | {
  readonly kind: "refused";
  readonly code: DestinationRefusal;
};

/** Longest host name, in characters; SOCKS5 cannot say a longer one. */
const MAX_NAME_LENGTH = 255;

/** Four decimal numbers without leading zeros, each to be checked for being at most 255. */
const DOTTED_QUAD = /^(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}$/;

/** A label of a host name as C tor takes it: "_" is in real use, though not in the standard. */
const LABEL = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

/** Names under this would let an application, or a page in it, choose the exit relay. */
const EXIT_DOMAIN = "exit";

/**
 * Reads a host as an application gives it: an IPv4 or IPv6 address (the latter also in brackets)
 * or a host name. Names that end in .exit, with or without a final dot, are refused.
 */
export function parseDestination(text: string): DestinationResult {
  const bracketed = text.startsWith("[") && text.endsWith("]");
  const bare = bracketed ? text.slice(1, -1) : text;
  const ip6 = parseIp6(bare);
  if (ip6 !== undefined) return { kind: "ip6", host: ip6 };
  if (bracketed) return { kind: "refused", code: "hostname-malformed" };
  if (isIp4(bare)) return { kind: "ip4", host: bare };
  return parseName(bare);
}

/** The destination of an IPv4 address of 4 bytes or an IPv6 address of 16 bytes. */
export function destinationFromBytes(bytes: Uint8Array): Destination {
  const address = ipaddr.fromByteArray([...bytes]);
  return address.kind() === "ipv6"
    ? { kind: "ip6", host: canonicalIp6(address) }
    : { kind: "ip4", host: address.toString() };
}

/** The 4 or 16 bytes of an address in text; `undefined` when `text` is none. */
export function addressBytes(text: string): Uint8Array | undefined {
  const destination = parseDestination(text);
  if (destination.kind !== "ip4" && destination.kind !== "ip6") return undefined;
  return Uint8Array.from(ipaddr.parse(destination.host).toByteArray());
}

function isIp4(text: string): boolean {
  return DOTTED_QUAD.test(text) && text.split(".").every((part) => Number(part) <= 255);
}

/** Canonical text of an IPv6 address; `undefined` when `text` is none or has a zone. */
function parseIp6(text: string): string | undefined {
  // The colon is asked for because the library also reads IPv4 addresses, in many spellings.
  if (!text.includes(":") || text.includes("%") || text.length > 45) return undefined;
  return ipaddr.IPv6.isValid(text) ? canonicalIp6(ipaddr.IPv6.parse(text)) : undefined;
}

function canonicalIp6(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}

function parseName(text: string): DestinationResult {
  const labels = text.split(".");
  // One final dot says that the name is complete.
  if (labels.length > 1 && labels.at(-1) === "") labels.pop();
  if (text.length > MAX_NAME_LENGTH || !labels.every((label) => LABEL.test(label))) {
    return { kind: "refused", code: "hostname-malformed" };
  }
  const name = text.toLowerCase();
  if (labels[labels.length - 1].toLowerCase() === EXIT_DOMAIN) {
    return { kind: "refused", code: "exit-name-refused" };
  }
  return { kind: "name", host: name };
}
