import assert from "node:assert/strict";
import type { RsaIdentity } from "../../src/crypto/identity.ts";
import {
  type AuthorityCertificate,
  parseAuthorityCertificates,
} from "../../src/netdoc/authority_certificate.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { verifyConsensus } from "../../src/netdoc/consensus_signatures.ts";
import {
  encode,
  testAuthorities,
  TestAuthority,
  writeConsensus,
  writeSignature,
  writeSignedPart,
} from "../../testnet/document_writer.ts";
import { assertNetdocError } from "./netdoc_error.ts";
import {
  readRealCertificates,
  readRealConsensus,
  realConsensusIsAbsent,
} from "./real_consensus.ts";

const [first, second, third] = testAuthorities();
const authorities = [first, second, third];
const identities = authorities.map(({ v3Identity }) => v3Identity);
const now = Date.UTC(2024, 4, 17, 18);

function certificates(of: readonly TestAuthority[], expires?: number): AuthorityCertificate[] {
  return parseAuthorityCertificates(encode(of.map((one) => one.certificate({ expires })).join("")));
}

function signedBy(signers: readonly TestAuthority[]) {
  return parseConsensus(writeConsensus({ authorities }, signers));
}

Deno.test("more than half of the configured authorities is enough", () => {
  const result = verifyConsensus(
    signedBy([first, third]),
    certificates(authorities),
    identities,
    now,
  );
  assert.deepEqual(result, {
    state: "verified",
    required: 2,
    valid: [first.v3Identity, third.v3Identity],
    unknownKey: [],
    bad: [],
  });
});

Deno.test("half of the configured authorities is too few", () => {
  const four = [...identities, "A".repeat(40) as RsaIdentity];
  assertNetdocError(
    "too-few-signatures",
    () => verifyConsensus(signedBy([first, third]), certificates(authorities), four, now),
  );
});

Deno.test("two signatures of one authority count once", () => {
  const consensus = signedBy([first, first]);
  assert.equal(consensus.signatures.length, 2);
  assertNetdocError(
    "too-few-signatures",
    () => verifyConsensus(consensus, certificates(authorities), identities, now),
  );
});

Deno.test("two keys of one authority count once", () => {
  const renewed: TestAuthority = Object.create(first, {
    signingKey: { value: second.signingKey },
  });
  const consensus = signedBy([first, renewed]);
  const known = certificates([first, renewed]);
  assert.notEqual(known[0].signingKeyDigest, known[1].signingKeyDigest);
  assert.equal(known[0].v3Identity, known[1].v3Identity);
  assertNetdocError("too-few-signatures", () => verifyConsensus(consensus, known, identities, now));
});

Deno.test("an authority that is configured twice counts once", () => {
  const twice = [...identities, ...identities];
  const result = verifyConsensus(signedBy([first, second]), certificates(authorities), twice, now);
  assert.deepEqual([result.state, result.required], ["verified", 2]);
});

Deno.test("signatures of authorities that are not configured count for nothing", () => {
  const others = [identities[0], "A".repeat(40) as RsaIdentity, "B".repeat(40) as RsaIdentity];
  assertNetdocError(
    "too-few-signatures",
    () => verifyConsensus(signedBy(authorities), certificates(authorities), others, now),
  );
});

Deno.test("no authorities configured verify nothing", () => {
  assertNetdocError(
    "too-few-signatures",
    () => verifyConsensus(signedBy(authorities), certificates(authorities), [], now),
  );
});

Deno.test("missing certificates are named when they could decide", () => {
  const result = verifyConsensus(signedBy([first, second]), certificates([first]), identities, now);
  assert.equal(result.state, "needs-certificates");
  assert.deepEqual(result.valid, [first.v3Identity]);
  assert.deepEqual(result.unknownKey, [
    { v3Identity: second.v3Identity, signingKeyDigest: second.signingKeyDigest },
  ]);
  // Only one signed at all: the others' certificates would not help.
  assertNetdocError(
    "too-few-signatures",
    () => verifyConsensus(signedBy([first]), [], identities, now),
  );
});

Deno.test("an expired certificate is as if absent", () => {
  const consensus = signedBy([first, second]);
  const known = certificates(authorities, now);
  assert.equal(verifyConsensus(consensus, known, identities, now).state, "verified");
  assert.equal(
    verifyConsensus(consensus, known, identities, now + 1).state,
    "needs-certificates",
  );
});

Deno.test("a good signature after a bad one of the same authority counts", () => {
  const signedPart = writeSignedPart({ authorities });
  const [good, other] = [first, second].map((one) => writeSignature(one, signedPart));
  const bad = writeSignature(first, `${signedPart} `);
  const text = `${signedPart}${[bad, good, other].join("directory-signature ")}`;
  const result = verifyConsensus(
    parseConsensus(encode(text)),
    certificates(authorities),
    identities,
    now,
  );
  assert.deepEqual([result.state, result.bad], ["verified", []]);
});

Deno.test("bad signatures are told apart from missing ones", () => {
  const signedPart = writeSignedPart({ authorities });
  const signatures = [
    writeSignature(first, signedPart),
    writeSignature(second, signedPart),
    writeSignature(third, `${signedPart} `),
  ];
  const text = `${signedPart}${signatures.join("directory-signature ")}`;
  const result = verifyConsensus(
    parseConsensus(encode(text)),
    certificates(authorities),
    identities,
    now,
  );
  assert.deepEqual([result.state, result.bad], ["verified", [third.v3Identity]]);
});

Deno.test("signatures of SHA-1 digests count for nothing", () => {
  const text = new TextDecoder().decode(writeConsensus({ authorities }));
  const consensus = parseConsensus(encode(text.replaceAll("sha256 ", "sha1 ")));
  assertNetdocError(
    "too-few-signatures",
    () => verifyConsensus(consensus, certificates(authorities), identities, now),
  );
});

Deno.test("the certificate of another authority does not help", () => {
  // The second signs with its own key, but says that it is the first.
  const signedPart = writeSignedPart({ authorities });
  const forged = writeSignature(second, signedPart).replace(second.v3Identity, first.v3Identity);
  const honest = writeSignature(second, signedPart);
  const text = `${signedPart}${forged}directory-signature ${honest}`;
  const result = verifyConsensus(
    parseConsensus(encode(text)),
    certificates(authorities),
    identities,
    now,
  );
  assert.equal(result.state, "needs-certificates");
  assert.deepEqual(result.valid, [second.v3Identity]);
});

/** The authorities of May 2024: the eight that voted, and Faravahar. */
const REAL_AUTHORITIES = [
  "0232AF901C31A04EE9848595AF9BB7620D4C5B2E",
  "23D15D965BC35114467363C165C4F724B64B4F66",
  "27102BC123E7AF1D4741AE047E160C91ADC76B21",
  "2F3DF9CA0E5D36F2685A2DA67184EB8DCB8CBA8C",
  "49015F787433103580E3B66A1707A00E60F2D15B",
  "E8A9C45EDE6D711294FADF8E7951F4DE6CA56B58",
  "ED03BB616EB2F60BEC80151114BB25CEF515B226",
  "EFCBE720AB3A82B99F9E953CD5BF50F7EEFC7B97",
  "F533C81CEF0BC0267857C99B2F471ADF249FA232",
] as RsaIdentity[];

Deno.test({
  name: "the real consensus of 2024-05-17 has six good signatures and two by unknown keys",
  ignore: realConsensusIsAbsent,
  fn() {
    const known = parseAuthorityCertificates(readRealCertificates());
    const consensus = parseConsensus(readRealConsensus());
    const result = verifyConsensus(consensus, known, REAL_AUTHORITIES, consensus.validAfter);
    assert.equal(result.state, "verified");
    assert.equal(result.required, 5);
    assert.equal(result.valid.length, 6);
    assert.deepEqual(result.bad, []);
    assert.deepEqual(result.unknownKey, [
      {
        v3Identity: "2F3DF9CA0E5D36F2685A2DA67184EB8DCB8CBA8C",
        signingKeyDigest: "6AAD0685FF8780D31DD3084B44B541FA3E0C6335",
      },
      {
        v3Identity: "F533C81CEF0BC0267857C99B2F471ADF249FA232",
        signingKeyDigest: "5F538103EAD5CF68EDC06EC4F9CE9DB97E8B0241",
      },
    ]);
  },
});

Deno.test({
  name: "the real consensus is refused with one bit of the signed part flipped",
  ignore: realConsensusIsAbsent,
  fn() {
    const known = parseAuthorityCertificates(readRealCertificates());
    const document = readRealConsensus();
    const text = new TextDecoder().decode(document);
    const { validAfter } = parseConsensus(document);
    const lastSigned = text.indexOf("directory-signature");
    // Places where the change leaves a consensus that can be read.
    const places = [
      text.indexOf("contact Andreas") + 9,
      text.indexOf("w Bandwidth=570") + 12,
      text.lastIndexOf("Wmm=10000", lastSigned) + 8,
      text.indexOf("2038-01-01", text.length / 2) + 3,
    ];
    for (const place of places) {
      document[place] ^= 1;
      const consensus = parseConsensus(document);
      document[place] ^= 1;
      assertNetdocError(
        "too-few-signatures",
        () => verifyConsensus(consensus, known, REAL_AUTHORITIES, validAfter),
      );
    }
  },
});
