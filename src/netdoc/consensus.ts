/**
 * The consensus: the authorities' common view of the network (dir-spec, "Consensus documents"), in
 * the "microdesc" flavour, the only one that clients use.
 *
 * ```text
 * network-status-version 3 microdesc      header
 * ...
 * r ...                                   one entry per relay, sorted by identity
 * ...
 * directory-footer                        footer
 * bandwidth-weights Wbd=0 ...
 * directory-signature sha256 ...          what is signed ends with this word and its space
 * ```
 *
 * @module
 */
import { parseRsaIdentity, type RsaIdentity } from "../crypto/identity.ts";
import { parseSigningKeyDigest, type SigningKeyDigest } from "./authority_certificate.ts";
import { DocumentReader } from "./document.ts";
import { NetdocError } from "./errors.ts";
import { isIpv4Address, parseInteger, parseTime } from "./field.ts";
import { ProtocolVersions } from "./protocols.ts";
import { endsEntry, type RouterStatus, RouterStatusReader } from "./router_status.ts";
import { RouterStatusTable } from "./router_status_table.ts";
import { hashSteps, lastOf } from "./steps.ts";

export type { RouterStatus } from "./router_status.ts";

/** One authority that voted ("dir-source"). */
export interface DirSource {
  readonly nickname: string;
  /** Of the key that certifies its signing keys. */
  readonly v3Identity: RsaIdentity;
  readonly hostname: string;
  /** IPv4 address. */
  readonly address: string;
  readonly dirPort: number;
  readonly orPort: number;
}

/** A shared random value of the authorities (srv-spec). */
export interface SharedRandomValue {
  /** How many authorities revealed theirs for it. */
  readonly reveals: number;
  /** 32 bytes. */
  readonly value: Uint8Array<ArrayBuffer>;
}

/** One signature, not yet checked. */
export interface DirectorySignature {
  /** The digest that is signed: "sha256" is the only one that a client accepts. */
  readonly algorithm: string;
  readonly v3Identity: RsaIdentity;
  readonly signingKeyDigest: SigningKeyDigest;
  /** 128 to 512 bytes. */
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** A parsed consensus. Nothing in it may be believed before its signatures are checked. */
export interface Consensus {
  readonly consensusMethod: number;
  /** Milliseconds since 1970, as the next two. */
  readonly validAfter: number;
  readonly freshUntil: number;
  readonly validUntil: number;
  readonly knownFlags: readonly string[];
  readonly recommendedClientProtocols: ProtocolVersions;
  readonly requiredClientProtocols: ProtocolVersions;
  readonly parameters: ReadonlyMap<string, number>;
  readonly sharedRandomPrevious: SharedRandomValue | undefined;
  readonly sharedRandomCurrent: SharedRandomValue | undefined;
  readonly authorities: readonly DirSource[];
  /** Sorted by identity, each only once. */
  readonly routers: readonly RouterStatus[];
  readonly bandwidthWeights: ReadonlyMap<string, number>;
  readonly signatures: readonly DirectorySignature[];
  /** SHA-256 of what is signed: 32 bytes. */
  readonly signedDigest: Uint8Array;
}

const HEADER_ITEMS: ReadonlySet<string> = new Set([
  "vote-status",
  "consensus-method",
  "valid-after",
  "fresh-until",
  "valid-until",
  "known-flags",
  "recommended-client-protocols",
  "required-client-protocols",
  "params",
  "shared-rand-previous-value",
  "shared-rand-current-value",
]);

const MAX_AUTHORITIES = 64;
const MAX_SIGNATURES = 128;
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
/** How many entries are read in one step. */
const ROUTERS_PER_STEP = 125;
/** What an entry has, about, in bytes: a guess that saves copies. */
const ENTRY_LENGTH = 320;
const SPACE = 0x20;

/**
 * Parses a whole consensus. The signatures are not checked: see verifyConsensus.
 *
 * @throws NetdocError consensus-unsupported for another version, flavour or a vote;
 * consensus-not-sorted; consensus-malformed, protocols-malformed; or what the document reader throws
 */
export function parseConsensus(document: Uint8Array): Consensus {
  return lastOf(consensusSteps(document));
}

/**
 * Parses a whole consensus as {@link parseConsensus} does, in steps of a few ms, between
 * which other work can be done. Nothing may write to the document before the last.
 *
 * @throws as parseConsensus, from any step
 */
export function* consensusSteps(document: Uint8Array): Generator<void, Consensus> {
  const reader = new DocumentReader(document);
  const { header, authorities } = readHeader(reader);
  yield;
  const routers = yield* readRouters(reader, Math.ceil(document.length / ENTRY_LENGTH));
  const bandwidthWeights = readFooter(reader);
  yield;
  const signedDigest = yield* digestOfSignedPart(document, reader);
  const { validAfter, freshUntil, validUntil } = readTimes(header);
  return {
    consensusMethod: parseInteger(header.get("consensus-method") ?? "", 1, INT32_MAX) ??
      malformed("a consensus has no consensus-method"),
    validAfter,
    freshUntil,
    validUntil,
    knownFlags: words(header.get("known-flags") ?? malformed("a consensus has no known-flags")),
    recommendedClientProtocols: readProtocols(header.get("recommended-client-protocols")),
    requiredClientProtocols: readProtocols(header.get("required-client-protocols")),
    parameters: readParameters(header.get("params")),
    sharedRandomPrevious: readSharedRandom(header.get("shared-rand-previous-value")),
    sharedRandomCurrent: readSharedRandom(header.get("shared-rand-current-value")),
    authorities,
    routers,
    bandwidthWeights,
    signatures: readSignatures(reader),
    signedDigest,
  };
}

function malformed(what: string): never {
  throw new NetdocError("consensus-malformed", what);
}

/** Reads up to the first relay's entry or the footer, where the reader is left. */
function readHeader(
  reader: DocumentReader,
): { header: ReadonlyMap<string, string>; authorities: DirSource[] } {
  if (!reader.next() || reader.start !== 0 || reader.keyword() !== "network-status-version") {
    malformed("a consensus does not begin with network-status-version");
  }
  const [version, flavour] = reader.arguments();
  if (version !== "3" || flavour !== "microdesc") {
    throw new NetdocError("consensus-unsupported", "this is no version 3 microdesc consensus");
  }
  const header = new Map<string, string>();
  const authorities: DirSource[] = [];
  while (reader.next() && !endsEntry(reader.keyword())) {
    const keyword = reader.keyword();
    if (keyword === "dir-source") {
      if (authorities.length === MAX_AUTHORITIES) malformed("a consensus has too many dir-sources");
      authorities.push(readDirSource(reader.arguments()));
    } else if (HEADER_ITEMS.has(keyword)) {
      if (header.has(keyword)) malformed(`a consensus has two ${keyword} lines`);
      header.set(keyword, reader.rest());
    }
  }
  if (header.get("vote-status") !== "consensus") {
    throw new NetdocError("consensus-unsupported", "this is no consensus, but a vote");
  }
  if (authorities.length === 0) malformed("a consensus has no dir-source");
  return { header, authorities };
}

function readDirSource(items: readonly string[]): DirSource {
  if (items.length < 6) malformed("a dir-source is too short");
  const [nickname, identity, hostname, address] = items;
  const v3Identity = parseRsaIdentity(identity);
  const dirPort = parseInteger(items[4], 0, 65535);
  const orPort = parseInteger(items[5], 0, 65535);
  if (
    v3Identity === undefined || !isIpv4Address(address) ||
    dirPort === undefined || orPort === undefined
  ) {
    return malformed("a dir-source cannot be read");
  }
  return { nickname, v3Identity, hostname, address, dirPort, orPort };
}

/** Reads the relays' entries up to the footer, where the reader is left. */
function* readRouters(
  reader: DocumentReader,
  expected: number,
): Generator<void, readonly RouterStatus[]> {
  const entries = new RouterStatusReader(reader);
  const table = new RouterStatusTable(expected);
  while (reader.keyword() === "r") {
    if (!table.add(entries.read())) {
      throw new NetdocError("consensus-not-sorted", "the relays of a consensus are not in order");
    }
    if (table.routers.length % ROUTERS_PER_STEP === 0) yield;
  }
  table.trim();
  return table.routers;
}

/** Reads the bandwidth weights, and leaves the reader at the first signature. */
function readFooter(reader: DocumentReader): ReadonlyMap<string, number> {
  let weights: ReadonlyMap<string, number> | undefined;
  while (reader.keyword() !== "directory-signature") {
    if (reader.keyword() === "bandwidth-weights") {
      if (weights !== undefined) malformed("a consensus has two bandwidth-weights lines");
      weights = readNumbers(reader.arguments());
    }
    if (!reader.next()) malformed("a consensus ends before its signatures");
  }
  return weights ?? new Map();
}

/** SHA-256 from the first byte through the space after the first "directory-signature". */
function* digestOfSignedPart(
  document: Uint8Array,
  reader: DocumentReader,
): Generator<void, Uint8Array> {
  if (document[reader.keywordEnd] !== SPACE) malformed("a directory-signature has no arguments");
  return yield* hashSteps("sha256", document.subarray(0, reader.keywordEnd + 1));
}

function readSignatures(reader: DocumentReader): DirectorySignature[] {
  const signatures: DirectorySignature[] = [];
  do {
    if (reader.keyword() !== "directory-signature") {
      malformed("a consensus has something else after its first signature");
    }
    if (signatures.length === MAX_SIGNATURES) malformed("a consensus has too many signatures");
    signatures.push(readSignature(reader));
  } while (reader.next());
  return signatures;
}

function readSignature(reader: DocumentReader): DirectorySignature {
  const words = reader.arguments();
  // Without an algorithm SHA-1 is meant.
  const [algorithm, identity, keyDigest] = words.length === 2 ? ["sha1", ...words] : words;
  const v3Identity = parseRsaIdentity(identity ?? "");
  const signingKeyDigest = parseSigningKeyDigest(keyDigest ?? "");
  const object = reader.object();
  if (v3Identity === undefined || signingKeyDigest === undefined || object === undefined) {
    return malformed("a directory-signature cannot be read");
  }
  const { type, bytes } = object;
  if (type !== "SIGNATURE" || bytes.length < 128 || bytes.length > 512) {
    malformed("a directory-signature has an object of the wrong type or size");
  }
  return { algorithm, v3Identity, signingKeyDigest, signature: bytes };
}

function readTimes(
  header: ReadonlyMap<string, string>,
): Pick<Consensus, "validAfter" | "freshUntil" | "validUntil"> {
  const [validAfter, freshUntil, validUntil] = ["valid-after", "fresh-until", "valid-until"].map(
    (keyword) =>
      parseTime(header.get(keyword) ?? "") ?? malformed(`a consensus has no proper ${keyword}`),
  );
  if (!(validAfter < freshUntil && freshUntil < validUntil)) {
    malformed("the times of a consensus are not in order");
  }
  return { validAfter, freshUntil, validUntil };
}

function readProtocols(line: string | undefined): ProtocolVersions {
  return line === undefined ? ProtocolVersions.none : ProtocolVersions.parse(line);
}

/** Parameters are sorted, and none occurs twice. */
function readParameters(line: string | undefined): ReadonlyMap<string, number> {
  const items = words(line ?? "");
  for (let index = 1; index < items.length; index++) {
    if (items[index - 1] >= items[index]) {
      malformed("the parameters of a consensus are not in order");
    }
  }
  return readNumbers(items);
}

function readNumbers(items: readonly string[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const item of items) {
    const equals = item.indexOf("=");
    const name = item.slice(0, Math.max(equals, 0));
    const value = parseInteger(item.slice(equals + 1), INT32_MIN, INT32_MAX);
    if (name === "" || value === undefined || numbers.has(name)) {
      return malformed("a consensus has a parameter or weight that cannot be read");
    }
    numbers.set(name, value);
  }
  return numbers;
}

function readSharedRandom(line: string | undefined): SharedRandomValue | undefined {
  if (line === undefined) return undefined;
  const match = /^(\d{1,10}) ([A-Za-z0-9+/]{43}=)$/.exec(line);
  const reveals = match === null ? undefined : parseInteger(match[1], 0, INT32_MAX);
  if (match === null || reveals === undefined) {
    return malformed("a shared random value cannot be read");
  }
  return { reveals, value: Uint8Array.fromBase64(match[2]) };
}

function words(line: string): string[] {
  return line.split(/[ \t]+/).filter((word) => word !== "");
}
