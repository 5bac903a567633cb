/**
 * Whether enough authorities signed a consensus to believe it (dir-spec, "Accepting a consensus").
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { rsaVerifyRaw } from "../crypto/rsa.ts";
import type { AuthorityCertificate, SigningKeyDigest } from "./authority_certificate.ts";
import type { Consensus, DirectorySignature } from "./consensus.ts";
import { NetdocError } from "./errors.ts";

/** Which certificate to fetch: an authority's, for one of its signing keys. */
export interface CertificateId {
  readonly v3Identity: RsaIdentity;
  readonly signingKeyDigest: SigningKeyDigest;
}

/**
 * What the signatures of a consensus are worth.
 *
 * | state                | meaning                                                             |
 * | -------------------- | ------------------------------------------------------------------- |
 * | `verified`           | more than half of the configured authorities signed it              |
 * | `needs-certificates` | not yet, but with the certificates of `unknownKey` it may become so |
 */
export interface ConsensusVerification {
  readonly state: "verified" | "needs-certificates";
  /** How many configured authorities must have signed it. */
  readonly required: number;
  /** The configured authorities with a good signature. */
  readonly valid: readonly RsaIdentity[];
  /** Signatures of further configured authorities that no unexpired certificate is there for. */
  readonly unknownKey: readonly CertificateId[];
  /** The other configured authorities that have a signature which is not good. */
  readonly bad: readonly RsaIdentity[];
}

/** What one authority's signatures amount to. */
type Standing = "valid" | "bad" | readonly CertificateId[];

/**
 * Counts the configured authorities with a good signature: each once, whatever it signed twice.
 * Signatures of others, and of other digests than SHA-256, count for nothing.
 *
 * @param certificates as parseAuthorityCertificates gave them
 * @param authorities the v3 identities of the configured authorities
 * @param now milliseconds since 1970: certificates that expired before are as if absent
 * @throws NetdocError too-few-signatures, when it could not be verified even if all certificates
 * that are missing were there
 */
export function verifyConsensus(
  consensus: Consensus,
  certificates: readonly AuthorityCertificate[],
  authorities: readonly RsaIdentity[],
  now: number,
): ConsensusVerification {
  const configured = new Set(authorities);
  const required = Math.floor(configured.size / 2) + 1;
  const keys = new Map(
    certificates.filter(({ expires }) => expires >= now).map((
      certificate,
    ) => [nameOf(certificate), certificate]),
  );
  const valid: RsaIdentity[] = [];
  const bad: RsaIdentity[] = [];
  const unknown: (readonly CertificateId[])[] = [];
  for (const v3Identity of configured) {
    const signatures = consensus.signatures.filter((signature) =>
      signature.v3Identity === v3Identity && signature.algorithm === "sha256"
    );
    if (signatures.length === 0) continue;
    const standing = standingOf(signatures, keys, consensus.signedDigest);
    if (standing === "valid") valid.push(v3Identity);
    else if (standing === "bad") bad.push(v3Identity);
    else unknown.push(standing);
  }
  const found = { required, valid, unknownKey: unknown.flat(), bad };
  if (valid.length >= required) return { state: "verified", ...found };
  if (valid.length + unknown.length >= required) return { state: "needs-certificates", ...found };
  throw new NetdocError(
    "too-few-signatures",
    `a consensus needs the signatures of ${required} known authorities; ${valid.length} are good, ` +
      `${bad.length} bad, and ${unknown.length} by unknown keys`,
  );
}

/** The standing of an authority by all its signatures: one good one is enough. */
function standingOf(
  signatures: readonly DirectorySignature[],
  keys: ReadonlyMap<string, AuthorityCertificate>,
  signedDigest: Uint8Array,
): Standing {
  const missing = new Map<string, CertificateId>();
  for (const signature of signatures) {
    const { v3Identity, signingKeyDigest } = signature;
    const certificate = keys.get(nameOf(signature));
    if (certificate === undefined) {
      missing.set(nameOf(signature), { v3Identity, signingKeyDigest });
    } else if (rsaVerifyRaw(certificate.signingKey, signedDigest, signature.signature)) {
      return "valid";
    }
  }
  return missing.size === 0 ? "bad" : [...missing.values()];
}

function nameOf({ v3Identity, signingKeyDigest }: CertificateId): string {
  return `${v3Identity}-${signingKeyDigest}`;
}
