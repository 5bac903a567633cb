/**
 * A TLS server that can send one key's certificate and sign with another key: what somebody does
 * who has copied a relay's public certificate. TLS libraries refuse to play it, so that it is
 * written out here, for the one cipher suite of each version that it knows (RFC 8446 and 5246).
 *
 * All but the signature is right, and so the client's answer shows whether the signature counts.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import type { Socket } from "node:net";

/** What a handshake is done with. */
export interface ImpostorParts {
  readonly version: "TLS 1.2" | "TLS 1.3";
  /** DER, or anything else; whose key is said to be at this end. */
  readonly certificate: Uint8Array;
  /** The key that the handshake is signed with: on P-256, or RSA under TLS 1.3. */
  readonly signer: KeyObject;
}

/** What the client said to the signed handshake. */
export type ImpostorOutcome =
  /** It went on as with the true owner of the certificate. */
  | { readonly kind: "accepted" }
  | { readonly kind: "alert"; readonly description: number }
  /** It has closed the connection without a word. */
  | { readonly kind: "closed" };

/** What a server that is too old answers to the client's greeting. */
export type OldAnswer =
  /** TLS 1.1, with the best suite that it had. */
  | "TLS 1.1"
  /** TLS 1.2, with a suite of CBC and HMAC, which is no AEAD. */
  | "TLS 1.2 with CBC"
  /** An alert that says that it has nothing in common with what the client has offered. */
  | { readonly alert: number };

/** Answers the client's greeting as an old server does, and gives what the client says to that. */
export async function speakOldTls(socket: Socket, answer: OldAnswer): Promise<ImpostorOutcome> {
  try {
    const reader = readRecords(socket);
    const { value: greeting } = await reader.next();
    if (greeting === undefined) return { kind: "closed" };
    if (typeof answer === "object") {
      const fatal = 2;
      socket.write(record(RecordType.Alert, bytes([fatal, answer.alert])));
    } else {
      const { random } = parseClientHello(greeting.body);
      const [version, suite] = answer === "TLS 1.1" ? OLD_SUITES.tls11 : OLD_SUITES.tls12;
      const own = createHash("sha256").update(random).digest();
      const hello = bytes([3, version], own, [0], uint16(suite), [0]);
      socket.write(record(RecordType.Handshake, handshake(HandshakeType.ServerHello, hello)));
    }
    return clearAnswer((await reader.next()).value);
  } finally {
    socket.destroy();
  }
}

/** Does the handshake on a connection that was accepted, and hangs up after the client's answer. */
export async function impersonate(socket: Socket, parts: ImpostorParts): Promise<ImpostorOutcome> {
  const reader = readRecords(socket);
  const next = async () => (await reader.next()).value;
  try {
    const first = await next();
    if (first === undefined) return { kind: "closed" };
    const hello = parseClientHello(first.body);
    const answer = parts.version === "TLS 1.3" ? serveTls13 : serveTls12;
    return await answer(socket, parts, hello, next);
  } finally {
    socket.destroy();
  }
}

const RecordType = { ChangeCipherSpec: 20, Alert: 21, Handshake: 22, ApplicationData: 23 } as const;
const HandshakeType = {
  ServerHello: 2,
  EncryptedExtensions: 8,
  Certificate: 11,
  ServerKeyExchange: 12,
  ServerHelloDone: 14,
  CertificateVerify: 15,
  Finished: 20,
} as const;
/** The second byte of the version, and the suite. */
const OLD_SUITES = {
  tls11: [2, 0xc009], // TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
  tls12: [3, 0xc023], // TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
} as const;
const X25519 = 29;
const ECDSA_SECP256R1_SHA256 = [4, 3];
const RSA_PSS_RSAE_SHA256 = [8, 4];
/** As TLS 1.3 has it: the salt is as long as the hash. */
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };

interface TlsRecord {
  readonly type: number;
  /** The five bytes before the body. */
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

interface ClientHello {
  /** The whole handshake message. */
  readonly message: Uint8Array;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  /** By number. */
  readonly extensions: ReadonlyMap<number, Uint8Array>;
}

type NextRecord = () => Promise<TlsRecord | undefined>;

/** The server's flight is in the clear and ends with ServerHelloDone. */
async function serveTls12(
  socket: Socket,
  { certificate, signer }: ImpostorParts,
  hello: ClientHello,
  next: NextRecord,
): Promise<ImpostorOutcome> {
  const random = createHash("sha256").update(hello.random).digest();
  const exchange = generateKeyPairSync("x25519");
  const parameters = bytes([3], uint16(X25519), vector8(x25519Public(exchange.publicKey)));
  const signature = sign("sha256", bytes(hello.random, random, parameters), signer);
  // Extended master secret, which the client has offered.
  const extensions = extension(0x17, bytes());
  const flight = bytes(
    handshake(
      HandshakeType.ServerHello,
      bytes([3, 3], random, [0], [0xc0, 0x2b], [0], vector16(extensions)),
    ),
    handshake(HandshakeType.Certificate, vector24(vector24(certificate))),
    handshake(
      HandshakeType.ServerKeyExchange,
      bytes(parameters, ECDSA_SECP256R1_SHA256, vector16(signature)),
    ),
    handshake(HandshakeType.ServerHelloDone, bytes()),
  );
  socket.write(record(RecordType.Handshake, flight));
  return clearAnswer(await next());
}

/** What a record in the clear means; a client that goes on sends its half of the key exchange. */
function clearAnswer(answer: TlsRecord | undefined): ImpostorOutcome {
  if (answer === undefined) return { kind: "closed" };
  if (answer.type !== RecordType.Alert) return { kind: "accepted" };
  return { kind: "alert", description: answer.body[1] };
}

/** TLS_AES_128_GCM_SHA256 with X25519; all after ServerHello is encrypted. */
async function serveTls13(
  socket: Socket,
  { certificate, signer }: ImpostorParts,
  hello: ClientHello,
  next: NextRecord,
): Promise<ImpostorOutcome> {
  const exchange = generateKeyPairSync("x25519");
  const theirs = x25519FromBytes(keyShare(hello));
  const secret = diffieHellman({ privateKey: exchange.privateKey, publicKey: theirs });
  const random = createHash("sha256").update(hello.random).digest();
  const extensions = bytes(
    extension(43, bytes([3, 4])),
    extension(51, bytes(uint16(X25519), vector16(x25519Public(exchange.publicKey)))),
  );
  const serverHello = handshake(
    HandshakeType.ServerHello,
    bytes([3, 3], random, vector8(hello.sessionId), [0x13, 0x01], [0], vector16(extensions)),
  );
  socket.write(record(RecordType.Handshake, serverHello));

  const transcript = createHash("sha256").update(hello.message).update(serverHello);
  const soFar = () => transcript.copy().digest();
  const zeros = new Uint8Array(32);
  const early = hmac(zeros, zeros);
  const derived = expandLabel(early, "derived", createHash("sha256").digest(), 32);
  const handshakeSecret = hmac(derived, secret);
  const serverSecret = expandLabel(handshakeSecret, "s hs traffic", soFar(), 32);
  const clientSecret = expandLabel(handshakeSecret, "c hs traffic", soFar(), 32);

  const flight: Uint8Array[] = [];
  const say = (type: number, body: Uint8Array) => {
    const message = handshake(type, body);
    transcript.update(message);
    flight.push(message);
  };
  say(HandshakeType.EncryptedExtensions, vector16(bytes()));
  const entry = bytes(vector24(certificate), vector16(bytes()));
  say(HandshakeType.Certificate, bytes([0], vector24(entry)));
  const signed = bytes(
    new Uint8Array(64).fill(0x20),
    Buffer.from("TLS 1.3, server CertificateVerify\0"),
    soFar(),
  );
  const [scheme, signature] = signer.asymmetricKeyType === "rsa"
    ? [RSA_PSS_RSAE_SHA256, sign("sha256", signed, { key: signer, ...PSS })]
    : [ECDSA_SECP256R1_SHA256, sign("sha256", signed, signer)];
  say(HandshakeType.CertificateVerify, bytes(scheme, vector16(signature)));
  const finishedKey = expandLabel(serverSecret, "finished", bytes(), 32);
  say(HandshakeType.Finished, hmac(finishedKey, soFar()));
  socket.write(seal(serverSecret, bytes(...flight, [RecordType.Handshake])));

  for (let answer = await next(); answer !== undefined; answer = await next()) {
    if (answer.type === RecordType.ChangeCipherSpec) continue;
    const [type, description] = answer.type === RecordType.ApplicationData
      ? typeAndSecondByte(open(clientSecret, answer))
      : [answer.type, answer.body[1]];
    if (type === RecordType.Alert) return { kind: "alert", description };
    // The client's own Finished.
    return { kind: "accepted" };
  }
  return { kind: "closed" };
}

async function* readRecords(socket: Socket): AsyncGenerator<TlsRecord, undefined> {
  let held = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 5 && held.length >= 5 + held.readUInt16BE(3)) {
        const end = 5 + held.readUInt16BE(3);
        yield { type: held[0], header: held.subarray(0, 5), body: held.subarray(5, end) };
        held = held.subarray(end);
      }
    }
  } catch {
    // The client has reset the connection.
  }
}

function parseClientHello(message: Uint8Array): ClientHello {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const random = message.subarray(6, 38);
  let at = 38;
  const sessionId = message.subarray(at + 1, at + 1 + message[at]);
  at += 1 + sessionId.length;
  at += 2 + view.getUint16(at); // cipher suites
  at += 1 + message[at]; // compression methods
  at += 2;
  const extensions = new Map<number, Uint8Array>();
  while (at < message.length) {
    const length = view.getUint16(at + 2);
    extensions.set(view.getUint16(at), message.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { message, random, sessionId, extensions };
}

/** The X25519 key that the client has offered. */
function keyShare(hello: ClientHello): Uint8Array {
  const shares = Buffer.from(hello.extensions.get(51) ?? []);
  for (let at = 2; at < shares.length; at += 4 + shares.readUInt16BE(at + 2)) {
    if (shares.readUInt16BE(at) === X25519) return shares.subarray(at + 4, at + 36);
  }
  throw new Error("the client offers no X25519 key");
}

function x25519Public(key: KeyObject): Uint8Array {
  return key.export({ format: "der", type: "spki" }).subarray(-32);
}

function x25519FromBytes(key: Uint8Array): KeyObject {
  const prefix = Uint8Array.fromHex("302a300506032b656e032100");
  return createPublicKey({ key: Buffer.concat([prefix, key]), format: "der", type: "spki" });
}

function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(data).digest();
}

/** HKDF-Expand-Label for at most 32 bytes. */
function expandLabel(
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const name = vector8(Buffer.from(`tls13 ${label}`));
  return hmac(secret, bytes(uint16(length), name, vector8(context), [1])).subarray(0, length);
}

/** The first record under a traffic secret: all that is ever sent here in one direction. */
function seal(secret: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const header = bytes([RecordType.ApplicationData, 3, 3], uint16(plaintext.length + 16));
  const cipher = createCipheriv(
    "aes-128-gcm",
    expandLabel(secret, "key", bytes(), 16),
    expandLabel(secret, "iv", bytes(), 12),
  ).setAAD(header);
  const body = bytes(cipher.update(plaintext), cipher.final());
  return bytes(header, body, cipher.getAuthTag());
}

function open(secret: Uint8Array, { header, body }: TlsRecord): Uint8Array {
  const decipher = createDecipheriv(
    "aes-128-gcm",
    expandLabel(secret, "key", bytes(), 16),
    expandLabel(secret, "iv", bytes(), 12),
  ).setAAD(header).setAuthTag(body.subarray(-16));
  return bytes(decipher.update(body.subarray(0, -16)), decipher.final());
}

/** The type of what was encrypted, which is its last byte, and the second byte of its content. */
function typeAndSecondByte(plaintext: Uint8Array): [number, number] {
  return [plaintext[plaintext.length - 1], plaintext[1]];
}

function record(type: number, body: Uint8Array): Uint8Array {
  return bytes([type, 3, 3], vector16(body));
}

function handshake(type: number, body: Uint8Array): Uint8Array {
  return bytes([type], vector24(body));
}

function extension(type: number, body: Uint8Array): Uint8Array {
  return bytes(uint16(type), vector16(body));
}

function bytes(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Uint8Array.from(part)));
}

function uint16(value: number): number[] {
  return [value >>> 8, value & 0xff];
}

function vector8(body: Uint8Array): Uint8Array {
  return bytes([body.length], body);
}

function vector16(body: Uint8Array): Uint8Array {
  return bytes(uint16(body.length), body);
}

function vector24(body: Uint8Array): Uint8Array {
  return bytes([body.length >>> 16], uint16(body.length & 0xffff), body);
}
