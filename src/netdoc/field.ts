/**
 * Values that occur in several kinds of directory documents.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import type { SocketAddress } from "../runtime/network.ts";

const DOT = 0x2e;
const ZERO = 0x30;

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
  if (port === undefined || !ipaddr.IPv6.isValid(match[1])) return undefined;
  return { hostname: ipaddr.IPv6.parse(match[1]).toString(), port };
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
