import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { consensusSteps, parseConsensus } from "../../src/netdoc/consensus.ts";
import { RelayFlag } from "../../src/netdoc/relay_flag.ts";
import {
  type ConsensusParts,
  encode,
  relayEntry,
  testAuthorities,
  writeConsensus,
  writeSignature,
  writeSignedPart,
} from "../../testnet/document_writer.ts";
import { assertNetdocError } from "./netdoc_error.ts";
import { readRealConsensus, realConsensusIsAbsent } from "./real_consensus.ts";

const authorities = testAuthorities();

function parse(parts: Partial<ConsensusParts>) {
  return parseConsensus(writeConsensus({ authorities, ...parts }));
}

/** Parses a consensus in whose text `from`, which must occur, was replaced. */
function parseChanged(from: string, to: string, parts: Partial<ConsensusParts> = {}) {
  const text = new TextDecoder().decode(writeConsensus({ authorities, ...parts }));
  assert.ok(text.includes(from), `${from} does not occur`);
  return parseConsensus(encode(text.replace(from, to)));
}

Deno.test("the header and the footer are read", () => {
  const validAfter = Date.UTC(2025, 0, 1, 12);
  const consensus = parse({
    validAfter,
    parameters: "a=-5 bwweightscale=10000",
    weights: "Wbd=0 Wgg=6752",
    headerLines: "some-future-thing 1 2 3\n",
  });
  assert.equal(consensus.consensusMethod, 33);
  assert.equal(consensus.validAfter, validAfter);
  assert.equal(consensus.freshUntil, validAfter + 3600_000);
  assert.equal(consensus.validUntil, validAfter + 3 * 3600_000);
  assert.deepEqual(consensus.knownFlags.slice(0, 2), ["Authority", "Exit"]);
  assert.deepEqual([...consensus.parameters], [["a", -5], ["bwweightscale", 10000]]);
  assert.deepEqual([...consensus.bandwidthWeights], [["Wbd", 0], ["Wgg", 6752]]);
  assert.ok(consensus.requiredClientProtocols.supports("Link", 4));
  assert.ok(consensus.recommendedClientProtocols.supports("Link", 5));
  assert.equal(consensus.sharedRandomPrevious, undefined);
  assert.deepEqual(consensus.sharedRandomCurrent, {
    reveals: 8,
    value: new Uint8Array(32).fill(7),
  });
  assert.deepEqual(consensus.authorities[1], {
    nickname: "tor26",
    v3Identity: authorities[1].v3Identity,
    hostname: "tor26.example",
    address: "10.99.1.1",
    dirPort: 80,
    orPort: 443,
  });
});

Deno.test("router status entries are read with all their items", () => {
  const consensus = parse({
    relays: [
      relayEntry(1, { ipv6: "[2001:db8:0::5]:9002", flags: "Exit Guard Running Unheard Valid" }),
      relayEntry(2, {
        nickname: "x",
        hostname: "192.0.2.9",
        port: 443,
        bandwidth: "Bandwidth=7 Unmeasured=1",
      }),
      relayEntry(3, { bandwidth: null }),
      relayEntry(4, { bandwidth: "Measured=3" }),
    ],
  });
  const [first, second, third, fourth] = consensus.routers;
  assert.equal(first.rsaIdentity, "00000001".padEnd(40, "0"));
  assert.deepEqual(first.ipv6, { hostname: "2001:db8::5", port: 9002 });
  assert.equal(
    first.flags,
    RelayFlag.Exit | RelayFlag.Guard | RelayFlag.Running | RelayFlag.Valid,
  );
  assert.equal(
    first.microdescriptorDigest,
    createHash("sha256").update(Uint8Array.fromHex(first.rsaIdentity)).digest("base64").slice(
      0,
      43,
    ),
  );
  assert.ok(first.protocols.supports("Link", 5) && !first.protocols.supports("Link", 6));
  assert.equal(first.protocols, second.protocols);
  assert.deepEqual([first.bandwidth, first.unmeasured], [1000, false]);
  assert.deepEqual([second.nickname, second.hostname, second.port], ["x", "192.0.2.9", 443]);
  assert.deepEqual([second.bandwidth, second.unmeasured, second.ipv6], [7, true, undefined]);
  assert.equal(third.bandwidth, 30);
  assert.equal(fourth.bandwidth, 30);
});

Deno.test("of several addresses the first IPv6 one is taken", () => {
  const [router] = parseChanged("\nm ", "\na 10.0.0.1:9001\na [::5]:1\na [::6]:2\nm ").routers;
  assert.deepEqual(router.ipv6, { hostname: "::5", port: 1 });
});

Deno.test("a consensus without relays or bandwidth weights can be read", () => {
  assert.deepEqual(parse({ relays: [] }).routers, []);
  assert.equal(parseChanged("bandwidth-weights Wbd=0 Wgg=6752\n", "").bandwidthWeights.size, 0);
});

Deno.test("the digest is of all up to the space after the first directory-signature", () => {
  const parts = { authorities };
  const expected = createHash("sha256").update(writeSignedPart(parts)).digest();
  for (const signers of [authorities, authorities.slice(0, 1)]) {
    const { signedDigest } = parseConsensus(writeConsensus(parts, signers));
    assert.deepEqual(Uint8Array.from(signedDigest), Uint8Array.from(expected));
  }
});

Deno.test("signatures are read; without an algorithm they are of SHA-1", () => {
  const signedPart = writeSignedPart({ authorities });
  const [first, second] = authorities.map((signer) => writeSignature(signer, signedPart));
  const text = `${signedPart}${first}directory-signature ${second.replace("sha256 ", "")}`;
  const { signatures } = parseConsensus(encode(text));
  assert.deepEqual(signatures.map(({ algorithm }) => algorithm), ["sha256", "sha1"]);
  assert.equal(signatures[0].v3Identity, authorities[0].v3Identity);
  assert.equal(signatures[1].signingKeyDigest, authorities[1].signingKeyDigest);
  assert.equal(signatures[1].signature.length, 128);
});

Deno.test("relays must be sorted by identity, each only once", () => {
  assertNetdocError(
    "consensus-not-sorted",
    () => parse({ relays: [relayEntry(2), relayEntry(1)] }),
  );
  assertNetdocError(
    "consensus-not-sorted",
    () => parse({ relays: [relayEntry(1), relayEntry(1)] }),
  );
});

Deno.test("other documents are refused as such", () => {
  const unsupported: [string, string][] = [
    ["version 3 microdesc", "version 4 microdesc"],
    ["version 3 microdesc", "version 3"],
    ["version 3 microdesc", "version 3 ns"],
    ["vote-status consensus", "vote-status vote"],
  ];
  for (const [from, to] of unsupported) {
    assertNetdocError("consensus-unsupported", () => parseChanged(from, to));
  }
});

Deno.test("a malformed header or footer is refused", () => {
  const malformed: [string, string][] = [
    ["network-status-version", "\nnetwork-status-version"],
    ["network-status-version", "junk 1\nnetwork-status-version"],
    ["consensus-method 33", "consensus-method x"],
    ["consensus-method 33\n", ""],
    ["consensus-method 33\n", "consensus-method 33\nconsensus-method 33\n"],
    ["valid-after 2024", "valid-after 202x"],
    ["valid-until 2024", "valid-until 2023"],
    ["fresh-until 2024", "fresh-until 2034"],
    ["valid-until 2024-05-17 20:00:00\n", ""],
    ["known-flags", "unknown-flags"],
    ["params UseOptimisticData=1", "params UseOptimisticData"],
    ["params UseOptimisticData=1", "params UseOptimisticData=x"],
    ["params UseOptimisticData=1", "params UseOptimisticData=2147483648"],
    ["params UseOptimisticData=1", "params =1"],
    ["params UseOptimisticData=1", "params zzz=1"],
    ["params UseOptimisticData=1 bwauthpid=1", "params bwauthpid=0 bwauthpid=1"],
    ["shared-rand-current-value 8", "shared-rand-current-value x"],
    ["shared-rand-current-value 8 ", "shared-rand-current-value 8 A"],
    ["dir-source moria ", "dir-source "],
    ["dir-source moria ", "dir-source moria 00"],
    [" 10.99.0.1 80", " 10.99.0.256 80"],
    [" 10.99.0.1 80", " 10.99.0.1 65536"],
    ["bandwidth-weights Wbd=0", "bandwidth-weights Wbd"],
    ["bandwidth-weights Wbd=0", "bandwidth-weights Wgg=0"],
    ["bandwidth-weights", "bandwidth-weights a=1\nbandwidth-weights"],
  ];
  for (const [from, to] of malformed) {
    assertNetdocError("consensus-malformed", () => parseChanged(from, to));
  }
  const noSource = writeConsensus({ authorities: [] }, authorities);
  assertNetdocError("consensus-malformed", () => parseConsensus(noSource));
});

Deno.test("a malformed router status is refused", () => {
  const malformed: [string, string][] = [
    ["r relay1 ", "r "],
    ["r relay1 ", "r relay-1 "],
    ["r relay1 AAAAA", "r relay1 AAAA"],
    ["r relay1 AAAAA", "r relay1 AAAA!"],
    ["10.1.0.1 9001", "10.1.0 9001"],
    ["10.1.0.1 9001", "10.1.0.1 65536"],
    ["\nm ", "\nm A"],
    ["\nm ", "\nmm "],
    ["\ns Fast", "\ns Fast\ns Fast"],
    ["\ns Fast", "\nss Fast"],
    ["\npr Cons=1-2", "\npr Cons=1-2\npr Cons=1-2"],
    ["\npr ", "\nprr "],
    ["\nw Bandwidth=1000", "\nw Bandwidth=-1"],
    ["\nw Bandwidth=1000", "\nw Bandwidth=4294967296"],
    ["\nw Bandwidth=1000", "\nw Bandwidth=1000\nw Bandwidth=1000"],
  ];
  for (const [from, to] of malformed) {
    assertNetdocError("consensus-malformed", () => parseChanged(from, to));
  }
  assertNetdocError("protocols-malformed", () => parseChanged("\npr Cons=1-2", "\npr Cons=2-1"));
});

Deno.test("malformed signatures, and anything after them, are refused", () => {
  const identity = authorities[0].v3Identity;
  const malformed: [string, string][] = [
    ["directory-signature sha256", "directory-signature\tsha256"],
    [`sha256 ${identity}`, `sha256 0${identity}`],
    [`sha256 ${identity}`, "sha256"],
    ["-----\ndirectory-signature", "-----\nbandwidth-weights a=1\ndirectory-signature"],
    ["-----\ndirectory-signature", "-----\nr x\ndirectory-signature"],
  ];
  for (const [from, to] of malformed) {
    assertNetdocError("consensus-malformed", () => parseChanged(from, to));
  }
  const signedPart = writeSignedPart({ authorities });
  const signature = writeSignature(authorities[0], signedPart);
  const tooMany = Array(129).fill(signature).join("directory-signature ");
  const renamed = signature.replaceAll(" SIGNATURE--", " SIGNATORY--");
  const bare = signature.slice(0, signature.indexOf("\n") + 1);
  const short = `${bare}-----BEGIN SIGNATURE-----\nAAAA\n-----END SIGNATURE-----\n`;
  for (const signatures of [tooMany, renamed, bare, short]) {
    assertNetdocError("consensus-malformed", () => parseConsensus(encode(signedPart + signatures)));
  }
});

Deno.test("a consensus that ends before its signatures is refused", () => {
  const text = new TextDecoder().decode(writeConsensus({ authorities }));
  const starts = ["vote-status", "r relay2", "m ", "directory-footer", "directory-signature"];
  for (const start of starts) {
    const cut = text.slice(0, text.indexOf(`\n${start}`) + 1);
    assert.ok(cut.length > 0, start);
    assert.throws(() => parseConsensus(encode(cut)), { name: "NetdocError" }, start);
  }
  assertNetdocError("consensus-malformed", () => parseConsensus(new Uint8Array(0)));
  assertNetdocError("document-cut-off", () => parseConsensus(encode(text.slice(0, -1))));
});

Deno.test({
  name: "the real consensus of 2024-05-17 is read whole",
  ignore: realConsensusIsAbsent,
  fn() {
    const consensus = parseConsensus(readRealConsensus());
    assert.equal(consensus.routers.length, 7195);
    assert.equal(consensus.authorities.length, 8);
    assert.equal(consensus.signatures.length, 8);
    assert.equal(consensus.validAfter, Date.UTC(2024, 4, 17, 17));
    assert.equal(consensus.parameters.get("ExtendByEd25519ID"), 1);
    assert.equal(consensus.bandwidthWeights.get("Wgg"), 6752);
    assert.equal(consensus.bandwidthWeights.size, 19);
    assert.equal(consensus.sharedRandomPrevious?.reveals, 8);
    const { rsaIdentity, microdescriptorDigest, ipv6 } = consensus.routers[1];
    assert.equal(rsaIdentity, "000C351F86033654A82D9FD6AC3B178F44E236BE");
    assert.equal(microdescriptorDigest, "iDelAf3pFeejeaZvvg2pvN/l3/5T2hhET8NnVG2kvKg");
    assert.deepEqual(ipv6, { hostname: "2001:41d0:404:300::dd2", port: 9001 });
    // One object for all relays with the same line, of which there are few.
    assert.ok(new Set(consensus.routers.map(({ protocols }) => protocols)).size < 100);
  },
});

Deno.test("a large consensus is read in steps of at most 125 relays", () => {
  const relays = Array.from(
    { length: 1000 },
    (_, index) => relayEntry(index + 1, { hostname: "10.0.0.1" }),
  );
  const document = writeConsensus({ authorities, relays });
  const steps = consensusSteps(document);
  let count = 1;
  let step = steps.next();
  for (; !step.done; step = steps.next()) count++;
  assert.ok(count > relays.length / 125, `${count} steps`);
  assert.deepEqual(
    step.value.routers.map(({ rsaIdentity }) => rsaIdentity),
    parseConsensus(document).routers.map(({ rsaIdentity }) => rsaIdentity),
  );
});
