/**
 * Values that occur in several kinds of directory documents.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import ipaddr from "ipaddr.js";
import type { SocketAddress } from "../runtime/network.ts";

const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const LOWER_A = 0x61;
const LOWER_F = 0x66;
/** Groups of 16 bits of an IPv6 address. */
const IPV6_GROUPS = 8;

/**
 * Reads "YYYY-MM-DD HH:MM:SS", which is UTC.
 *
 * @returns milliseconds since 1970; `undefined` when `text` is no such time
 */
export function parseTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return undefined;
  const iso = `${text.replace(" ", "T")}Z`;
  const time = Date.parse(iso);
  // Date.parse takes some days that do not exist as days of the next month.
  return Number.isNaN(time) || time < 0 ||
      new Date(time).toISOString() !== iso.replace("Z", ".000Z")
    ? undefined
    : time;
}

/** Reads a decimal integer from `min` to `max`; `undefined` when `text` is anything else. */
export function parseInteger(text: string, min: number, max: number): number | undefined {
  if (!/^-?\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return min <= value && value <= max ? value : undefined;
}

/** Reads "[IPv6]:port" with a port from 1 to 65535; `undefined` when `text` is anything else. */
export function parseIpv6SocketAddress(text: string): SocketAddress | undefined {
  const match = /^\[([0-9A-Fa-f:.]{2,45})\]:(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = parseInteger(match[2], 1, 65535);
  if (port === undefined) return undefined;
  // Nearly all are canonical, and seeing that takes a tenth of the library's time.
  if (isCanonicalIpv6(match[1])) return { hostname: copyOf(match[1]), port };
  if (!ipaddr.IPv6.isValid(match[1])) return undefined;
  return { hostname: ipaddr.IPv6.parse(match[1]).toString(), port };
}

/** The same text: what was matched in a longer one would keep all of that in memory. */
function copyOf(ascii: string): string {
  return Buffer.from(ascii, "latin1").toString("latin1");
}

/**
 * Whether `text` is an IPv6 address as RFC 5952 writes it, without an IPv4 address in it: lower
 * case, no leading zeros, and "::" in place of the first of the longest runs of two zeros or more.
 */
export function isCanonicalIpv6(text: string): boolean {
  let groups = 0;
  /** How many groups stand before the "::"; -1 when there is none. */
  let gap = -1;
  /** Zeros in a row, up to here, and the most before and after the "::". */
  let zeros = 0;
  let before = 0;
  let after = 0;
  let at = 0;
  if (text.startsWith("::")) {
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    const start = at;
    while (at < text.length && isLowerHexadecimal(text.charCodeAt(at))) at++;
    const isZero = text.charCodeAt(start) === ZERO;
    if (at === start || at - start > 4 || (isZero && at - start > 1)) return false;
    groups++;
    zeros = isZero ? zeros + 1 : 0;
    if (gap < 0) before = Math.max(before, zeros);
    else after = Math.max(after, zeros);
    if (at === text.length) break;
    if (text.charCodeAt(at++) !== COLON || at === text.length) return false;
    if (text.charCodeAt(at) !== COLON) continue;
    // Zeros next to it belong into it.
    if (gap >= 0 || isZero) return false;
    gap = groups;
    zeros = 0;
    // A zero that follows it does too.
    if (text.charCodeAt(++at) === ZERO) return false;
  }
  if (gap < 0) return groups === IPV6_GROUPS && before < 2;
  if (gap === 0 && text.charCodeAt(2) === ZERO) return false;
  const omitted = IPV6_GROUPS - groups;
  return omitted >= 2 && before < omitted && after <= omitted;
}

function isLowerHexadecimal(code: number): boolean {
  return (code >= ZERO && code <= NINE) || (code >= LOWER_A && code <= LOWER_F);
}

/**
 * Reads an IPv4 address of four decimal numbers without leading zeros.
 *
 * @returns the address as a number of 32 bits; `undefined` when `text` is anything else
 */
export function parseIpv4Address(text: string): number | undefined {
  let address = 0;
  let dots = 0;
  let value = -1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (value < 0 || ++dots > 3) return undefined;
      address = address * 256 + value;
      value = -1;
    } else {
      const digit = code - ZERO;
      // A number that goes on after a 0 has a leading zero.
      if (digit < 0 || digit > 9 || value === 0) return undefined;
      value = Math.max(value, 0) * 10 + digit;
      if (value > 255) return undefined;
    }
  }
  return dots === 3 && value >= 0 ? address * 256 + value : undefined;
}

/** Whether `text` is an IPv4 address of four decimal numbers without leading zeros. */
export function isIpv4Address(text: string): boolean {
  return parseIpv4Address(text) !== undefined;
}

/** Whether `text` can be a relay's nickname: 1 to 19 letters and digits. */
export function isNickname(text: string): boolean {
  return /^[A-Za-z0-9]{1,19}$/.test(text);
}
