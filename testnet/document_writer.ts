/**
 * Writes directory documents, signed with real keys, for tests and embedded networks.
 *
 * @module
 */
import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
} from "node:crypto";
import { type RsaIdentity, rsaIdentityFromBytes } from "../src/crypto/identity.ts";

/** A PEM-like object as documents carry it. */
export function object(type: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${type}-----\n${lines.join("\n")}\n-----END ${type}-----\n`;
}

/** "YYYY-MM-DD HH:MM:SS" */
export function formatTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ");
}

export function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** An RSA key that signs bare digests. */
export class RsaSigner {
  readonly #privateKey: KeyObject;
  /** PKCS#1 */
  readonly der: Uint8Array;
  /** SHA-1 of the key: 20 bytes. */
  readonly digest: Uint8Array;

  /** @param privateKey a new one of 1,024 bits unless given */
  constructor(
    privateKey: KeyObject = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey,
  ) {
    this.#privateKey = privateKey;
    const publicKey = createPublicKey(privateKey);
    this.der = Uint8Array.from(publicKey.export({ format: "der", type: "pkcs1" }));
    this.digest = createHash("sha1").update(this.der).digest();
  }

  sign(digest: Uint8Array): Uint8Array {
    const key = { key: this.#privateKey, padding: constants.RSA_PKCS1_PADDING };
    return Uint8Array.from(privateEncrypt(key, digest));
  }
}

/** What a test may have wrong in a certificate. */
export interface CertificateFaults {
  readonly fingerprint?: string;
  readonly certifiedBy?: RsaSigner;
  readonly crosscertifiedBy?: RsaSigner;
  readonly published?: number;
  readonly expires?: number;
}

/** What an authority has besides its name; keys are made and the address made up unless given. */
export interface AuthorityParts {
  readonly identityKey?: RsaSigner;
  readonly signingKey?: RsaSigner;
  readonly address?: AuthorityAddress;
}

/** Where an authority can be asked. */
export interface AuthorityAddress {
  readonly hostname: string;
  readonly dirPort: number;
  readonly orPort: number;
}

/** A directory authority with its two keys. */
export class TestAuthority {
  readonly nickname: string;
  readonly identityKey: RsaSigner;
  readonly signingKey: RsaSigner;
  readonly address: AuthorityAddress | undefined;

  constructor(nickname: string, parts: AuthorityParts = {}) {
    this.nickname = nickname;
    this.identityKey = parts.identityKey ?? new RsaSigner();
    this.signingKey = parts.signingKey ?? new RsaSigner();
    this.address = parts.address;
  }

  get v3Identity(): RsaIdentity {
    return rsaIdentityFromBytes(this.identityKey.digest);
  }

  get signingKeyDigest(): string {
    return this.signingKey.digest.toHex().toUpperCase();
  }

  certificate(faults: CertificateFaults = {}): string {
    const published = faults.published ?? Date.UTC(2024, 0, 1);
    const signed = "dir-key-certificate-version 3\n" +
      `fingerprint ${faults.fingerprint ?? this.v3Identity}\n` +
      `dir-key-published ${formatTime(published)}\n` +
      `dir-key-expires ${formatTime(faults.expires ?? Date.UTC(2025, 0, 1))}\n` +
      `dir-identity-key\n${object("RSA PUBLIC KEY", this.identityKey.der)}` +
      `dir-signing-key\n${object("RSA PUBLIC KEY", this.signingKey.der)}` +
      `dir-key-crosscert\n${
        object(
          "ID SIGNATURE",
          (faults.crosscertifiedBy ?? this.signingKey).sign(this.identityKey.digest),
        )
      }` +
      "dir-key-certification\n";
    const digest = createHash("sha1").update(signed).digest();
    return signed + object("SIGNATURE", (faults.certifiedBy ?? this.identityKey).sign(digest));
  }
}

/** What an entry says; whatever is absent is filled in. */
export interface RelayEntry {
  readonly nickname?: string;
  /** 20 bytes */
  readonly identity: Uint8Array;
  readonly hostname?: string;
  readonly port?: number;
  readonly ipv6?: string;
  /** Unpadded base64 of 32 bytes. */
  readonly digest?: string;
  readonly flags?: string;
  readonly protocols?: string;
  /** The whole line after "w "; null leaves it out. */
  readonly bandwidth?: string | null;
}

/** The entry of the `index`th relay; its identity sorts as its index. */
export function relayEntry(index: number, values: Partial<RelayEntry> = {}): RelayEntry {
  const identity = new Uint8Array(20);
  new DataView(identity.buffer).setUint32(0, index);
  return { identity, nickname: `relay${index}`, hostname: `10.${index}.0.1`, ...values };
}

export function writeRelay(relay: RelayEntry): string {
  const identity = relay.identity.toBase64({ omitPadding: true });
  const digest = relay.digest ?? createHash("sha256").update(relay.identity).digest("base64");
  return `r ${relay.nickname ?? "relay"} ${identity} 2038-01-01 00:00:00 ` +
    `${relay.hostname ?? "10.0.0.1"} ${relay.port ?? 9001} 0\n` +
    (relay.ipv6 === undefined ? "" : `a ${relay.ipv6}\n`) +
    `m ${digest.replace("=", "")}\n` +
    `s ${relay.flags ?? "Fast Running Stable Valid"}\n` +
    "v Tor 0.4.8.11\n" +
    `pr ${relay.protocols ?? "Cons=1-2 Link=1-5 LinkAuth=1,3 Relay=1-4"}\n` +
    (relay.bandwidth === null ? "" : `w ${relay.bandwidth ?? "Bandwidth=1000"}\n`);
}

/** What a consensus says; whatever is absent is filled in. */
export interface ConsensusParts {
  readonly validAfter?: number;
  readonly freshUntil?: number;
  readonly validUntil?: number;
  readonly parameters?: string;
  readonly weights?: string;
  /** What "required-client-protocols" says. */
  readonly requiredProtocols?: string;
  /** What "recommended-client-protocols" says. */
  readonly recommendedProtocols?: string;
  readonly relays?: readonly RelayEntry[];
  /** Those that its "dir-source" lines name. */
  readonly authorities: readonly TestAuthority[];
  /** Further lines of the header, each with its newline. */
  readonly headerLines?: string;
}

/** Everything that is signed: up to the space after the first "directory-signature". */
export function writeSignedPart(parts: ConsensusParts): string {
  const validAfter = parts.validAfter ?? Date.UTC(2024, 4, 17, 17);
  const hour = 3600_000;
  const sources = parts.authorities.map(({ nickname, v3Identity, address }, index) => {
    const { hostname, dirPort, orPort } = address ??
      { hostname: `10.99.${index}.1`, dirPort: 80, orPort: 443 };
    return `dir-source ${nickname} ${v3Identity} ${nickname}.example ${hostname} ${dirPort} ` +
      `${orPort}\ncontact ${nickname}\nvote-digest ${v3Identity}\n`;
  });
  return "network-status-version 3 microdesc\n" +
    "vote-status consensus\n" +
    "consensus-method 33\n" +
    `valid-after ${formatTime(validAfter)}\n` +
    `fresh-until ${formatTime(parts.freshUntil ?? validAfter + hour)}\n` +
    `valid-until ${formatTime(parts.validUntil ?? validAfter + 3 * hour)}\n` +
    "voting-delay 300 300\n" +
    "known-flags Authority Exit Fast Guard Running Stable V2Dir Valid\n" +
    `recommended-client-protocols ${parts.recommendedProtocols ?? "Cons=2 Link=4-5"}\n` +
    `required-client-protocols ${parts.requiredProtocols ?? "Cons=2 Link=4"}\n` +
    `params ${parts.parameters ?? "UseOptimisticData=1 bwauthpid=1"}\n` +
    `shared-rand-current-value 8 ${new Uint8Array(32).fill(7).toBase64()}\n` +
    (parts.headerLines ?? "") +
    sources.join("") +
    (parts.relays ?? [relayEntry(1), relayEntry(2)]).map(writeRelay).join("") +
    "directory-footer\n" +
    `bandwidth-weights ${parts.weights ?? "Wbd=0 Wgg=6752"}\n` +
    "directory-signature ";
}

/** One signature's arguments and object, after "directory-signature ". */
export function writeSignature(signer: TestAuthority, signedPart: string): string {
  const digest = createHash("sha256").update(signedPart).digest();
  return `sha256 ${signer.v3Identity} ${signer.signingKeyDigest}\n` +
    object("SIGNATURE", signer.signingKey.sign(digest));
}

/** A whole consensus with the signatures of `signers`, which are at least one. */
export function writeConsensus(
  parts: ConsensusParts,
  signers: readonly TestAuthority[] = parts.authorities,
): Uint8Array<ArrayBuffer> {
  const signedPart = writeSignedPart(parts);
  const signatures = signers.map((signer) => writeSignature(signer, signedPart));
  return encode(signedPart + signatures.join("directory-signature "));
}

/** What a microdescriptor says; whatever is absent is left out, or filled in where it must be. */
export interface MicrodescriptorParts {
  /** An RSA key in DER, which newer microdescriptors lack. */
  readonly rsaKey?: Uint8Array;
  /** 32 bytes */
  readonly onionKey?: Uint8Array;
  /** 32 bytes */
  readonly ed25519Identity?: Uint8Array;
  readonly ipv6?: string;
  readonly family?: string;
  readonly familyIds?: string;
  readonly exitPolicy?: string;
  readonly exitPolicy6?: string;
}

export function writeMicrodescriptor(parts: MicrodescriptorParts = {}): string {
  const line = (keyword: string, value: string | undefined) =>
    value === undefined ? "" : `${keyword} ${value}\n`;
  const onionKey = parts.onionKey ?? new Uint8Array(32).fill(9);
  return "onion-key\n" +
    (parts.rsaKey === undefined ? "" : object("RSA PUBLIC KEY", parts.rsaKey)) +
    `ntor-onion-key ${onionKey.toBase64({ omitPadding: true })}\n` +
    line("a", parts.ipv6) +
    line("family", parts.family) +
    line("family-ids", parts.familyIds) +
    line("p", parts.exitPolicy) +
    line("p6", parts.exitPolicy6) +
    line("id ed25519", parts.ed25519Identity?.toBase64({ omitPadding: true }));
}

/** The unpadded base64 of a document's SHA-256. */
export function sha256Base64(text: string): string {
  return createHash("sha256").update(text).digest("base64").replace("=", "");
}

let authorities: readonly TestAuthority[] | undefined;

/** Three authorities that all tests of one file share, since keys take time to make. */
export function testAuthorities(): readonly TestAuthority[] {
  return authorities ??= ["moria", "tor26", "dizum"].map((name) => new TestAuthority(name));
}
