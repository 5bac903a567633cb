/**
 * IP addresses and ports as they are written in a configuration. Nothing is looked up.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import type { SocketAddress } from "../runtime/network.ts";
import { parseCount } from "./values.ts";

/** Whether `text` is an IPv4 address as four decimal numbers without leading zeros. */
export function isIpv4(text: string): boolean {
  return /^(?:(?:0|[1-9][0-9]{0,2})(?:\.|$)){4}$/.test(text) && !text.endsWith(".") &&
    text.split(".").every((part) => Number(part) <= 255);
}

/**
 * An IP address in one form for every way to write it: IPv6 shortened, in lower case, without
 * brackets. `undefined` for anything else, also for an IPv6 address with a zone.
 */
export function parseIpAddress(text: string): string | undefined {
  if (isIpv4(text)) return text;
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (!bare.includes(":") || bare.includes("%") || !ipaddr.IPv6.isValid(bare)) return undefined;
  return ipaddr.IPv6.parse(bare).toRFC5952String();
}

/** A port from 1 to 65535. */
export function parsePort(text: string): number | undefined {
  return parseCount(text, 1, 65535);
}

/** `1.2.3.4:PORT` or `[IPv6]:PORT`; `undefined` for anything else. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const colon = text.lastIndexOf(":");
  if (colon === -1) return undefined;
  const host = text.slice(0, colon);
  // Without brackets, the last group of an IPv6 address would be taken for the port.
  if (host.includes(":") && !host.startsWith("[")) return undefined;
  const hostname = parseIpAddress(host);
  const port = parsePort(text.slice(colon + 1));
  return hostname === undefined || port === undefined ? undefined : { hostname, port };
}

/** How far an address reaches: this machine, the networks it is in, or the Internet. */
export function addressReach(hostname: string): "loopback" | "internal" | "public" {
  const range = ipaddr.process(hostname).range();
  if (range === "loopback") return "loopback";
  const internal = ["private", "linkLocal", "uniqueLocal", "carrierGradeNat"];
  return internal.includes(range) ? "internal" : "public";
}
