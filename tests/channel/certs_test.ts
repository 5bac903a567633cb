import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { verifyRelayCerts } from "../../src/channel/certs.ts";
import { ChannelError, type ChannelErrorCode } from "../../src/channel/errors.ts";
import { verifyRelayCertificate } from "../../src/channel/relay_certificate.ts";
import { ed25519IdentityFromBytes } from "../../src/crypto/identity.ts";
import * as cTor from "./c_tor_certs.ts";
import {
  ed25519Certificate,
  ed25519Key,
  ed25519Public,
  relayCerts,
  type RelayCertsParts,
  relayCertsParts,
  rsaKey,
  rsaPublicDer,
} from "../../testnet/certificates.ts";
import { makeLinkIdentity } from "../../testnet/link_certificate.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** A whole hour, so that an expiry can be met exactly. */
const NOW = Date.UTC(2026, 4, 1, 12);
const TLS = makeLinkIdentity(NOW).certificate;
const VERIFIED_TLS = verifyRelayCertificate(TLS, NOW);

const keys = {
  rsaIdentity: rsaKey(),
  ed25519Identity: ed25519Key(1),
  signing: ed25519Key(2),
};
const stranger = ed25519Key(3);
const strangerRsa = rsaKey();
const good = relayCertsParts(keys, TLS, NOW);

const IDENTITIES = {
  rsaIdentity: createHash("sha1").update(rsaPublicDer(keys.rsaIdentity)).digest("hex")
    .toUpperCase(),
  ed25519Identity: ed25519IdentityFromBytes(ed25519Public(keys.ed25519Identity)),
};

type Certs = { type: number; body: Uint8Array }[];

function verify(certs: Certs, now = NOW) {
  return verifyRelayCerts({ certs, tlsCertificate: VERIFIED_TLS, now });
}

function accepts(parts: RelayCertsParts): void {
  assert.deepEqual(verify(relayCerts(parts)), IDENTITIES);
}

function refuses(certs: Certs, code: ChannelErrorCode): void {
  assert.throws(() => verify(certs), { name: "ChannelError", code });
}

Deno.test("a relay's certificates prove both of its identities, in any order", () => {
  accepts(good);
  assert.deepEqual(verify(relayCerts(good).reverse()), IDENTITIES);
});

Deno.test("the certificates of a C tor relay prove the identities that it says it has", () => {
  const { rsaIdentity, ed25519Identity } = verifyRelayCerts({
    certs: cTor.CERTS,
    tlsCertificate: verifyRelayCertificate(cTor.TLS_CERTIFICATE, cTor.CAPTURED_AT),
    now: cTor.CAPTURED_AT,
  });
  assert.equal(rsaIdentity, cTor.RSA_IDENTITY);
  assert.equal(ed25519Identity, cTor.ED25519_IDENTITY);
});

Deno.test("unknown certificate types are ignored, even twice, and so are 1, 3 and 6", () => {
  const others = [0, 0, 1, 3, 6, 8, 8, 255].map((type) => ({ type, body: new Uint8Array(3) }));
  assert.deepEqual(verify([...others, ...relayCerts(good)]), IDENTITIES);
});

Deno.test("a second certificate of a known type is refused", () => {
  const certs = relayCerts(good);
  for (const cert of certs) refuses([...certs, cert], "certs-duplicate");
  const link = { type: 1, body: new Uint8Array(3) };
  refuses([...certs, link, link], "certs-duplicate");
});

Deno.test("a missing certificate is refused, each with its own code", () => {
  const certs = relayCerts(good);
  const without = (type: number) => certs.filter((cert) => cert.type !== type);
  refuses(without(2), "certs-missing-id");
  refuses(without(4), "certs-missing-signing");
  refuses(without(5), "certs-missing-link");
  refuses(without(7), "certs-missing-cross");
  refuses([], "certs-missing-signing");
});

Deno.test("a relay with an RSA identity alone is refused", () => {
  const [id] = relayCerts(good);
  refuses([id, { type: 1, body: id.body }], "certs-missing-signing");
});

Deno.test("the signing key must be certified by the identity key that is named", () => {
  const { signing } = good;
  const broken: [ChannelErrorCode, RelayCertsParts["signing"]][] = [
    ["certs-signing-no-identity", { ...signing, signingKey: undefined }],
    ["certs-signing-signature", { ...signing, signingKey: ed25519Public(stranger) }],
    ["certs-signing-signature", {
      ...signing,
      signer: stranger,
      signingKey: ed25519Public(keys.ed25519Identity),
    }],
    ["certs-wrong-type", { ...signing, certType: 6 }],
    ["certs-wrong-type", { ...signing, certKeyType: 3 }],
    ["certs-signing-expired", { ...signing, expires: NOW - HOUR }],
    ["certs-malformed", { ...signing, extensions: [Uint8Array.of(0, 0, 9, 1)] }],
  ];
  for (const [code, parts] of broken) refuses(relayCerts({ ...good, signing: parts }), code);
  accepts({ ...good, signing: { ...signing, expires: NOW } });
  accepts({ ...good, signing: { ...signing, extensions: [Uint8Array.of(0, 1, 9, 0, 7)] } });
});

Deno.test("keys that are no points of the curve are refused like any other wrong key", () => {
  const offCurve = new Uint8Array(32);
  offCurve[0] = 2;
  const { signing } = good;
  refuses(
    relayCerts({ ...good, signing: { ...signing, signingKey: offCurve } }),
    "certs-signing-signature",
  );
  refuses(
    relayCerts({ ...good, signing: { ...signing, certifiedKey: offCurve } }),
    "certs-link-signature",
  );
});

Deno.test("a stranger's identity key is not taken for the relay's", () => {
  // Whole in itself, but the RSA identity does not vouch for it.
  const signing = { ...good.signing, signer: stranger };
  refuses(relayCerts({ ...good, signing }), "certs-cross-mismatch");
});

Deno.test("the link certificate must be for this TLS link, by the signing key", () => {
  const { link } = good;
  const broken: [ChannelErrorCode, RelayCertsParts["link"]][] = [
    ["certs-link-mismatch", { ...link, certifiedKey: new Uint8Array(32) }],
    ["certs-link-signature", { ...link, signer: stranger }],
    ["certs-link-signature", { ...link, signer: keys.ed25519Identity }],
    ["certs-link-signature", { ...link, signingKey: ed25519Public(stranger) }],
    ["certs-link-expired", { ...link, expires: NOW - HOUR }],
    ["certs-wrong-type", { ...link, certType: 6 }],
    ["certs-wrong-type", { ...link, certKeyType: 2 }],
  ];
  for (const [code, parts] of broken) refuses(relayCerts({ ...good, link: parts }), code);
  accepts({ ...good, link: { ...link, expires: NOW } });
  accepts({ ...good, link: { ...link, signingKey: "signer" } });
  // As old relays write it.
  accepts({ ...good, link: { ...link, certKeyType: 1 } });
  assert.throws(
    () =>
      verifyRelayCerts({
        certs: relayCerts(good),
        tlsCertificate: verifyRelayCertificate(makeLinkIdentity(NOW).certificate, NOW),
        now: NOW,
      }),
    { code: "certs-link-mismatch" },
  );
});

Deno.test("the certificates of one place are not taken in another", () => {
  const [id, signing, link, cross] = relayCerts(good);
  refuses([id, { type: 4, body: link.body }, link, cross], "certs-wrong-type");
  refuses([id, signing, { type: 5, body: signing.body }, cross], "certs-wrong-type");
  refuses([id, signing, link, { type: 7, body: link.body }], "certs-malformed");
  refuses([{ type: 2, body: cross.body }, signing, link, cross], "certs-malformed");
});

Deno.test("the RSA identity certificate must be of its own 1,024-bit key and in its time", () => {
  const { id } = good;
  const broken: [ChannelErrorCode, RelayCertsParts["id"]][] = [
    ["certs-id-signature", { ...id, signer: strangerRsa }],
    ["certs-id-key", { ...id, key: rsaKey(2048) }],
    ["certs-id-key", { ...id, key: stranger, signer: keys.rsaIdentity }],
    ["certs-malformed", { ...id, key: rsaKey(512) }],
    ["certs-id-expired", { ...id, notAfter: NOW - 2 * DAY - 1000 }],
    ["certs-id-not-yet-valid", { ...id, notBefore: NOW + 30 * DAY + 1000 }],
  ];
  for (const [code, parts] of broken) refuses(relayCerts({ ...good, id: parts }), code);
  accepts({ ...good, id: { ...id, notAfter: NOW - 2 * DAY } });
  accepts({ ...good, id: { ...id, notBefore: NOW + 30 * DAY, notAfter: NOW + 60 * DAY } });
  accepts({ ...good, id: { ...id, generalizedTime: true } });
  accepts({ ...good, id: { ...id, sha1: true } });
});

Deno.test("the RSA identity must vouch for the Ed25519 identity", () => {
  const { cross } = good;
  const broken: [ChannelErrorCode, RelayCertsParts["cross"]][] = [
    ["certs-cross-mismatch", { ...cross, ed25519: ed25519Public(stranger) }],
    ["certs-cross-signature", { ...cross, signer: strangerRsa }],
    ["certs-cross-expired", { ...cross, expires: NOW - HOUR }],
  ];
  for (const [code, parts] of broken) refuses(relayCerts({ ...good, cross: parts }), code);
  accepts({ ...good, cross: { ...cross, expires: NOW } });
  // Another relay's RSA certificate with this relay's cross-certificate.
  refuses(
    relayCerts({ ...good, id: { ...good.id, key: strangerRsa } }),
    "certs-cross-signature",
  );
});

Deno.test("an Ed25519 certificate has no tolerance of time", () => {
  const certs = relayCerts(good);
  assert.deepEqual(verify(certs, good.signing.expires), IDENTITIES);
  assert.throws(() => verify(certs, good.signing.expires + 1), { code: "certs-signing-expired" });
});

Deno.test("an error of time tells the person to look at the clock", () => {
  const expired = relayCerts({ ...good, link: { ...good.link, expires: NOW - HOUR } });
  try {
    verify(expired);
    assert.fail("accepted");
  } catch (error) {
    assert(error instanceof ChannelError);
    assert.match(error.advice ?? "", /clock/);
    assert.match(error.message, /ended on 2026-05-01 11:00/);
  }
});

Deno.test("whatever byte is changed or cut off, the certificates prove nothing", () => {
  const certs = relayCerts(good);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: certs.length - 1 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom("change", "cut", "insert"),
      (which, place, flip, kind) => {
        const body = new Uint8Array(certs[which].body);
        const at = Math.floor(place * body.length);
        const damaged = kind === "cut"
          ? body.subarray(0, at)
          : kind === "insert"
          ? Uint8Array.of(...body.subarray(0, at), flip, ...body.subarray(at))
          : body.map((byte, index) => index === at ? byte ^ flip : byte);
        const mutated = certs.with(which, { type: certs[which].type, body: damaged });
        assert.throws(() => verify(mutated), ChannelError);
      },
    ),
    { seed: 1, numRuns: 1500 },
  );
});

Deno.test("random bytes in place of certificates throw nothing but ChannelError", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          type: fc.integer({ min: 0, max: 9 }),
          body: fc.oneof(
            fc.uint8Array({ maxLength: 300 }),
            fc.constant(ed25519Certificate(good.link)),
          ),
        }),
        { maxLength: 8 },
      ),
      (certs) => {
        assert.throws(() => verify(certs), ChannelError);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});
