/**
 * Bodies of the cells and messages that make circuits: CREATE_FAST, CREATE2, CREATED2, EXTEND2 and
 * EXTENDED2 (tor-spec, "Creating circuits").
 *
 * @module
 */
import { type Ed25519Identity, ed25519IdentityBytes } from "../crypto/identity.ts";
import { type RsaIdentity, rsaIdentityBytes } from "../crypto/identity.ts";
import { ByteReader } from "./byte_reader.ts";
import { CellError } from "./errors.ts";
import { CELL_BODY_LENGTH } from "./layout.ts";

/** Handshake types of CREATE2 and EXTEND2. */
export const HandshakeType = { TAP: 0, NTOR: 2, NTOR_V3: 3 } as const;

/**
 * The body of a CREATE2 cell, without padding.
 *
 * | handshake type | length | handshake data |
 * | -------------- | ------ | -------------- |
 * | 2              | 2      | length         |
 */
export function encodeCreate2(
  handshakeType: number,
  handshake: Uint8Array,
): Uint8Array<ArrayBuffer> {
  if (handshake.length > CELL_BODY_LENGTH - 4) {
    throw new CellError("cell-too-long", `CREATE2: ${handshake.length} bytes of handshake`);
  }
  const body = new Uint8Array(4 + handshake.length);
  const view = new DataView(body.buffer);
  view.setUint16(0, handshakeType);
  view.setUint16(2, handshake.length);
  body.set(handshake, 4);
  return body;
}

/**
 * The handshake reply in the body of a CREATED2 cell or an EXTENDED2 message, a view.
 *
 * | length | handshake reply |
 * | ------ | --------------- |
 * | 2      | length          |
 *
 * @throws CellError when the length runs past the body
 */
export function decodeCreated2(body: Uint8Array): Uint8Array {
  const reader = new ByteReader(body, "CREATED2");
  return reader.bytes(reader.uint16());
}

/** The relay that an EXTEND2 names. */
export interface ExtendTarget {
  /** IPv4 address in dotted form. */
  readonly hostname: string;
  readonly port: number;
  readonly rsaIdentity: RsaIdentity;
  readonly ed25519Identity: Ed25519Identity | undefined;
}

/** Types of link specifiers. */
const LinkSpecifier = { IPV4: 0, RSA: 2, ED25519: 3 } as const;

/**
 * The body of an EXTEND2 message. The link specifiers are IPv4, RSA identity and, if known,
 * Ed25519 identity, in this order and no others: any difference would mark the client.
 *
 * | count | link specifiers: type, length, value | handshake type | length | handshake data |
 * | ----- | ------------------------------------ | -------------- | ------ | -------------- |
 * | 1     | 1, 1, length each                    | 2              | 2      | length         |
 *
 * @throws CellError when the address is not IPv4
 */
export function encodeExtend2(
  target: ExtendTarget,
  handshakeType: number,
  handshake: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const address = ipv4Bytes(target.hostname);
  if (address === undefined) {
    throw new CellError("cell-malformed", "EXTEND2: the relay's address is not IPv4");
  }
  const specifiers: [number, Uint8Array][] = [
    [LinkSpecifier.IPV4, Uint8Array.of(...address, target.port >>> 8, target.port & 0xff)],
    [LinkSpecifier.RSA, rsaIdentityBytes(target.rsaIdentity)],
  ];
  if (target.ed25519Identity !== undefined) {
    specifiers.push([LinkSpecifier.ED25519, ed25519IdentityBytes(target.ed25519Identity)]);
  }
  const bytes: number[] = [specifiers.length];
  for (const [type, value] of specifiers) bytes.push(type, value.length, ...value);
  const create = encodeCreate2(handshakeType, handshake);
  const body = new Uint8Array(bytes.length + create.length);
  body.set(bytes);
  body.set(create, bytes.length);
  return body;
}

/** The 4 bytes of an IPv4 address in dotted form; `undefined` when `text` is anything else. */
export function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) {
    return undefined;
  }
  const numbers = parts.map(Number);
  return numbers.every((number) => number <= 255) ? Uint8Array.from(numbers) : undefined;
}
