import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { CryptoError } from "../../src/crypto/errors.ts";
import { rsaIdentityOf } from "../../src/crypto/rsa.ts";
import { isSelfSigned, parseX509 } from "../../src/crypto/x509.ts";
import { CERTS, RSA_IDENTITY, TLS_CERTIFICATE } from "../channel/c_tor_certs.ts";
import { der, ed25519Key, rsaKey, x509 } from "../../testnet/certificates.ts";

const key = rsaKey();
const NOT_BEFORE = Date.UTC(2026, 1, 28, 23, 59, 58);
const NOT_AFTER = Date.UTC(2049, 11, 31, 23, 59, 59);
const GOOD = x509({ key, notBefore: NOT_BEFORE, notAfter: NOT_AFTER });

/** `GOOD` with the first occurrence of `from` replaced; both have the same length. */
function replaced(from: Uint8Array, to: Uint8Array): Uint8Array {
  assert.equal(from.length, to.length);
  const bytes = Buffer.from(GOOD);
  const at = bytes.indexOf(from);
  assert(at >= 0);
  bytes.set(to, at);
  return bytes;
}

const time = (digits: string) => der(0x17, Buffer.from(digits));
const FIRST_TIME = time("260228235958Z");

Deno.test("C tor's certificates are read as node:crypto reads them", () => {
  const identity = CERTS.find((cert) => cert.type === 2);
  assert(identity !== undefined);
  for (const bytes of [identity.body, TLS_CERTIFICATE]) {
    const mine = parseX509(bytes);
    const theirs = new X509Certificate(bytes);
    assert.equal(mine.notBefore, Date.parse(theirs.validFrom));
    assert.equal(mine.notAfter, Date.parse(theirs.validTo));
    assert.equal(mine.version, 3);
  }
  const certificate = parseX509(identity.body);
  assert.equal(isSelfSigned(certificate), true);
  assert(certificate.publicKey.kind === "rsa");
  assert.equal(certificate.publicKey.key.bits, 1024);
  assert.equal(rsaIdentityOf(certificate.publicKey.key), RSA_IDENTITY);
  // The link certificate is signed by the identity key.
  assert.equal(isSelfSigned(parseX509(TLS_CERTIFICATE)), false);
});

Deno.test("times are read in both forms, UTCTime from 1950 to 2049", () => {
  const spans = [
    [Date.UTC(1950, 0, 1), Date.UTC(1999, 11, 31, 23, 59, 59)],
    [Date.UTC(2000, 1, 29), NOT_AFTER],
  ];
  for (const [notBefore, notAfter] of spans) {
    for (const generalizedTime of [false, true]) {
      const read = parseX509(x509({ key, notBefore, notAfter, generalizedTime }));
      assert.deepEqual([read.notBefore, read.notAfter], [notBefore, notAfter]);
    }
  }
  const late = parseX509(
    x509({ key, notBefore: 0, notAfter: Date.UTC(9999, 11, 31), generalizedTime: true }),
  );
  assert.equal(late.notAfter, Date.UTC(9999, 11, 31));
});

Deno.test("times that do not exist or are not DER are refused", () => {
  for (
    const digits of [
      "260229235958Z",
      "261328235958Z",
      "260028235958Z",
      "260228245958Z",
      "260228236058Z",
      "260228235960Z",
      "260228235958z",
      "2602282359580",
      "2602282359+00",
      "-60228235958Z",
    ]
  ) {
    assert.throws(() => parseX509(replaced(FIRST_TIME, time(digits))), {
      name: "CryptoError",
      code: "x509-malformed",
    });
  }
  const otherTag = Uint8Array.from(FIRST_TIME);
  otherTag[0] = 0x16;
  assert.throws(() => parseX509(replaced(FIRST_TIME, otherTag)), { code: "x509-malformed" });
});

Deno.test("self-signatures are checked with SHA-256 and SHA-1, and of the key itself", () => {
  const span = { notBefore: NOT_BEFORE, notAfter: NOT_AFTER };
  assert.equal(isSelfSigned(parseX509(GOOD)), true);
  assert.equal(isSelfSigned(parseX509(x509({ key, ...span, sha1: true }))), true);
  assert.equal(isSelfSigned(parseX509(x509({ key, ...span, signer: rsaKey() }))), false);
  assert.equal(isSelfSigned(parseX509(replaced(FIRST_TIME, time("260228235957Z")))), false);
});

Deno.test("a signature algorithm that is not known verifies nothing", () => {
  // MD5, in both of the places.
  const sha256 = Buffer.from("06092a864886f70d01010b", "hex");
  const md5 = Buffer.from("06092a864886f70d010104", "hex");
  const bytes = Buffer.from(GOOD);
  for (let at = bytes.indexOf(sha256); at >= 0; at = bytes.indexOf(sha256)) bytes.set(md5, at);
  assert.equal(isSelfSigned(parseX509(bytes)), false);
  // In one place alone it is a contradiction.
  assert.throws(() => parseX509(replaced(sha256, md5)), { code: "x509-malformed" });
});

Deno.test("a key of another kind is read, and is not self-signed", () => {
  const certificate = parseX509(
    x509({ key: ed25519Key(1), signer: key, notBefore: NOT_BEFORE, notAfter: NOT_AFTER }),
  );
  assert(certificate.publicKey.kind === "other");
  assert.equal(certificate.publicKey.algorithm.toHex(), "2b6570");
  assert.equal(isSelfSigned(certificate), false);
});

Deno.test("versions 1, 2 and 3 are known, and written as DER writes them", () => {
  const version = (value: number) => Uint8Array.of(0xa0, 3, 2, 1, value);
  assert.equal(parseX509(replaced(version(2), version(1))).version, 2);
  for (const value of [0, 3, 0x7f, 0x80]) {
    assert.throws(() => parseX509(replaced(version(2), version(value))), CryptoError);
  }
});

Deno.test("unique identifiers and extensions are passed over, anything else is refused", () => {
  const read = (...optionalFields: Uint8Array[]) =>
    parseX509(x509({ key, notBefore: NOT_BEFORE, notAfter: NOT_AFTER, optionalFields }));
  const issuerId = der(0x81, Uint8Array.of(0, 1));
  const subjectId = der(0x82, Uint8Array.of(0, 2));
  const extensions = der(0xa3, der(0x30));
  assert.equal(isSelfSigned(read(extensions)), true);
  assert.equal(isSelfSigned(read(issuerId, subjectId, extensions)), true);
  for (
    const fields of [
      [extensions, extensions],
      [extensions, issuerId],
      [subjectId, issuerId],
      [der(0xa4, der(0x30))],
      [Uint8Array.of(0)],
    ]
  ) {
    assert.throws(() => read(...fields), { name: "CryptoError", code: "der-malformed" });
  }
});

Deno.test("a bit string that is not whole bytes, and bytes after the end, are refused", () => {
  const outer = GOOD.length - 129;
  const odd = Uint8Array.from(GOOD);
  assert.equal(odd[outer], 0);
  odd[outer] = 1;
  assert.throws(() => parseX509(odd), { code: "der-malformed" });
  assert.throws(() => parseX509(Uint8Array.of(...GOOD, 0)), { code: "der-malformed" });
  for (let length = 0; length < GOOD.length; length += 3) {
    assert.throws(() => parseX509(GOOD.subarray(0, length)), { code: "der-malformed" });
  }
});

Deno.test("a mutated certificate throws nothing but CryptoError, and is not self-signed", () => {
  const change = fc.tuple(fc.nat(GOOD.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
      const mutated = Uint8Array.from(GOOD);
      for (const [at, value] of changes) mutated[at] = value;
      if (Buffer.compare(mutated, GOOD) === 0) return;
      try {
        assert.equal(isSelfSigned(parseX509(mutated)), false);
      } catch (error) {
        if (!(error instanceof CryptoError)) throw error;
      }
    }),
    { seed: 1, numRuns: 3000 },
  );
});

Deno.test("lengths that lie throw nothing but CryptoError", () => {
  fc.assert(
    fc.property(
      fc.nat(GOOD.length - 1),
      fc.constantFrom(0x80, 0x81, 0x82, 0x83, 0x84, 0xff, 0x7f, 0),
      fc.nat(GOOD.length),
      (at, value, cut) => {
        const mutated = Uint8Array.from(GOOD).subarray(0, Math.max(cut, at + 1));
        const same = mutated.length === GOOD.length && mutated[at] === value;
        mutated[at] = value;
        if (same) return;
        try {
          assert.equal(isSelfSigned(parseX509(mutated)), false);
        } catch (error) {
          if (!(error instanceof CryptoError)) throw error;
        }
      },
    ),
    { seed: 1, numRuns: 2000 },
  );
});
