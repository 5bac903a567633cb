/** Whatever bytes arrive, parsing gives a document or a NetdocError, and nothing else. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAuthorityCertificates } from "../../src/netdoc/authority_certificate.ts";
import { parseConsensus } from "../../src/netdoc/consensus.ts";
import { verifyConsensus } from "../../src/netdoc/consensus_signatures.ts";
import { NetdocError } from "../../src/netdoc/errors.ts";
import { parseMicrodescriptors } from "../../src/netdoc/microdescriptor.ts";
import {
  encode,
  relayEntry,
  testAuthorities,
  writeConsensus,
  writeMicrodescriptor,
  writeSignedPart,
} from "../../testnet/document_writer.ts";

const authorities = testAuthorities();
const parts = {
  authorities,
  relays: [1, 2, 3].map((index) => relayEntry(index, { ipv6: `[2001:db8::${index}]:9001` })),
};
const consensus = writeConsensus(parts);
const certificates = encode(authorities.map((authority) => authority.certificate()).join(""));
const microdescriptors = encode(
  [80, 443, 8080].map((port) =>
    writeMicrodescriptor({
      rsaKey: new Uint8Array(140),
      ed25519Identity: new Uint8Array(32).fill(3),
      ipv6: "[2001:db8::1]:9001",
      family: `$${"ab".repeat(20)} friend`,
      exitPolicy: `accept ${port}`,
    })
  ).join(""),
);

/** One change: some bytes are replaced by others. */
const edits = fc.array(
  fc.record({
    place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    removed: fc.oneof(fc.nat(4), fc.nat(400)),
    added: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.constantFrom(
        "\n",
        "\n\n",
        " ",
        "\nr ",
        "-----BEGIN X-----\n",
        "-----END SIGNATURE-----\n",
        "directory-signature ",
        "onion-key\n",
        "\u0000",
      ).map(encode),
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

type Edit = typeof edits extends fc.Arbitrary<(infer One)[]> ? One : never;

function apply(document: Uint8Array, changes: readonly Edit[]): Uint8Array {
  let bytes = document;
  for (const { place, removed, added } of changes) {
    const at = Math.floor(place * bytes.length);
    const tail = bytes.subarray(at + removed);
    const changed = new Uint8Array(at + added.length + tail.length);
    changed.set(bytes.subarray(0, at));
    changed.set(added, at);
    changed.set(tail, at + added.length);
    bytes = changed;
  }
  return bytes;
}

/** What `parse` gives; `undefined` when it threw as it may. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof NetdocError) return undefined;
    throw error;
  }
}

const known = parseAuthorityCertificates(certificates);
const identities = authorities.map(({ v3Identity }) => v3Identity);

/** Whether the consensus can be read and is verified; it may be refused with a NetdocError. */
function isVerified(document: Uint8Array): boolean {
  const now = Date.UTC(2024, 4, 17, 18);
  const result = attempt(() => verifyConsensus(parseConsensus(document), known, identities, now));
  return result?.state === "verified";
}

Deno.test("a changed consensus is read or refused, and verified only if what is signed is the same", () => {
  const signed = encode(writeSignedPart(parts));
  fc.assert(
    fc.property(edits, (changes) => {
      const document = apply(consensus, changes);
      if (isVerified(document)) assert.deepEqual(document.subarray(0, signed.length), signed);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("no byte of the signed part can be changed", () => {
  const signedLength = writeSignedPart(parts).length;
  const document = Uint8Array.from(consensus);
  assert.ok(isVerified(document));
  let refusedBySignatures = 0;
  for (let place = 0; place < signedLength; place++) {
    document[place] ^= 1;
    assert.equal(isVerified(document), false, `at ${place}`);
    if (attempt(() => parseConsensus(document)) !== undefined) refusedBySignatures++;
    document[place] ^= 1;
  }
  // Most changes leave a document that can be read, so that the signatures decide.
  assert.ok(refusedBySignatures > signedLength / 2, `only ${refusedBySignatures}`);
});

Deno.test("a consensus that is cut off anywhere is refused", () => {
  // Cut after a whole signature it is still a consensus, with fewer signatures.
  const text = new TextDecoder().decode(consensus);
  for (let length = 0; length < text.length; length++) {
    const parsed = attempt(() => parseConsensus(consensus.subarray(0, length)));
    assert.equal(
      parsed !== undefined,
      text.slice(0, length).endsWith("-----END SIGNATURE-----\n"),
      `at ${length}`,
    );
  }
});

Deno.test("changed certificates are read or refused", () => {
  fc.assert(
    fc.property(edits, (changes) => {
      const parsed = attempt(() => parseAuthorityCertificates(apply(certificates, changes)));
      for (const { v3Identity } of parsed ?? []) {
        assert.ok(authorities.some((authority) => authority.v3Identity === v3Identity));
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("changed microdescriptors are read or counted, and keep their ranges", () => {
  fc.assert(
    fc.property(edits, (changes) => {
      const document = apply(microdescriptors, changes);
      const parsed = attempt(() => parseMicrodescriptors(document));
      let end = 0;
      for (const one of parsed?.microdescriptors ?? []) {
        assert.ok(end <= one.start && one.start < one.end && one.end <= document.length);
        assert.equal(one.microdescriptor.onionKey.length, 32);
        end = one.end;
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("arbitrary bytes are refused", () => {
  const lines = fc.array(fc.stringMatching(/^[ -~]{0,40}$/), { maxLength: 20 })
    .map((texts) => encode(`${texts.join("\n")}\n`));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 500 }), lines), (bytes) => {
      assert.equal(attempt(() => parseConsensus(bytes)), undefined);
      assert.equal(attempt(() => parseAuthorityCertificates(bytes))?.length ?? 0, 0);
      assert.deepEqual(attempt(() => parseMicrodescriptors(bytes))?.microdescriptors ?? [], []);
    }),
    { seed: 1, numRuns: 1000 },
  );
});
