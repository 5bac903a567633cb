import assert from "node:assert/strict";
import { ed25519IdentityFromBytes } from "../../src/crypto/identity.ts";
import {
  microdescriptorSteps,
  parseMicrodescriptors,
  SharedParts,
} from "../../src/netdoc/microdescriptor.ts";
import { encode, sha256Base64, writeMicrodescriptor } from "../../testnet/document_writer.ts";
import { assertNetdocError } from "./netdoc_error.ts";

const ed25519Identity = Uint8Array.from({ length: 32 }, (_, index) => index);
const identityDigits = "0123456789abcdef0123456789abcdef01234567";

Deno.test("a microdescriptor is read with all its items", () => {
  const text = writeMicrodescriptor({
    rsaKey: new Uint8Array(140).fill(1),
    onionKey: ed25519Identity.map((byte) => byte + 100),
    ed25519Identity,
    ipv6: "[2001:db8::1]:9001",
    family: `$${identityDigits} $${identityDigits}=Name Other $zz`,
    familyIds: "ed25519:abc ed25519:def",
    exitPolicy: "accept 80,443",
    exitPolicy6: "accept 443",
  });
  const { microdescriptors, malformed } = parseMicrodescriptors(encode(text));
  assert.deepEqual(malformed, []);
  assert.deepEqual(microdescriptors, [{
    digest: sha256Base64(text),
    start: 0,
    end: text.length,
    microdescriptor: {
      onionKey: ed25519Identity.map((byte) => byte + 100),
      ed25519Identity: ed25519IdentityFromBytes(ed25519Identity),
      ipv6: { hostname: "2001:db8::1", port: 9001 },
      family: [identityDigits.toUpperCase(), identityDigits.toUpperCase(), "other"],
      familyIds: ["ed25519:abc", "ed25519:def"],
      exitPolicy: {
        accept: true,
        ranges: [{ first: 80, last: 80 }, { first: 443, last: 443 }],
      },
      exitPolicy6: { accept: true, ranges: [{ first: 443, last: 443 }] },
    },
  }]);
});

Deno.test("all but the ntor key may be absent", () => {
  const [{ microdescriptor }] = parseMicrodescriptors(encode(writeMicrodescriptor()))
    .microdescriptors;
  const rejectAll = { accept: false, ranges: [{ first: 1, last: 65535 }] };
  assert.deepEqual(microdescriptor, {
    onionKey: new Uint8Array(32).fill(9),
    ed25519Identity: undefined,
    ipv6: undefined,
    family: [],
    familyIds: [],
    exitPolicy: rejectAll,
    exitPolicy6: rejectAll,
  });
});

Deno.test("each has its own text, and a bad one does not lose the others", () => {
  const ntor = `ntor-onion-key ${new Uint8Array(32).toBase64()}\n`;
  const bad = [
    "onion-key\n",
    "onion-key\nntor-onion-key AAAA\n",
    `onion-key\n${ntor}${ntor}`,
    `onion-key\n${ntor}id ed25519 AAAA\n`,
    writeMicrodescriptor({ ed25519Identity }) +
    `id ed25519 ${ed25519Identity.toBase64({ omitPadding: true })}\n`,
    `onion-key\n-----BEGIN RSA PUBLIC KEY-----\nAAAA\n${ntor}`,
  ];
  const good = [
    writeMicrodescriptor({ exitPolicy: "accept 80" }),
    writeMicrodescriptor({ exitPolicy: "accept 443", rsaKey: new Uint8Array(140) }),
  ];
  for (const text of bad) {
    const all = encode(good[0] + text + good[1]);
    const { microdescriptors, malformed } = parseMicrodescriptors(all);
    assert.deepEqual(malformed, [sha256Base64(text)], text);
    const texts = microdescriptors.map(({ start, end }) =>
      new TextDecoder().decode(all.subarray(start, end))
    );
    assert.deepEqual(texts, good);
    assert.deepEqual(microdescriptors.map(({ digest }) => digest), good.map(sha256Base64));
  }
});

Deno.test("unknown items and unknown kinds of identity are passed over", () => {
  const text =
    `${writeMicrodescriptor()}id rsa1024 whatever\nonion-key-of-the-future 1\na 10.0.0.1:9\n`;
  const { microdescriptors, malformed } = parseMicrodescriptors(encode(text));
  assert.deepEqual(malformed, []);
  assert.deepEqual(microdescriptors.map(({ digest }) => digest), [sha256Base64(text)]);
});

Deno.test("what stands before the first onion-key is no microdescriptor", () => {
  const text = writeMicrodescriptor();
  const { microdescriptors } = parseMicrodescriptors(encode(`junk onion-key\n${text}`));
  assert.deepEqual(microdescriptors.map(({ digest, start }) => [digest, start]), [
    [sha256Base64(text), 15],
  ]);
  assert.deepEqual(parseMicrodescriptors(new Uint8Array(0)).microdescriptors, []);
});

Deno.test("documents that end inside a line are refused", () => {
  const text = writeMicrodescriptor();
  assertNetdocError("document-cut-off", () => parseMicrodescriptors(encode(text.slice(0, -1))));
});

Deno.test("equal families and policies are kept once, also across replies", () => {
  const shared = new SharedParts();
  const text = writeMicrodescriptor({ family: `$${identityDigits}`, exitPolicy: "accept 80" });
  const [a] = parseMicrodescriptors(encode(text), shared).microdescriptors;
  const [b] = parseMicrodescriptors(encode(text), shared).microdescriptors;
  assert.equal(a.microdescriptor.family, b.microdescriptor.family);
  assert.equal(a.microdescriptor.exitPolicy, b.microdescriptor.exitPolicy);
});

Deno.test("what is shared is forgotten before it takes too much memory", () => {
  const shared = new SharedParts();
  const first = shared.family("first");
  assert.equal(shared.family("first"), first);
  const line = "x".repeat(64 * 1024);
  for (let index = 0; index < 64; index++) shared.family(`${line} ${index}`);
  assert.notEqual(shared.family("first"), first);
  assert.deepEqual(shared.family("first"), first);
});

Deno.test("many are parsed in steps, and so is junk", () => {
  const stepsOf = (text: string) => {
    const steps = microdescriptorSteps(encode(text), new SharedParts());
    let count = 0;
    let step = steps.next();
    for (; !step.done; step = steps.next()) count++;
    return { count, ...step.value };
  };
  const many = stepsOf(writeMicrodescriptor().repeat(1000));
  assert.equal(many.microdescriptors.length, 1000);
  assert.ok(many.count >= 9, `${many.count}`);
  const junk = stepsOf(`${"\n".repeat(100_000)}${writeMicrodescriptor()}`);
  assert.equal(junk.microdescriptors.length, 1);
  assert.ok(junk.count >= 9, `${junk.count}`);
});

Deno.test("one that is far too long cannot be read", () => {
  const long = writeMicrodescriptor() + "x\n".repeat(256 * 1024 / 2);
  const { microdescriptors, malformed } = parseMicrodescriptors(
    encode(long + writeMicrodescriptor()),
  );
  assert.deepEqual([microdescriptors.length, malformed.length], [1, 1]);
});
