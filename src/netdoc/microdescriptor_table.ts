/**
 * Microdescriptors in columns: about 130 bytes each, most of them in typed arrays, where an object
 * with its keys and texts would take some 700.
 *
 * | column     | bytes | contents                                                   |
 * | ---------- | ----- | ---------------------------------------------------------- |
 * | digests    | 32    | and hash slots                                             |
 * | keys       | 64    | ntor onion key, Ed25519 identity (zeros if there is none)  |
 *
 * Families, policies and addresses are references; many are shared (see SharedParts).
 *
 * @module
 */
import {
  type Ed25519Identity,
  ed25519IdentityBytes,
  ed25519IdentityFromBytes,
} from "../crypto/identity.ts";
import type { SocketAddress } from "../runtime/network.ts";
import { DigestTable } from "./digest_table.ts";
import type { PortPolicy } from "./exit_policy.ts";
import type { Microdescriptor, MicrodescriptorDigest } from "./microdescriptor.ts";
import { microdescriptorDigestBytes } from "./microdescriptor_digest.ts";

const KEY_LENGTH = 32;
const KEYS_LENGTH = 2 * KEY_LENGTH;
const FIRST_CAPACITY = 64;

/** What is looked up by digest: a Map of microdescriptors is one. */
export interface MicrodescriptorSource {
  /** The microdescriptor, if it is there. */
  get(digest: MicrodescriptorDigest): Microdescriptor | undefined;
}

/**
 * Microdescriptors by their digests. What is in it stays: more can be added, and what
 * {@link MicrodescriptorTable.get} gave does not change by that.
 */
export class MicrodescriptorTable implements MicrodescriptorSource {
  readonly #digests: DigestTable;
  readonly #columns: Columns;

  /** @param expected how many there will be: a guess that saves copies */
  constructor(expected = FIRST_CAPACITY) {
    this.#digests = new DigestTable(expected);
    this.#columns = new Columns(Math.max(expected, FIRST_CAPACITY));
  }

  /** How many there are. */
  get size(): number {
    return this.#digests.size;
  }

  /** Whether the one with this digest of 32 bytes is there. */
  has(digest: Uint8Array): boolean {
    return this.#digests.find(digest) >= 0;
  }

  get(digest: MicrodescriptorDigest): Microdescriptor | undefined {
    const number = this.#digests.find(microdescriptorDigestBytes(digest));
    return number < 0 ? undefined : this.at(number);
  }

  /** The microdescriptor that came as the one of this number, from 0; it must be there. */
  at(number: number): Microdescriptor {
    return new HeldMicrodescriptor(this.#columns, number);
  }

  /** The 32 bytes of its digest, as a view that holds until the next {@link add}. */
  digest(number: number): Uint8Array<ArrayBuffer> {
    return this.#digests.digest(number);
  }

  /**
   * Copies what the microdescriptor says, unless one with this digest is there.
   *
   * @param digest 32 bytes, which are copied
   */
  add(digest: Uint8Array, microdescriptor: Microdescriptor): void {
    const { size } = this.#digests;
    const number = this.#digests.add(digest);
    if (number === size) this.#columns.set(number, microdescriptor);
  }
}

/** The columns themselves; microdescriptors are numbered from 0. */
class Columns {
  readonly #hasEd25519: boolean[] = [];
  readonly #ipv6: (SocketAddress | undefined)[] = [];
  readonly #families: (readonly string[])[] = [];
  readonly #familyIds: (readonly string[])[] = [];
  readonly #policies: PortPolicy[] = [];
  readonly #policies6: PortPolicy[] = [];
  #keys: Uint8Array<ArrayBuffer>;

  constructor(capacity: number) {
    this.#keys = new Uint8Array(capacity * KEYS_LENGTH);
  }

  set(number: number, microdescriptor: Microdescriptor): void {
    const { ed25519Identity } = microdescriptor;
    const start = number * KEYS_LENGTH;
    if (start === this.#keys.length) this.#grow();
    this.#keys.set(microdescriptor.onionKey, start);
    if (ed25519Identity !== undefined) {
      this.#keys.set(ed25519IdentityBytes(ed25519Identity), start + KEY_LENGTH);
    }
    this.#hasEd25519.push(ed25519Identity !== undefined);
    this.#ipv6.push(microdescriptor.ipv6);
    this.#families.push(microdescriptor.family);
    this.#familyIds.push(microdescriptor.familyIds);
    this.#policies.push(microdescriptor.exitPolicy);
    this.#policies6.push(microdescriptor.exitPolicy6);
  }

  onionKey(number: number): Uint8Array<ArrayBuffer> {
    const start = number * KEYS_LENGTH;
    return this.#keys.subarray(start, start + KEY_LENGTH);
  }

  ed25519Identity(number: number): Ed25519Identity | undefined {
    if (!this.#hasEd25519[number]) return undefined;
    const start = number * KEYS_LENGTH + KEY_LENGTH;
    return ed25519IdentityFromBytes(this.#keys.subarray(start, start + KEY_LENGTH));
  }

  ipv6(number: number): SocketAddress | undefined {
    return this.#ipv6[number];
  }

  family(number: number): readonly string[] {
    return this.#families[number];
  }

  familyIds(number: number): readonly string[] {
    return this.#familyIds[number];
  }

  exitPolicy(number: number): PortPolicy {
    return this.#policies[number];
  }

  exitPolicy6(number: number): PortPolicy {
    return this.#policies6[number];
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#keys.length);
    larger.set(this.#keys);
    this.#keys = larger;
  }
}

/** One microdescriptor: its keys are read each time that they are asked for. */
class HeldMicrodescriptor implements Microdescriptor {
  readonly #columns: Columns;
  readonly #number: number;

  constructor(columns: Columns, number: number) {
    this.#columns = columns;
    this.#number = number;
  }

  get onionKey(): Uint8Array<ArrayBuffer> {
    return this.#columns.onionKey(this.#number);
  }

  get ed25519Identity(): Ed25519Identity | undefined {
    return this.#columns.ed25519Identity(this.#number);
  }

  get ipv6(): SocketAddress | undefined {
    return this.#columns.ipv6(this.#number);
  }

  get family(): readonly string[] {
    return this.#columns.family(this.#number);
  }

  get familyIds(): readonly string[] {
    return this.#columns.familyIds(this.#number);
  }

  get exitPolicy(): PortPolicy {
    return this.#columns.exitPolicy(this.#number);
  }

  get exitPolicy6(): PortPolicy {
    return this.#columns.exitPolicy6(this.#number);
  }
}
