/**
 * Subprotocol versions: what a relay speaks, and what clients are told to speak
 * (tor-spec, "Subprotocol versioning").
 *
 * ```text
 * Cons=1-2 Link=1-5 LinkAuth=1,3
 * ```
 *
 * @module
 */
import { NetdocError } from "./errors.ts";

const MAX_VERSION = 63;
const MAX_NAME_LENGTH = 100;
const WORD_BITS = 32;

/** The versions of one subprotocol, as bits: `low` for 0 to 31, `high` for 32 to 63. */
interface VersionBits {
  low: number;
  high: number;
}

/** A set of subprotocol versions. Immutable; one is shared by all relays with the same line. */
export class ProtocolVersions {
  readonly #versions: ReadonlyMap<string, VersionBits>;

  private constructor(versions: ReadonlyMap<string, VersionBits>) {
    this.#versions = versions;
  }

  /** No version of anything. */
  static readonly none: ProtocolVersions = new ProtocolVersions(new Map());

  /**
   * Reads the entries of a "pr", "required-client-protocols" or similar line. Versions are 0 to 63;
   * a name that occurs twice has the versions of both entries.
   *
   * @throws NetdocError protocols-malformed
   */
  static parse(text: string): ProtocolVersions {
    const versions = new Map<string, VersionBits>();
    for (const entry of text.split(" ")) {
      if (entry === "") continue;
      const equals = entry.indexOf("=");
      const name = entry.slice(0, Math.max(equals, 0));
      if (name.length > MAX_NAME_LENGTH || !/^[A-Za-z0-9-]+$/.test(name)) {
        throw new NetdocError("protocols-malformed", "a subprotocol entry has no proper name");
      }
      let bits = versions.get(name);
      if (bits === undefined) versions.set(name, bits = { low: 0, high: 0 });
      addRanges(bits, entry.slice(equals + 1));
    }
    return new ProtocolVersions(versions);
  }

  /** Whether this version of the subprotocol is in the set. */
  supports(protocol: string, version: number): boolean {
    const bits = this.#versions.get(protocol);
    return bits !== undefined && hasVersion(bits, version);
  }

  /** The versions of this set that `other` lacks, as entries like "Link=6"; empty when none. */
  notSupportedBy(other: ProtocolVersions): string[] {
    const missing: string[] = [];
    for (const [name, bits] of this.#versions) {
      for (let version = 0; version <= MAX_VERSION; version++) {
        if (hasVersion(bits, version) && !other.supports(name, version)) {
          missing.push(`${name}=${version}`);
        }
      }
    }
    return missing;
  }
}

function hasVersion(bits: VersionBits, version: number): boolean {
  if (version < 0 || version > MAX_VERSION) return false;
  const word = version < WORD_BITS ? bits.low : bits.high;
  return (word >>> (version % WORD_BITS) & 1) === 1;
}

function addRanges(bits: VersionBits, ranges: string): void {
  // "Name=" is an entry without versions.
  if (ranges === "") return;
  for (const range of ranges.split(",")) {
    const match = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(range);
    const first = match === null ? NaN : Number(match[1]);
    const last = match?.[2] === undefined ? first : Number(match[2]);
    if (!(first <= last && last <= MAX_VERSION)) {
      throw new NetdocError("protocols-malformed", "a subprotocol version range cannot be read");
    }
    for (let version = first; version <= last; version++) {
      if (version < WORD_BITS) bits.low |= 1 << version;
      else bits.high |= 1 << (version - WORD_BITS);
    }
  }
}
