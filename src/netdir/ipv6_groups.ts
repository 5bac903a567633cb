/**
 * Reading IPv6 addresses. Thousands are read for each consensus, and hundreds of thousands of a
 * country file.
 *
 * @module
 */
import ipaddr from "ipaddr.js";

const COLON = 0x3a;

/**
 * The eight groups of 16 bits of an IPv6 address without brackets, in any of its spellings; a zone
 * is ignored. `undefined` for anything else.
 */
export function ipv6Groups(address: string): readonly number[] | undefined {
  // Plain hexadecimal takes a tenth of the library's time; the library knows all other spellings.
  return hexadecimalGroups(address) ??
    (ipaddr.IPv6.isValid(address) ? ipaddr.IPv6.parse(address).parts : undefined);
}

/** The eight groups of an address without an IPv4 address in it. */
function hexadecimalGroups(address: string): readonly number[] | undefined {
  const groups: number[] = [];
  let gap = -1;
  let at = 0;
  if (address.startsWith("::")) {
    gap = 0;
    at = 2;
  }
  while (at < address.length) {
    let value = 0;
    const start = at;
    for (; at < address.length && at - start < 4; at++) {
      const digit = hexadecimalDigit(address.charCodeAt(at));
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    if (at === start) return undefined;
    groups.push(value);
    if (at === address.length) break;
    if (address.charCodeAt(at++) !== COLON || at === address.length) return undefined;
    if (address.charCodeAt(at) === COLON) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      at++;
    }
  }
  if (gap < 0) return groups.length === 8 ? groups : undefined;
  if (groups.length > 7) return undefined;
  groups.splice(gap, 0, ...new Array<number>(8 - groups.length).fill(0));
  return groups;
}

/** The value of a digit's character code; -1 for any other character. */
function hexadecimalDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
