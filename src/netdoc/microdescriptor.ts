/**
 * Microdescriptors: what a client must know of a relay beyond the consensus (dir-spec, "Computing
 * microdescriptors").
 *
 * ```text
 * onion-key
 * -----BEGIN RSA PUBLIC KEY-----    old key, not used any more; may be absent
 * ntor-onion-key base64             32 bytes
 * a [IPv6]:port
 * family $identity nickname ...
 * family-ids id ...
 * p accept 80,443
 * p6 reject 1-65535
 * id ed25519 base64                 32 bytes
 * ```
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  type Ed25519Identity,
  parseEd25519Identity,
  parseRsaIdentity,
} from "../crypto/identity.ts";
import type { SocketAddress } from "../runtime/network.ts";
import { DocumentReader } from "./document.ts";
import { NetdocError } from "./errors.ts";
import { parsePortPolicy, type PortPolicy, REJECT_ALL_PORTS } from "./exit_policy.ts";
import { isNickname, parseIpv6SocketAddress } from "./field.ts";
import {
  type MicrodescriptorDigest,
  microdescriptorDigestFromBytes,
} from "./microdescriptor_digest.ts";
import { lastOf } from "./steps.ts";

export type { MicrodescriptorDigest } from "./microdescriptor_digest.ts";

/** One relay's microdescriptor. */
export interface Microdescriptor {
  /** The ntor onion key: 32 bytes. */
  readonly onionKey: Uint8Array<ArrayBuffer>;
  readonly ed25519Identity: Ed25519Identity | undefined;
  readonly ipv6: SocketAddress | undefined;
  /** Identities (40 upper-case hexadecimal digits) and nicknames (in lower case). */
  readonly family: readonly string[];
  readonly familyIds: readonly string[];
  readonly exitPolicy: PortPolicy;
  readonly exitPolicy6: PortPolicy;
}

/** A microdescriptor with its name and where it was found. */
export interface ParsedMicrodescriptor {
  readonly digest: MicrodescriptorDigest;
  readonly microdescriptor: Microdescriptor;
  /** The offset of its first byte in the documents that were parsed. */
  readonly start: number;
  /** The offset just past its last byte. */
  readonly end: number;
}

/** What was found in a reply or a cache of microdescriptors. */
export interface ParsedMicrodescriptors {
  readonly microdescriptors: readonly ParsedMicrodescriptor[];
  /** The digests of those that could not be read. */
  readonly malformed: readonly MicrodescriptorDigest[];
}

const MAX_SHARED_CHARACTERS = 8 * 2 ** 20;
/** Five times what a family can make of one; longer ones can't be read. In bytes. */
const MAX_LENGTH = 256 * 1024;
/** How many are parsed in one step: less than 3 ms. */
const PARSED_PER_STEP = 100;
/** How many lines are looked through for the next in one step: less than 3 ms. */
const LINES_PER_STEP = 10_000;

/**
 * Lists and policies that many microdescriptors have in common, so that each is kept once. A client
 * keeps one of these for all replies that make up its directory. It forgets everything when it is
 * told to, and when it holds more than 8 Mi characters; what was made with it stays as it is.
 */
export class SharedParts {
  readonly #names = new Map<string, string>();
  readonly #lists = new Map<string, readonly string[]>();
  readonly #policies = new Map<string, PortPolicy>();
  #characters = 0;

  /** Forgets what was collected, so that it takes no memory until there is more to come. */
  forget(): void {
    this.#names.clear();
    this.#lists.clear();
    this.#policies.clear();
    this.#characters = 0;
  }

  /** The members that a "family" line names; what is neither identity nor nickname is left out. */
  family(line: string): readonly string[] {
    return this.#list(line, "family", familyMember);
  }

  /** The words of a "family-ids" line. */
  familyIds(line: string): readonly string[] {
    return this.#list(line, "family-ids", (id) => id);
  }

  /** The policy of a "p" or "p6" line; one that cannot be read allows nothing. */
  policy(line: string): PortPolicy {
    let policy = this.#policies.get(line);
    if (policy === undefined) {
      this.#makeRoom(line.length);
      this.#policies.set(line, policy = parsePortPolicy(line) ?? REJECT_ALL_PORTS);
    }
    return policy;
  }

  #list(
    line: string,
    kind: string,
    read: (word: string) => string | undefined,
  ): readonly string[] {
    const key = `${kind} ${line}`;
    let list = this.#lists.get(key);
    if (list === undefined) {
      this.#makeRoom(2 * line.length);
      list = line.split(/[ \t]+/).flatMap((word) => {
        const name = read(word);
        return name === undefined || name === "" ? [] : [this.#name(name)];
      });
      this.#lists.set(key, list);
    }
    return list;
  }

  #name(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    this.#names.set(name, name);
    return name;
  }

  #makeRoom(characters: number): void {
    this.#characters += characters;
    if (this.#characters <= MAX_SHARED_CHARACTERS) return;
    this.forget();
    this.#characters = characters;
  }
}

/**
 * Parses microdescriptors that stand one after another. One that cannot be read does not affect
 * the others.
 *
 * @throws NetdocError document-cut-off unless the last byte ends a line
 */
export function parseMicrodescriptors(
  documents: Uint8Array,
  shared: SharedParts = new SharedParts(),
): ParsedMicrodescriptors {
  return lastOf(microdescriptorSteps(documents, shared));
}

/**
 * Parses as {@link parseMicrodescriptors} does, in steps of a few ms, between which other work can be
 * done. Nothing may write to the documents before the last.
 *
 * @throws as parseMicrodescriptors, from the first step
 */
export function* microdescriptorSteps(
  documents: Uint8Array,
  shared: SharedParts,
): Generator<void, ParsedMicrodescriptors> {
  if (documents.length > 0 && documents[documents.length - 1] !== NEWLINE) {
    throw new NetdocError("document-cut-off", "the last microdescriptor is cut off");
  }
  const microdescriptors: ParsedMicrodescriptor[] = [];
  const unreadable: MicrodescriptorDigest[] = [];
  let start = yield* startSteps(documents, 0);
  for (let untilStep = PARSED_PER_STEP; start < documents.length; untilStep--) {
    if (untilStep === 0) {
      untilStep = PARSED_PER_STEP;
      yield;
    }
    const end = yield* startSteps(documents, documents.indexOf(NEWLINE, start) + 1);
    const digest = microdescriptorDigestFromBytes(
      createHash("sha256").update(documents.subarray(start, end)).digest(),
    );
    try {
      if (end - start > MAX_LENGTH) malformed("a microdescriptor is too long");
      const microdescriptor = parseOne(new DocumentReader(documents, start, end), shared);
      microdescriptors.push({ digest, microdescriptor, start, end });
    } catch (error) {
      if (!(error instanceof NetdocError)) throw error;
      unreadable.push(digest);
    }
    start = end;
  }
  return { microdescriptors, malformed: unreadable };
}

/**
 * Parses one microdescriptor whose digest is known already.
 *
 * @throws NetdocError microdescriptor-malformed, or as DocumentReader does
 */
export function parseMicrodescriptor(document: Uint8Array, shared: SharedParts): Microdescriptor {
  return parseOne(new DocumentReader(document, 0, document.length), shared);
}

const NEWLINE = 0x0a;
/** Digits of base64 for 32 bytes. */
const KEY_DIGITS = 43;
const FIRST_KEYWORD = new TextEncoder().encode("onion-key");

/** The offset of the first line at or after the line start `from` with the keyword "onion-key". */
function* startSteps(documents: Uint8Array, from: number): Generator<void, number> {
  let line = from;
  for (let untilStep = LINES_PER_STEP; line < documents.length; untilStep--) {
    if (startsMicrodescriptor(documents, line)) break;
    if (untilStep === 0) {
      untilStep = LINES_PER_STEP;
      yield;
    }
    line = documents.indexOf(NEWLINE, line) + 1;
  }
  return line;
}

/** Whether the line that begins at the offset `line` is the first of a microdescriptor. */
export function startsMicrodescriptor(documents: Uint8Array, line: number): boolean {
  for (let index = 0; index < FIRST_KEYWORD.length; index++) {
    if (documents[line + index] !== FIRST_KEYWORD[index]) return false;
  }
  // The keyword must end here: with a space, a tab or the line.
  const after = documents[line + FIRST_KEYWORD.length];
  return after === NEWLINE || after === 0x20 || after === 0x09;
}

const SINGLE_ITEMS: ReadonlySet<string> = new Set([
  "onion-key",
  "ntor-onion-key",
  "family",
  "family-ids",
  "p",
  "p6",
]);

function parseOne(reader: DocumentReader, shared: SharedParts): Microdescriptor {
  const items = new Map<string, string>();
  let ed25519Identity: Ed25519Identity | undefined;
  let ipv6: SocketAddress | undefined;
  while (reader.next()) {
    const keyword = reader.keyword();
    if (keyword === "id") {
      const [type, key] = reader.arguments();
      if (type !== "ed25519") continue;
      if (ed25519Identity !== undefined) malformed("a microdescriptor has two Ed25519 identities");
      ed25519Identity = parseEd25519Identity(key ?? "") ??
        malformed("a microdescriptor has an Ed25519 identity that cannot be read");
    } else if (keyword === "a") {
      ipv6 ??= parseIpv6SocketAddress(reader.arguments()[0] ?? "");
    } else if (SINGLE_ITEMS.has(keyword)) {
      if (items.has(keyword)) malformed(`a microdescriptor has two ${keyword} lines`);
      items.set(keyword, reader.rest());
    }
  }
  return {
    onionKey: readOnionKey(items.get("ntor-onion-key") ?? ""),
    ed25519Identity,
    ipv6,
    family: shared.family(items.get("family") ?? ""),
    familyIds: shared.familyIds(items.get("family-ids") ?? ""),
    exitPolicy: shared.policy(items.get("p") ?? ""),
    exitPolicy6: shared.policy(items.get("p6") ?? ""),
  };
}

function malformed(what: string): never {
  throw new NetdocError("microdescriptor-malformed", what);
}

function readOnionKey(line: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9+/]{43}=?(?: .*)?$/.test(line)) {
    return malformed("a microdescriptor has no ntor-onion-key");
  }
  return Uint8Array.fromBase64(line.length === KEY_DIGITS ? line : line.slice(0, KEY_DIGITS));
}

/** "$identity", "$identity=nickname", "$identity~nickname" or "nickname" (dir-spec, "family"). */
function familyMember(member: string): string | undefined {
  if (isNickname(member)) return member.toLowerCase();
  const digits = /^\$?([0-9A-Fa-f]{40})(?:[=~][A-Za-z0-9]{1,19})?$/.exec(member)?.[1];
  return digits === undefined ? undefined : parseRsaIdentity(digits);
}
