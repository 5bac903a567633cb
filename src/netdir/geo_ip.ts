/**
 * Which country an address is in, as C tor's country files tell it (C tor: GeoIPFile, GeoIPv6File).
 *
 * ```text
 * # a comment
 * 16777216,16777471,AU                    IPv4: first and last address as numbers, country
 * "16777216","16777471","AU","AUS",...    the same, in an older form
 * 2001:db8::,2001:db8:ffff:...,AU         IPv6: first and last address, country
 * ```
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { ipv6Groups } from "./ipv6_groups.ts";

/** Ranges of one file that are kept; further ones count as unreadable. */
const MAX_RANGES = 2 ** 22;

const IPV4_LINE = /^"?(\d{1,10})"?,"?(\d{1,10})"?,"?([A-Za-z0-9?]{2})"?(?:,|$)/;
const IPV6_LINE = /^([0-9A-Fa-f:.]+),([0-9A-Fa-f:.]+),([A-Za-z0-9?]{2})$/;

/** What files use for a range whose country is not known. */
const UNKNOWN = codeNumber("??");

/** The countries of addresses, from up to two files; it never changes. */
export class GeoIp {
  /** Lines of both files that say nothing that can be used; comments and empty lines do not count. */
  readonly unreadableLines: number;
  readonly #ipv4: RangeTable;
  readonly #ipv6: RangeTable;

  private constructor(ipv4: RangeTable, ipv6: RangeTable) {
    this.unreadableLines = ipv4.unreadableLines + ipv6.unreadableLines;
    this.#ipv4 = ipv4;
    this.#ipv6 = ipv6;
  }

  /**
   * Reads the files. It never fails: lines that cannot be read are passed over and counted.
   *
   * @param ipv4 the text of a country file for IPv4
   * @param ipv6 the text of one for IPv6
   */
  static parse(ipv4: string, ipv6 = ""): GeoIp {
    return new GeoIp(new RangeTable(ipv4, 1, readIpv4Line), new RangeTable(ipv6, 4, readIpv6Line));
  }

  /** How many ranges of IPv4 addresses the file has. */
  get ipv4Ranges(): number {
    return this.#ipv4.length;
  }

  /** How many ranges of IPv6 addresses the file has. */
  get ipv6Ranges(): number {
    return this.#ipv6.length;
  }

  /**
   * The country of an IP address, without brackets: two lower-case letters or digits. `undefined`
   * when the files do not tell it, or `address` is none.
   */
  countryOf(address: string): string | undefined {
    if (ipaddr.IPv4.isValidFourPartDecimal(address)) {
      const [a, b, c, d] = ipaddr.IPv4.parse(address).octets;
      return this.#ipv4.find(Uint32Array.of(a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d));
    }
    const words = new Uint32Array(4);
    return readIpv6Address(address, words) ? this.#ipv6.find(words) : undefined;
  }

  /** Whether the files know any address in the country, whose code may be in either case. */
  knowsCountry(code: string): boolean {
    return this.#ipv4.hasCode(code) || this.#ipv6.hasCode(code);
  }
}

/** One line as numbers; reused from line to line. */
interface RangeLine {
  /** The first address, as one 32-bit word or four. */
  readonly first: Uint32Array;
  readonly last: Uint32Array;
  /** See {@link codeNumber}. */
  code: number;
}

/**
 * Ranges of addresses, sorted by their first, in flat arrays: 10 bytes for an IPv4 range and 34 for
 * one of IPv6. Of ranges that overlap, the one that begins last before an address tells its country.
 */
class RangeTable {
  readonly unreadableLines: number;
  readonly length: number;
  /** Words of an address. */
  readonly #width: number;
  readonly #firsts: Uint32Array;
  readonly #lasts: Uint32Array;
  readonly #codes: Uint16Array;

  constructor(text: string, width: number, read: (line: string, range: RangeLine) => boolean) {
    this.#width = width;
    const capacity = Math.min(countLines(text), MAX_RANGES);
    const firsts = new Uint32Array(capacity * width);
    const lasts = new Uint32Array(capacity * width);
    const codes = new Uint16Array(capacity);
    const range = { first: new Uint32Array(width), last: new Uint32Array(width), code: 0 };
    let length = 0;
    let unreadable = 0;
    let isSorted = true;
    forEachLine(text, (line) => {
      if (
        length === capacity || !read(line, range) ||
        compare(range.first, 0, range.last, 0, width) > 0
      ) {
        unreadable++;
        return;
      }
      const { first, last, code } = range;
      const previous = (length - 1) * width;
      isSorted &&= length === 0 || compare(firsts, previous, first, 0, width) <= 0;
      firsts.set(first, length * width);
      lasts.set(last, length * width);
      codes[length++] = code;
    });
    this.unreadableLines = unreadable;
    this.length = length;
    if (!isSorted) {
      const order = sortedOrder(firsts, width, length);
      rearrange(firsts, width, order);
      rearrange(lasts, width, order);
      rearrange(codes, 1, order);
    }
    this.#firsts = firsts;
    this.#lasts = lasts;
    this.#codes = codes;
  }

  /** The code of the range that the address is in. */
  find(address: Uint32Array): string | undefined {
    const width = this.#width;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#firsts, middle * width, address, 0, width) <= 0) low = middle + 1;
      else high = middle;
    }
    const index = low - 1;
    if (index < 0 || compare(address, 0, this.#lasts, index * width, width) > 0) return undefined;
    const code = this.#codes[index];
    return code === UNKNOWN ? undefined : String.fromCharCode(code >>> 8, code & 0xff);
  }

  hasCode(code: string): boolean {
    return code.length === 2 && this.#codes.subarray(0, this.length).includes(codeNumber(code));
  }
}

function readIpv4Line(line: string, range: RangeLine): boolean {
  const match = IPV4_LINE.exec(line);
  if (match === null) return false;
  const first = Number(match[1]);
  const last = Number(match[2]);
  if (first >= 2 ** 32 || last >= 2 ** 32) return false;
  range.first[0] = first;
  range.last[0] = last;
  range.code = codeNumber(match[3]);
  return true;
}

function readIpv6Line(line: string, range: RangeLine): boolean {
  const match = IPV6_LINE.exec(line);
  if (
    match === null || !readIpv6Address(match[1], range.first) ||
    !readIpv6Address(match[2], range.last)
  ) return false;
  range.code = codeNumber(match[3]);
  return true;
}

/** Reads an IPv6 address into four words. */
function readIpv6Address(address: string, words: Uint32Array): boolean {
  const groups = ipv6Groups(address);
  if (groups === undefined) return false;
  for (let word = 0; word < 4; word++) {
    words[word] = groups[2 * word] * 2 ** 16 + groups[2 * word + 1];
  }
  return true;
}

/** Two characters in lower case as one number of 16 bits. */
function codeNumber(code: string): number {
  const lower = code.toLowerCase();
  return lower.charCodeAt(0) << 8 | lower.charCodeAt(1);
}

/** Below 0, 0, or above: how the address at `atA` of `a` and the one at `atB` of `b` are ordered. */
function compare(a: Uint32Array, atA: number, b: Uint32Array, atB: number, width: number): number {
  for (let word = 0; word < width; word++) {
    if (a[atA + word] !== b[atB + word]) return a[atA + word] < b[atB + word] ? -1 : 1;
  }
  return 0;
}

/** The indexes of the ranges in order of their first addresses. */
function sortedOrder(firsts: Uint32Array, width: number, length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, index) => index)
    .sort((a, b) => compare(firsts, a * width, firsts, b * width, width));
}

/** Puts items of `width` numbers each into the order given. */
function rearrange(numbers: Uint32Array | Uint16Array, width: number, order: Uint32Array): void {
  const before = numbers.slice();
  order.forEach((from, to) => {
    for (let at = 0; at < width; at++) numbers[to * width + at] = before[from * width + at];
  });
}

function countLines(text: string): number {
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}

/** Calls for each line that is neither empty nor a comment, without the white space around it. */
function forEachLine(text: string, action: (line: string) => void): void {
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, end).trim();
    if (line !== "" && !line.startsWith("#")) action(line);
    start = end + 1;
  }
}
