/**
 * The authority certificates that are held.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import { type AuthorityCertificate, certificateSteps } from "../netdoc/authority_certificate.ts";
import type { CertificateId } from "../netdoc/consensus_signatures.ts";
import { inTurns } from "../runtime/event_loop.ts";
import { joined } from "./joined.ts";

/** How many certificates are kept of one authority: its newest. */
const KEPT_PER_AUTHORITY = 4;

/** Holds certificates of the configured authorities; those of others are nothing to a client. */
export class CertificateStore {
  readonly #authorities: ReadonlySet<RsaIdentity>;
  #certificates: readonly AuthorityCertificate[] = [];

  /** @param authorities v3 identities */
  constructor(authorities: readonly RsaIdentity[]) {
    this.#authorities = new Set(authorities);
  }

  /** All that are held, expired ones included. */
  get certificates(): readonly AuthorityCertificate[] {
    return this.#certificates;
  }

  /**
   * Takes certificates that stand one after another, one in each turn of the event loop.
   *
   * @returns whether any of them is new
   * @throws NetdocError when one of them cannot be read or verified; then none is taken
   */
  async add(documents: Uint8Array): Promise<boolean> {
    const parsed = await inTurns(certificateSteps(documents));
    // From here on in one turn: others may be added at the same time.
    const before = this.#certificates;
    const byName = new Map(before.map((certificate) => [nameOf(certificate), certificate]));
    for (const certificate of parsed) {
      if (!this.#authorities.has(certificate.v3Identity)) continue;
      const held = byName.get(nameOf(certificate));
      if (held !== undefined && held.published >= certificate.published) continue;
      // A copy, so that it does not keep all that was downloaded with it.
      byName.set(nameOf(certificate), { ...certificate, document: certificate.document.slice() });
    }
    const newest = [...byName.values()].sort((a, b) => b.published - a.published);
    const counts = new Map<RsaIdentity, number>();
    this.#certificates = newest.filter(({ v3Identity }) => {
      const count = (counts.get(v3Identity) ?? 0) + 1;
      counts.set(v3Identity, count);
      return count <= KEPT_PER_AUTHORITY;
    });
    return this.#certificates.some((certificate) => !before.includes(certificate));
  }

  /** The certificate of that name, be it expired; `undefined` when it is not held. */
  get(id: CertificateId): AuthorityCertificate | undefined {
    return this.#certificates.find((certificate) => nameOf(certificate) === nameOf(id));
  }

  /** All certificates one after another, to be kept on disk. */
  encode(): Uint8Array {
    return joined(this.#certificates.map(({ document }) => document));
  }
}

function nameOf({ v3Identity, signingKeyDigest }: CertificateId): string {
  return `${v3Identity}-${signingKeyDigest}`;
}
