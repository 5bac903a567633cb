/**
 * Bodies of relay messages as a relay reads and writes them: the counterpart of src/cell/create.ts
 * and src/cell/stream_messages.ts.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { ByteReader } from "../src/cell/byte_reader.ts";
import type { ExtendTarget } from "../src/cell/create.ts";
import { CellError } from "../src/cell/errors.ts";
import { formatIpv4, type ResolvedRecord } from "../src/cell/stream_messages.ts";
import { ed25519IdentityFromBytes, rsaIdentityFromBytes } from "../src/crypto/identity.ts";

/** Reasons of END messages (tor-spec, "Closing streams"). */
export const EndReason = {
  MISC: 1,
  RESOLVE_FAILED: 2,
  CONNECTION_REFUSED: 3,
  EXIT_POLICY: 4,
  DONE: 6,
  TOR_PROTOCOL: 13,
  NOT_DIRECTORY: 14,
} as const;

/** Reasons of DESTROY cells and TRUNCATED messages (tor-spec, "Tearing down circuits"). */
export const DestroyReason = {
  NONE: 0,
  PROTOCOL: 1,
  INTERNAL: 2,
  REQUESTED: 3,
  RESOURCE_LIMIT: 5,
  CONNECT_FAILED: 6,
  CHANNEL_CLOSED: 8,
  FINISHED: 9,
  DESTROYED: 11,
} as const;

/** How long an answer about a name may be kept, in seconds. */
const TIME_TO_LIVE = 60;

/** What a CREATE2 cell asks for, or an EXTEND2 message of the next relay. */
export interface CreateRequest {
  readonly handshakeType: number;
  readonly handshake: Uint8Array;
}

/**
 * Reads the body of a CREATE2 cell; `handshake` is a view.
 *
 * @throws CellError when it is cut off
 */
export function decodeCreate2(body: Uint8Array): CreateRequest {
  const reader = new ByteReader(body, "CREATE2");
  return { handshakeType: reader.uint16(), handshake: reader.bytes(reader.uint16()) };
}

/** A CREATED2 body, or that of an EXTENDED2: the length and the handshake's reply. */
export function encodeCreated2(reply: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([reply.length >>> 8, reply.length & 0xff, ...reply]);
}

/** What an EXTEND2 message asks for. */
export interface ExtendRequest extends CreateRequest {
  readonly target: ExtendTarget;
}

/**
 * Reads the body of an EXTEND2 message; link specifiers of other kinds are passed over.
 *
 * @throws CellError when it is cut off, or has no IPv4 address or no RSA identity
 */
export function decodeExtend2(body: Uint8Array): ExtendRequest {
  const reader = new ByteReader(body, "EXTEND2");
  let address: Uint8Array | undefined;
  let rsa: Uint8Array | undefined;
  let ed25519: Uint8Array | undefined;
  for (let left = reader.uint8(); left > 0; left--) {
    const type = reader.uint8();
    const value = reader.bytes(reader.uint8());
    if (type === 0 && value.length === 6) address ??= value;
    if (type === 2 && value.length === 20) rsa ??= value;
    if (type === 3 && value.length === 32) ed25519 ??= value;
  }
  if (address === undefined || rsa === undefined) {
    throw new CellError("cell-malformed", "EXTEND2: no IPv4 address or no RSA identity");
  }
  return {
    target: {
      hostname: formatIpv4(address.subarray(0, 4)),
      port: address[4] << 8 | address[5],
      rsaIdentity: rsaIdentityFromBytes(rsa),
      ed25519Identity: ed25519 && ed25519IdentityFromBytes(ed25519),
    },
    handshakeType: reader.uint16(),
    handshake: reader.bytes(reader.uint16()).slice(),
  };
}

/** What a BEGIN message asks for. */
export interface BeginRequest {
  /** A host name or an address, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Bits of BeginFlag. */
  readonly flags: number;
}

/**
 * Reads the body of a BEGIN message.
 *
 * @throws CellError when it is not an address, a port and perhaps flags
 */
export function decodeBegin(body: Uint8Array): BeginRequest {
  const end = body.indexOf(0);
  const text = new TextDecoder().decode(body.subarray(0, end < 0 ? body.length : end));
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  if (end < 0 || hostname === undefined || Number(port) < 1 || Number(port) > 65535) {
    throw new CellError("cell-malformed", "BEGIN: not an address and a port");
  }
  const rest = new ByteReader(body.subarray(end + 1), "BEGIN");
  return { hostname, port: Number(port), flags: rest.remaining >= 4 ? rest.uint32() : 0 };
}

/**
 * Reads the name in the body of a RESOLVE message.
 *
 * @throws CellError when no zero ends it
 */
export function decodeResolve(body: Uint8Array): string {
  const end = body.indexOf(0);
  if (end < 0) throw new CellError("cell-malformed", "RESOLVE: the name has no end");
  return new TextDecoder().decode(body.subarray(0, end));
}

/** The body of a CONNECTED message that names the address of the target. */
export function encodeConnected(address: string): Uint8Array<ArrayBuffer> {
  const bytes = ipaddr.parse(address).toByteArray();
  const head = bytes.length === 4 ? [] : [0, 0, 0, 0, 6];
  return Uint8Array.from([...head, ...bytes, 0, 0, 0, TIME_TO_LIVE]);
}

/** The body of an END message; one for EXIT_POLICY may name the address that was refused. */
export function encodeEnd(reason: number, address?: string): Uint8Array<ArrayBuffer> {
  if (address === undefined) return Uint8Array.of(reason);
  return Uint8Array.from([reason, ...ipaddr.parse(address).toByteArray(), 0, 0, 0, TIME_TO_LIVE]);
}

const RESOLVED_TYPES = { name: 0, ip4: 4, ip6: 6 } as const;
const RESOLVED_ERROR = 0xf1;

/** The body of a RESOLVED message with one answer; without one it says that there is none. */
export function encodeResolved(
  answer: Pick<ResolvedRecord, "kind" | "value"> | undefined,
): Uint8Array<ArrayBuffer> {
  const type = answer === undefined ? RESOLVED_ERROR : RESOLVED_TYPES[answer.kind];
  const value = answer === undefined
    ? []
    : answer.kind === "name"
    ? new TextEncoder().encode(answer.value)
    : ipaddr.parse(answer.value).toByteArray();
  return Uint8Array.from([type, value.length, ...value, 0, 0, 0, TIME_TO_LIVE]);
}
