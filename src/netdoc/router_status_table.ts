/**
 * The relays of one consensus in columns: about 90 bytes each, most of them in typed arrays, where
 * an object with its texts would take some 500.
 *
 * | column     | bytes  | contents                                               |
 * | ---------- | ------ | ------------------------------------------------------ |
 * | identities | 20     | RSA identity                                           |
 * | digests    | 32     | of the microdescriptor                                 |
 * | nicknames  | 1 - 19 | one after another; `nicknameEnds` (4) says where each ends |
 * | addresses  | 4      | IPv4, as a number                                      |
 * | ports      | 2      |                                                        |
 * | flags      | 4      | bits of RelayFlag, and {@link UNMEASURED}              |
 * | bandwidths | 4      | kilobytes per second                                   |
 *
 * IPv6 addresses and subprotocol versions are references; the latter are shared.
 *
 * @module
 */
import { type RsaIdentity, rsaIdentityFromBytes } from "../crypto/identity.ts";
import type { SocketAddress } from "../runtime/network.ts";
import {
  type MicrodescriptorDigest,
  microdescriptorDigestFromBytes,
} from "./microdescriptor_digest.ts";
import type { ProtocolVersions } from "./protocols.ts";
import type { RouterStatus } from "./router_status.ts";

const IDENTITY_LENGTH = 20;
const DIGEST_LENGTH = 32;
const MAX_NICKNAME_LENGTH = 19;
const FIRST_CAPACITY = 64;
/** No flag that has a name. */
const UNMEASURED = 2 ** 31;

/** What an entry says, decoded. */
export interface RouterStatusValues {
  /** 1 to 19 characters of ASCII. */
  readonly nickname: string;
  /** 20 bytes */
  readonly identity: Uint8Array;
  /** IPv4, as a number of 32 bits. */
  readonly address: number;
  readonly port: number;
  readonly ipv6: SocketAddress | undefined;
  /** 32 bytes */
  readonly digest: Uint8Array;
  readonly flags: number;
  readonly protocols: ProtocolVersions;
  readonly bandwidth: number;
  readonly unmeasured: boolean;
}

/** Columns that grow as entries are added, and the entries as objects. */
export class RouterStatusTable {
  /** One object for each entry, which reads the columns. */
  readonly routers: readonly RouterStatus[];
  readonly #routers: ListedRouter[];
  readonly #columns: Columns;

  /** @param expected how many entries there will be: a guess that saves copies */
  constructor(expected = FIRST_CAPACITY) {
    this.routers = this.#routers = [];
    this.#columns = new Columns(Math.max(expected, FIRST_CAPACITY));
  }

  /** Adds an entry, unless its identity is not greater than that of the one before. */
  add(values: RouterStatusValues): boolean {
    const index = this.#routers.length;
    if (!this.#columns.set(index, values)) return false;
    this.#routers.push(new ListedRouter(this.#columns, index));
    return true;
  }

  /** Gives back what was set aside for more entries. */
  trim(): void {
    this.#columns.resize(this.#routers.length);
  }
}

/** The columns themselves; entries are numbered from 0. */
class Columns {
  readonly #ipv6: (SocketAddress | undefined)[] = [];
  readonly #protocols: ProtocolVersions[] = [];
  #identities = new Uint8Array(0);
  #digests = new Uint8Array(0);
  #nicknames = new Uint8Array(0);
  #nicknameEnds = new Uint32Array(0);
  #addresses = new Uint32Array(0);
  #ports = new Uint16Array(0);
  #flags = new Uint32Array(0);
  #bandwidths = new Uint32Array(0);

  constructor(capacity: number) {
    this.resize(capacity);
  }

  set(index: number, values: RouterStatusValues): boolean {
    const { identity, nickname, unmeasured } = values;
    if (index > 0 && !this.#isAfter(index - 1, identity)) return false;
    if (index === this.#ports.length) this.resize(2 * index);
    this.#identities.set(identity, index * IDENTITY_LENGTH);
    this.#digests.set(values.digest, index * DIGEST_LENGTH);
    const start = this.#nicknameStart(index);
    for (let at = 0; at < nickname.length; at++) {
      this.#nicknames[start + at] = nickname.charCodeAt(at);
    }
    this.#nicknameEnds[index] = start + nickname.length;
    this.#addresses[index] = values.address;
    this.#ports[index] = values.port;
    this.#flags[index] = (values.flags | (unmeasured ? UNMEASURED : 0)) >>> 0;
    this.#bandwidths[index] = values.bandwidth;
    this.#ipv6.push(values.ipv6);
    this.#protocols.push(values.protocols);
    return true;
  }

  resize(capacity: number): void {
    this.#identities = resized(this.#identities, new Uint8Array(capacity * IDENTITY_LENGTH));
    this.#digests = resized(this.#digests, new Uint8Array(capacity * DIGEST_LENGTH));
    const nicknames = new Uint8Array(
      this.#ports.length < capacity
        ? capacity * MAX_NICKNAME_LENGTH
        : this.#nicknameStart(capacity),
    );
    this.#nicknames = resized(this.#nicknames, nicknames);
    this.#nicknameEnds = resized(this.#nicknameEnds, new Uint32Array(capacity));
    this.#addresses = resized(this.#addresses, new Uint32Array(capacity));
    this.#ports = resized(this.#ports, new Uint16Array(capacity));
    this.#flags = resized(this.#flags, new Uint32Array(capacity));
    this.#bandwidths = resized(this.#bandwidths, new Uint32Array(capacity));
  }

  nickname(index: number): string {
    const start = this.#nicknameStart(index);
    const bytes = this.#nicknames.subarray(start, this.#nicknameEnds[index]);
    return Reflect.apply(String.fromCharCode, undefined, bytes);
  }

  rsaIdentity(index: number): RsaIdentity {
    const start = index * IDENTITY_LENGTH;
    return rsaIdentityFromBytes(this.#identities.subarray(start, start + IDENTITY_LENGTH));
  }

  hostname(index: number): string {
    const address = this.#addresses[index];
    return `${address >>> 24}.${address >>> 16 & 0xff}.${address >>> 8 & 0xff}.${address & 0xff}`;
  }

  port(index: number): number {
    return this.#ports[index];
  }

  ipv6(index: number): SocketAddress | undefined {
    return this.#ipv6[index];
  }

  microdescriptorDigest(index: number): MicrodescriptorDigest {
    const start = index * DIGEST_LENGTH;
    return microdescriptorDigestFromBytes(this.#digests.subarray(start, start + DIGEST_LENGTH));
  }

  flags(index: number): number {
    return this.#flags[index] & ~UNMEASURED;
  }

  unmeasured(index: number): boolean {
    return this.#flags[index] >= UNMEASURED;
  }

  protocols(index: number): ProtocolVersions {
    return this.#protocols[index];
  }

  bandwidth(index: number): number {
    return this.#bandwidths[index];
  }

  #nicknameStart(index: number): number {
    return index === 0 ? 0 : this.#nicknameEnds[index - 1];
  }

  /** Whether an identity comes after that of an entry. */
  #isAfter(index: number, identity: Uint8Array): boolean {
    const start = index * IDENTITY_LENGTH;
    for (let at = 0; at < IDENTITY_LENGTH; at++) {
      const difference = identity[at] - this.#identities[start + at];
      if (difference !== 0) return difference > 0;
    }
    return false;
  }
}

/** One entry: its texts are made each time that they are asked for. */
class ListedRouter implements RouterStatus {
  readonly #columns: Columns;
  readonly #index: number;

  constructor(columns: Columns, index: number) {
    this.#columns = columns;
    this.#index = index;
  }

  get nickname(): string {
    return this.#columns.nickname(this.#index);
  }

  get rsaIdentity(): RsaIdentity {
    return this.#columns.rsaIdentity(this.#index);
  }

  get hostname(): string {
    return this.#columns.hostname(this.#index);
  }

  get port(): number {
    return this.#columns.port(this.#index);
  }

  get ipv6(): SocketAddress | undefined {
    return this.#columns.ipv6(this.#index);
  }

  get microdescriptorDigest(): MicrodescriptorDigest {
    return this.#columns.microdescriptorDigest(this.#index);
  }

  get flags(): number {
    return this.#columns.flags(this.#index);
  }

  get protocols(): ProtocolVersions {
    return this.#columns.protocols(this.#index);
  }

  get bandwidth(): number {
    return this.#columns.bandwidth(this.#index);
  }

  get unmeasured(): boolean {
    return this.#columns.unmeasured(this.#index);
  }
}

/** Copies what has room from `from` into `to`. */
function resized<Numbers extends Uint8Array | Uint16Array | Uint32Array>(
  from: Numbers,
  to: Numbers,
): Numbers {
  to.set(from.subarray(0, Math.min(from.length, to.length)));
  return to;
}
