import assert from "node:assert/strict";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import * as bad from "../../testnet/misbehaviours/tls.ts";
import type { ImpostorOutcome } from "../../testnet/tls_impostor.ts";
import { assertGuardRefused } from "./bad_guard.ts";
import { HurriedClock } from "./hurried_clock.ts";

const NOW = Date.now();

/** TLS alerts (RFC 8446, section 6). */
const Alert = { DecryptError: 51, ProtocolVersion: 70 } as const;

/** How TLS ends for relays whose certificate or key Deno refuses by itself: with these alerts. */
const REFUSED_BY_TLS: readonly [make: (onOutcome: bad.OnOutcome) => Misbehaviour, alert: number][] =
  [
    [(onOutcome) => bad.replayedCertificate("TLS 1.2", onOutcome), Alert.DecryptError],
    [(onOutcome) => bad.replayedCertificate("TLS 1.3", onOutcome), Alert.DecryptError],
    [(onOutcome) => bad.shortRsaLinkKey(NOW, onOutcome), Alert.DecryptError],
    [(onOutcome) => bad.oldTlsOnly(onOutcome), Alert.ProtocolVersion],
  ];

for (const [make, description] of REFUSED_BY_TLS) {
  const outcomes: ImpostorOutcome[] = [];
  const misbehaviour = make((outcome) => outcomes.push(outcome));
  Deno.test(`TLS: a guard with ${misbehaviour.name} is refused`, async () => {
    await assertGuardRefused(misbehaviour, { code: "tls-handshake-failed", isViolation: true });
    assert.notEqual(outcomes.length, 0);
    for (const outcome of outcomes) assert.deepEqual(outcome, { kind: "alert", description });
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
