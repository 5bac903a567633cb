/**
 * Relays that misbehave below the cells: in TLS and with its certificate.
 *
 * @module
 */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Misbehaviour } from "../behaviour.ts";
import { der, x509 } from "../certificates.ts";
import { linkCertificate, linkIdentity } from "../link_certificate.ts";
import { fixedRsaKey, rsaKeyCount } from "../rsa_keys.ts";
import { impersonate, type ImpostorOutcome, type OldAnswer, speakOldTls } from "../tls_impostor.ts";

const DAY = 86_400_000;

/** Told what each client said. */
export type OnOutcome = (outcome: ImpostorOutcome) => void;

/**
 * Somebody at the relay's address who has copied the certificate that the relay shows to everybody,
 * and not its key.
 */
export function replayedCertificate(
  version: "TLS 1.2" | "TLS 1.3",
  onOutcome: OnOutcome,
): Misbehaviour {
  const signer = p256Key();
  let certificate = new Uint8Array(0);
  return {
    name: `a replayed certificate whose key it lacks, under ${version}`,
    linkIdentity: (next) => {
      const identity = next();
      certificate = new Uint8Array(identity.certificate);
      return identity;
    },
    acceptTls: (socket) => {
      impersonate(socket, { version, certificate, signer }).then(onOutcome);
      return undefined;
    },
  };
}

/** The certificate's times; both are days from `now`. */
export function certificateTimes(
  name: string,
  now: number,
  notBefore: number,
  notAfter: number,
): Misbehaviour {
  const key = p256Key();
  const certificate = linkCertificate(key, now + notBefore * DAY, now + notAfter * DAY);
  return { name, linkIdentity: () => linkIdentity(certificate, key) };
}

/** Something in the certificate's place that is none. */
export function unparsableCertificate(onOutcome: OnOutcome): Misbehaviour {
  const certificate = new TextEncoder().encode("no certificate at all");
  return forged("a certificate that cannot be parsed", certificate, p256Key(), onOutcome);
}

/**
 * A certificate copied without its key, in which an extension is badly encoded: the kind that Deno
 * takes without a check of the handshake's signature.
 */
export function replayedOddCertificate(now: number, onOutcome: OnOutcome): Misbehaviour {
  const owner = fixedRsaKey(rsaKeyCount() - 1);
  const basicConstraints = der(0x06, Uint8Array.of(0x55, 0x1d, 19));
  const extension = der(0x30, basicConstraints, der(0x04, Uint8Array.of(1, 2, 3)));
  const certificate = x509({
    key: owner,
    notBefore: now - DAY,
    notAfter: now + DAY,
    optionalFields: [der(0xa3, der(0x30, extension))],
  });
  const name = "a replayed certificate whose key it lacks, and which is badly encoded";
  return forged(name, certificate, p256Key(), onOutcome);
}

/** The relay's own certificate for its own key, which is RSA and too short. */
export function shortRsaLinkKey(now: number, onOutcome: OnOutcome): Misbehaviour {
  const key = fixedRsaKey(rsaKeyCount() - 1);
  const certificate = x509({ key, notBefore: now - DAY, notAfter: now + DAY });
  return forged("a link key of RSA with 1,024 bits", certificate, key, onOutcome);
}

/** Nothing that is safe enough by today's measure. */
export function oldTlsOnly(
  name: string,
  answer: OldAnswer,
  onOutcome: OnOutcome,
): Misbehaviour {
  return {
    name,
    acceptTls: (socket) => {
      speakOldTls(socket, answer).then(onOutcome);
      return undefined;
    },
  };
}

/** The relay's own certificate, which says that its key must not be used like this. */
export function certificateUsage(
  name: string,
  now: number,
  extension: Uint8Array,
): Misbehaviour {
  const key = p256Key();
  const certificate = x509({
    key,
    notBefore: now - DAY,
    notAfter: now + DAY,
    optionalFields: [der(0xa3, der(0x30, extension))],
  });
  return { name, linkIdentity: () => linkIdentity(certificate, key) };
}

/** The relay's own certificate, signed with a hash that is not safe. */
export function sha1Certificate(now: number): Misbehaviour {
  const key = p256Key();
  const certificate = x509({ key, hash: "sha1", notBefore: now - DAY, notAfter: now + DAY });
  return {
    name: "a certificate signed with SHA-1",
    linkIdentity: () => linkIdentity(certificate, key),
  };
}

/** A certificate that names itself as its issuer, and is signed by another key than its own. */
export function falselySelfSigned(now: number): Misbehaviour {
  const key = p256Key();
  const certificate = x509({
    key,
    signer: p256Key(),
    notBefore: now - DAY,
    notAfter: now + DAY,
  });
  return {
    name: "a certificate that is not signed by the issuer that it names",
    linkIdentity: () => linkIdentity(certificate, key),
  };
}

/** Closes when the client has sent its first bytes. */
export const CLOSES_DURING_TLS: Misbehaviour = {
  name: "closes during the TLS handshake",
  acceptTls: (socket) => {
    socket.once("data", () => socket.end());
    return undefined;
  },
};

/** Takes what is sent and never says anything. */
export const NEVER_ANSWERS_TLS: Misbehaviour = {
  name: "never answers the TLS handshake",
  acceptTls: (socket) => {
    // Read to the end, so that the client's closing is seen.
    socket.resume();
    socket.once("end", () => socket.end());
    return undefined;
  },
};

function forged(
  name: string,
  certificate: Uint8Array,
  signer: KeyObject,
  onOutcome: OnOutcome,
): Misbehaviour {
  return {
    name,
    acceptTls: (socket) => {
      impersonate(socket, { version: "TLS 1.3", certificate, signer }).then(onOutcome);
      return undefined;
    },
  };
}

function p256Key(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}
