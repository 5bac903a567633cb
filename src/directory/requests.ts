/**
 * Which documents are asked for, under which path, and how large their answers may be
 * (dir-spec, "URLs").
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { CertificateId } from "../netdoc/consensus_signatures.ts";

/** One document to fetch. */
export interface DocumentRequest {
  /** What it is, for a log. */
  readonly what: "consensus" | "certificates" | "microdescriptors";
  readonly path: string;
  /** Only when it is newer than this; ms since 1970. */
  readonly ifModifiedSince?: number;
  /**
   * Instead of the document, a diff from the consensus with this SHA3-256 of its signed part will do:
   * 64 hexadecimal digits.
   */
  readonly diffFrom?: string;
  /** The most bytes that are accepted over the wire. */
  readonly maxBody: number;
  /** The most bytes that are accepted after decompression. */
  readonly maxDocument: number;
}

const MEGABYTE = 1024 * 1024;

/** C tor's limit for any directory answer on the wire, in bytes. */
const MAX_BODY = 10 * MEGABYTE;
/** A consensus has 3 MB in 2024; ten times that, in bytes. */
export const MAX_CONSENSUS_LENGTH = 32 * MEGABYTE;
/** A certificate has about 2 KB; the largest that is accepted, in bytes. */
const MAX_CERTIFICATE_LENGTH = 16 * 1024;
/** A microdescriptor has about 700 bytes, with a long family some 50 KB. */
const MAX_MICRODESCRIPTOR_LENGTH = 64 * 1024;

/** How many microdescriptors one request may name (C tor, for tunnelled requests). */
const MAX_MICRODESCRIPTORS_PER_REQUEST = 500;
/** Fewer than this many in one request bring nothing (C tor). */
const MIN_MICRODESCRIPTORS_PER_REQUEST = 32;
/** So that one directory cannot choose what is seen of the network, at least so many are asked. */
const MIN_MICRODESCRIPTOR_REQUESTS = 3;

/**
 * Asks for the current microdescriptor consensus, if a majority of `authorities` has signed it:
 * they are named by the first 3 bytes of their v3 identities, sorted.
 *
 * @param ifModifiedSince ms since 1970
 * @param diffFrom as {@link DocumentRequest.diffFrom}
 */
export function consensusRequest(
  authorities: readonly RsaIdentity[],
  ifModifiedSince?: number,
  diffFrom?: string,
): DocumentRequest {
  const prefixes = authorities.map((identity) => identity.slice(0, 6)).sort().join("+");
  return {
    what: "consensus",
    path: `/tor/status-vote/current/consensus-microdesc/${prefixes}.z`,
    ifModifiedSince,
    diffFrom,
    maxBody: MAX_BODY,
    maxDocument: MAX_CONSENSUS_LENGTH,
  };
}

/**
 * From when on a consensus that follows the held one is worth an answer, in ms since 1970: C tor
 * adds 180 seconds to valid-after, or half an interval where that is shorter.
 */
export function consensusModifiedSince(validAfter: number, freshUntil: number): number {
  const halfInterval = (freshUntil - validAfter) / 2;
  return validAfter + (halfInterval > 0 ? Math.min(180_000, halfInterval) : 180_000);
}

/** Asks for authority certificates by identity and signing key. */
export function certificatesRequest(ids: readonly CertificateId[]): DocumentRequest {
  const list = ids.map((id) => `${id.v3Identity}-${id.signingKeyDigest}`).join("+");
  return {
    what: "certificates",
    path: `/tor/keys/fp-sk/${list}`,
    maxBody: ids.length * MAX_CERTIFICATE_LENGTH,
    maxDocument: ids.length * MAX_CERTIFICATE_LENGTH,
  };
}

/** Asks for the newest certificates of authorities. */
export function newestCertificatesRequest(v3Identities: readonly RsaIdentity[]): DocumentRequest {
  return {
    what: "certificates",
    path: `/tor/keys/fp/${v3Identities.join("+")}`,
    maxBody: v3Identities.length * MAX_CERTIFICATE_LENGTH,
    maxDocument: v3Identities.length * MAX_CERTIFICATE_LENGTH,
  };
}

/** Asks for microdescriptors by the SHA-256 digests that the consensus lists (unpadded base64). */
export function microdescriptorsRequest(digests: readonly string[]): DocumentRequest {
  return {
    what: "microdescriptors",
    path: `/tor/micro/d/${digests.join("-")}.z`,
    maxBody: MAX_BODY,
    maxDocument: digests.length * MAX_MICRODESCRIPTOR_LENGTH,
  };
}

/**
 * Splits digests into the batches that are asked for one by one: a third each, but between 32 and
 * 500 (C tor). They are sorted, so that a request does not show in which order they were learnt.
 */
export function microdescriptorBatches<Digest extends string>(
  digests: readonly Digest[],
): Digest[][] {
  const size = Math.min(
    Math.max(
      Math.ceil(digests.length / MIN_MICRODESCRIPTOR_REQUESTS),
      MIN_MICRODESCRIPTORS_PER_REQUEST,
    ),
    MAX_MICRODESCRIPTORS_PER_REQUEST,
  );
  const sorted = [...digests].sort();
  const batches: Digest[][] = [];
  for (let at = 0; at < sorted.length; at += size) batches.push(sorted.slice(at, at + size));
  return batches;
}
