/** Microdescriptors in the sizes of the public network: 650 bytes on average, a few of 3 KB. */
import { parseMicrodescriptorDigest } from "../../src/netdoc/microdescriptor_digest.ts";
import type { MicrodescriptorDigest } from "../../src/netdoc/microdescriptor.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { encode, sha256Base64, writeMicrodescriptor } from "../../testnet/document_writer.ts";

const POLICIES = [
  "accept 20-23,43,53,79-81,88,110,143,194,220,389,443,464,531,543-544,554,563,636,706,749,873," +
  "902-904,981,989-995,1194,1220,1293,1500,1533,1677,1723,1755,1863,2082-2083,2086-2087",
  "reject 25,119,135-139,445,563,1214,4661-4666,6346-6429,6699,6881-6999",
  "accept 80,443",
  "accept 1-65535",
];

/** Makes `count` microdescriptors, the same for the same `seed`. */
export function manyMicrodescriptors(count: number, seed: string | number = 1): string[] {
  const random = new SeededRandom(seed);
  const bytes = (length: number) => {
    const drawn = new Uint8Array(length);
    random.fill(drawn);
    return drawn;
  };
  const families = familyLines(bytes);
  return Array.from({ length: count }, (_, index) => {
    const [first, second, third] = bytes(3);
    return writeMicrodescriptor({
      rsaKey: bytes(140),
      onionKey: bytes(32),
      ed25519Identity: bytes(32),
      ipv6: first < 100
        ? `[2001:db8:${second.toString(16)}::${index.toString(16)}]:9001`
        : undefined,
      family: second < 160 ? families.next().value : undefined,
      exitPolicy: third < 60 ? POLICIES[third % POLICIES.length] : undefined,
      exitPolicy6: third < 30 ? POLICIES[third % POLICIES.length] : undefined,
    });
  });
}

/** The families of relays one after another: each is said by all of its members. */
function* familyLines(bytes: (length: number) => Uint8Array): Generator<string, never> {
  for (;;) {
    const [draw] = bytes(1);
    const size = draw < 1 ? 60 : draw < 10 ? 12 : 3;
    const members = Array.from({ length: size }, () => `$${bytes(20).toHex().toUpperCase()}`);
    for (let member = 0; member < size; member++) yield members.join(" ");
  }
}

/** Texts with their digests, as a cache takes them. */
export function byDigest(texts: readonly string[]): Map<MicrodescriptorDigest, Uint8Array> {
  return new Map(texts.map((text) => {
    const digest = parseMicrodescriptorDigest(sha256Base64(text));
    if (digest === undefined) throw new Error("not a digest");
    return [digest, encode(text)];
  }));
}
