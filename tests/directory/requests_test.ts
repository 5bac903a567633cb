import assert from "node:assert/strict";
import { parseRsaIdentity, type RsaIdentity } from "../../src/crypto/identity.ts";
import {
  certificatesRequest,
  consensusModifiedSince,
  consensusRequest,
  microdescriptorBatches,
  microdescriptorsRequest,
  newestCertificatesRequest,
} from "../../src/directory/requests.ts";
import {
  parseSigningKeyDigest,
  type SigningKeyDigest,
} from "../../src/netdoc/authority_certificate.ts";

function identity(start: string): RsaIdentity {
  const parsed = parseRsaIdentity(start.padEnd(40, "0"));
  assert.ok(parsed);
  return parsed;
}

function signingKey(start: string): SigningKeyDigest {
  const parsed = parseSigningKeyDigest(start.padEnd(40, "0"));
  assert.ok(parsed);
  return parsed;
}

Deno.test("the consensus is asked for with sorted prefixes of the v3 identities", () => {
  const request = consensusRequest([identity("F533C8"), identity("0232AF"), identity("D586D1")]);
  assert.equal(
    request.path,
    "/tor/status-vote/current/consensus-microdesc/0232AF+D586D1+F533C8.z",
  );
});

Deno.test("a newer consensus is asked for from 3 minutes after valid-after, or half an interval", () => {
  assert.equal(consensusModifiedSince(1_000_000, 1_000_000 + 3_600_000), 1_180_000);
  assert.equal(consensusModifiedSince(1_000_000, 1_010_000), 1_005_000);
});

Deno.test("certificates are asked for by identity and signing key", () => {
  const request = certificatesRequest([
    { v3Identity: identity("AA"), signingKeyDigest: signingKey("01") },
    { v3Identity: identity("BB"), signingKeyDigest: signingKey("02") },
  ]);
  assert.equal(
    request.path,
    `/tor/keys/fp-sk/${identity("AA")}-${signingKey("01")}+${identity("BB")}-${signingKey("02")}`,
  );
});

Deno.test("the newest certificates are asked for by identity alone", () => {
  assert.equal(
    newestCertificatesRequest([identity("AA"), identity("BB")]).path,
    `/tor/keys/fp/${identity("AA")}+${identity("BB")}`,
  );
});

Deno.test("microdescriptors are asked for by their digests", () => {
  assert.equal(microdescriptorsRequest(["abc", "d/e"]).path, "/tor/micro/d/abc-d/e.z");
});

Deno.test("batches are a third each, within 32 and 500, sorted, and complete", () => {
  const sizes = (count: number) => {
    const digests = Array.from({ length: count }, (_, at) => `${(at * 7919) % 100_003}`);
    const batches = microdescriptorBatches(digests);
    assert.deepEqual(batches.flat(), [...digests].sort());
    return batches.map((batch) => batch.length);
  };
  assert.deepEqual(sizes(0), []);
  assert.deepEqual(sizes(5), [5]);
  assert.deepEqual(sizes(40), [32, 8]);
  assert.deepEqual(sizes(300), [100, 100, 100]);
  assert.equal(sizes(7195).length, 15);
  assert.equal(Math.max(...sizes(7195)), 500);
});
