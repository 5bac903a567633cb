import assert from "node:assert/strict";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import { der } from "../../testnet/certificates.ts";
import * as bad from "../../testnet/misbehaviours/tls.ts";
import type { ImpostorOutcome } from "../../testnet/tls_impostor.ts";
import { assertGuardRefused } from "./bad_guard.ts";
import { HurriedClock } from "./hurried_clock.ts";

const NOW = Date.now();

/** TLS alerts (RFC 8446, section 6). */
const Alert = {
  HandshakeFailure: 40,
  DecryptError: 51,
  ProtocolVersion: 70,
} as const;

type Make = (onOutcome: bad.OnOutcome) => Misbehaviour;

/** How TLS ends for relays that Deno refuses by itself: with these alerts, and our codes. */
const REFUSED_BY_TLS: readonly [make: Make, alert: number, code: string][] = [
  [
    (onOutcome) => bad.replayedCertificate("TLS 1.2", onOutcome),
    Alert.DecryptError,
    "tls-signature",
  ],
  [
    (onOutcome) => bad.replayedCertificate("TLS 1.3", onOutcome),
    Alert.DecryptError,
    "tls-signature",
  ],
  [(onOutcome) => bad.shortRsaLinkKey(NOW, onOutcome), Alert.DecryptError, "tls-signature"],
  [
    (onOutcome) => bad.oldTlsOnly("nothing newer than TLS 1.1", "TLS 1.1", onOutcome),
    Alert.ProtocolVersion,
    "tls-version",
  ],
  [
    (onOutcome) => bad.oldTlsOnly("a suite without AEAD", "TLS 1.2 with CBC", onOutcome),
    Alert.HandshakeFailure,
    "tls-cipher-suite",
  ],
];

for (const [make, description, code] of REFUSED_BY_TLS) {
  const outcomes: ImpostorOutcome[] = [];
  const misbehaviour = make((outcome) => outcomes.push(outcome));
  Deno.test(`TLS: a guard with ${misbehaviour.name} is refused`, async () => {
    await assertGuardRefused(misbehaviour, { code, isViolation: true });
    assert.notEqual(outcomes.length, 0);
    for (const outcome of outcomes) assert.deepEqual(outcome, { kind: "alert", description });
  });
}

/** What an honest server says that has no version or suite of TLS in common with the client. */
const REFUSING: readonly [alert: number, code: string][] = [
  [Alert.ProtocolVersion, "tls-version"],
  [Alert.HandshakeFailure, "tls-cipher-suite"],
];

for (const [alert, code] of REFUSING) {
  const misbehaviour = bad.oldTlsOnly(`only old TLS, by alert ${alert}`, { alert }, () => {});
  Deno.test(`TLS: a guard with ${misbehaviour.name} is left alone`, async () => {
    await assertGuardRefused(misbehaviour, { code, isViolation: true });
  });
}

/** Certificates under which Deno accepts any handshake, whoever has signed it. */
const ACCEPTED_BY_TLS: readonly ((onOutcome: bad.OnOutcome) => Misbehaviour)[] = [
  (onOutcome) => bad.unparsableCertificate(onOutcome),
  (onOutcome) => bad.replayedOddCertificate(NOW, onOutcome),
];

for (const make of ACCEPTED_BY_TLS) {
  const outcomes: ImpostorOutcome[] = [];
  const misbehaviour = make((outcome) => outcomes.push(outcome));
  Deno.test(`TLS: a guard with ${misbehaviour.name} is refused`, async () => {
    await assertGuardRefused(misbehaviour, {
      code: "tls-certificate-malformed",
      isViolation: true,
    });
    assert.notEqual(outcomes.length, 0);
    for (const outcome of outcomes) assert.deepEqual(outcome, { kind: "accepted" });
  });
}

/** Certificates with days from now to their beginning and end, and the client's verdict. */
const TIMES: readonly [name: string, notBefore: number, notAfter: number, code: string][] = [
  ["a TLS certificate that ended 3 days ago", -30, -3, "tls-certificate-expired"],
  ["a TLS certificate that begins in 31 days", 31, 60, "tls-certificate-not-yet-valid"],
];

for (const [name, notBefore, notAfter, code] of TIMES) {
  Deno.test(`TLS: a guard with ${name} is refused`, async () => {
    const misbehaviour = bad.certificateTimes(name, NOW, notBefore, notAfter);
    await assertGuardRefused(misbehaviour, { code, isViolation: true });
  });
}

/** The extensions 2.5.29.15 and 37. */
const CERT_SIGN_ONLY = der(
  0x30,
  der(0x06, Uint8Array.of(0x55, 0x1d, 15)),
  der(0x04, der(0x03, Uint8Array.of(2, 4))),
);
const CLIENT_ONLY = der(
  0x30,
  der(0x06, Uint8Array.of(0x55, 0x1d, 37)),
  der(0x04, der(0x30, der(0x06, Uint8Array.fromHex("2b06010505070302")))),
);

/** Certificates under which TLS is right, and which are not what they should be. */
const REFUSED_AFTERWARDS: readonly [misbehaviour: Misbehaviour, code: string][] = [
  [bad.sha1Certificate(NOW), "tls-certificate-algorithm"],
  [bad.falselySelfSigned(NOW), "tls-certificate-signature"],
  [
    bad.certificateUsage("a certificate for signing certificates", NOW, CERT_SIGN_ONLY),
    "tls-certificate-key-usage",
  ],
  [
    bad.certificateUsage("a certificate for TLS clients", NOW, CLIENT_ONLY),
    "tls-certificate-extended-key-usage",
  ],
];

for (const [misbehaviour, code] of REFUSED_AFTERWARDS) {
  Deno.test(`TLS: a guard with ${misbehaviour.name} is refused`, async () => {
    await assertGuardRefused(misbehaviour, { code, isViolation: true });
  });
}

Deno.test("TLS: a guard that closes during the handshake is left alone, and not accused", async () => {
  const expected = { code: "tls-handshake-failed", isViolation: false };
  await assertGuardRefused(bad.CLOSES_DURING_TLS, expected);
});

Deno.test("TLS: a guard that never answers the handshake is given up", async () => {
  const expected = { code: "channel-timeout", isViolation: false };
  await assertGuardRefused(bad.NEVER_ANSWERS_TLS, expected, {
    runtime: { clock: new HurriedClock(20) },
  });
});
