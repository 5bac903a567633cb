import assert from "node:assert/strict";
import { parseAuthorityCertificates } from "../../src/netdoc/authority_certificate.ts";
import { encode, object, testAuthorities } from "../../testnet/document_writer.ts";
import { assertNetdocError } from "./netdoc_error.ts";
import { readRealCertificates, realConsensusIsAbsent } from "./real_consensus.ts";

const [first, second] = testAuthorities();

Deno.test("certificates that stand one after another are read", () => {
  const texts = [first.certificate({ published: 1000, expires: 5000 }), second.certificate()];
  const certificates = parseAuthorityCertificates(encode(texts.join("\n")));
  assert.deepEqual(certificates.map(({ v3Identity }) => v3Identity), [
    first.v3Identity,
    second.v3Identity,
  ]);
  assert.deepEqual(certificates.map(({ signingKeyDigest }) => signingKeyDigest), [
    first.signingKeyDigest,
    second.signingKeyDigest,
  ]);
  assert.deepEqual([certificates[0].published, certificates[0].expires], [1000, 5000]);
  assert.deepEqual(certificates[0].signingKey.der, first.signingKey.der);
  assert.deepEqual(certificates.map(({ document }) => new TextDecoder().decode(document)), texts);
  assert.deepEqual(parseAuthorityCertificates(encode("")), []);
});

Deno.test("a certificate must be verified in all three ways", () => {
  const wrong = [
    first.certificate({ fingerprint: second.v3Identity }),
    first.certificate({ certifiedBy: second.identityKey }),
    first.certificate({ certifiedBy: first.signingKey }),
    first.certificate({ crosscertifiedBy: second.signingKey }),
  ];
  for (const text of wrong) {
    assertNetdocError("certificate-not-verified", () => parseAuthorityCertificates(encode(text)));
  }
});

Deno.test("a certificate whose signed text was changed is refused", () => {
  const text = first.certificate().replace("dir-key-expires 2025", "dir-key-expires 2035");
  assertNetdocError("certificate-not-verified", () => parseAuthorityCertificates(encode(text)));
});

Deno.test("a certificate with a line missing, doubled or unreadable is refused", () => {
  const text = first.certificate();
  const lines = text.split("\n");
  const withoutLine = (start: string) => lines.filter((line) => !line.startsWith(start)).join("\n");
  const wrong = [
    withoutLine("dir-key-certificate-version"),
    withoutLine("fingerprint"),
    withoutLine("dir-key-published"),
    withoutLine("dir-key-expires"),
    text.replace("dir-key-certification\n", "dir-key-something\n"),
    text.replace("version 3", "version 4"),
    text.replace("fingerprint", `fingerprint ${first.v3Identity}\nfingerprint`),
    text.replaceAll("ID SIGNATURE", "KEY SIGNATURE"),
    text.replaceAll("RSA PUBLIC KEY", "PUBLIC KEY"),
    text.replace("\ndir-signing-key", "\ndir-signing-key\ndir-signing-keys"),
    text.slice(0, text.indexOf("dir-key-crosscert")),
    `${text}junk 1\n`,
  ];
  for (const changed of wrong) {
    assertNetdocError("certificate-malformed", () => parseAuthorityCertificates(encode(changed)));
  }
  const broken = text.replace(
    /(dir-identity-key\n-----BEGIN RSA PUBLIC KEY-----\n).{8}/,
    "$1AAAAAAAA",
  );
  assertNetdocError("certificate-malformed", () => parseAuthorityCertificates(encode(broken)));
});

Deno.test("a certificate with other line ends than it was signed with is refused", () => {
  const text = first.certificate().replaceAll("\n", "\r\n");
  assertNetdocError("document-malformed", () => parseAuthorityCertificates(encode(text)));
});

Deno.test("keys of more than 4,096 bits are refused", () => {
  const modulus = `0282020200${"ff".repeat(513)}`;
  const der = Uint8Array.fromHex(`3082020b${modulus}0203010001`);
  const text = first.certificate().replace(
    /(dir-identity-key\n)[^]*(dir-signing-key\n)/,
    `$1${object("RSA PUBLIC KEY", der)}$2`,
  );
  assert.throws(() => parseAuthorityCertificates(encode(text)), /key is too long/);
});

Deno.test("more than 128 certificates are refused", () => {
  const many = encode(first.certificate().repeat(129));
  assertNetdocError("certificate-malformed", () => parseAuthorityCertificates(many));
});

Deno.test({
  name: "the real certificates of 2024-05-17 verify",
  ignore: realConsensusIsAbsent,
  fn() {
    const certificates = parseAuthorityCertificates(readRealCertificates());
    assert.equal(certificates.length, 9);
    const [longclaw] = certificates;
    assert.equal(longclaw.v3Identity, "23D15D965BC35114467363C165C4F724B64B4F66");
    assert.equal(longclaw.signingKeyDigest, "FD0EBF205765589B43E96F23A726792FA9C927D2");
    assert.equal(longclaw.expires, Date.UTC(2024, 8, 2, 14, 31, 55));
  },
});
