/**
 * Bodies of the relay messages of streams: BEGIN, CONNECTED, END, RESOLVE and RESOLVED
 * (tor-spec, "Application connections and stream management", "Remote hostname lookup").
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { ByteReader } from "./byte_reader.ts";
import { CellError } from "./errors.ts";
import { RELAY_DATA_LENGTH } from "./layout.ts";

/** Flags of a BEGIN message. */
export const BeginFlag = { IPV6_OKAY: 1, IPV4_NOT_OKAY: 2, IPV6_PREFERRED: 4 } as const;

/**
 * The body of a BEGIN message. The flags are left out when zero.
 *
 * | address and port       | zero | flags  |
 * | ---------------------- | ---- | ------ |
 * | `host:port`, in ASCII  | 1    | 0 or 4 |
 *
 * @param host a host name, an IPv4 address, or an IPv6 address without brackets
 * @throws CellError when it is too long or not printable ASCII
 */
export function encodeBegin(host: string, port: number, flags: number): Uint8Array<ArrayBuffer> {
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  checkName(address, "BEGIN");
  const body = new Uint8Array(address.length + 1 + (flags === 0 ? 0 : 4));
  new TextEncoder().encodeInto(address, body);
  if (flags !== 0) new DataView(body.buffer).setUint32(address.length + 1, flags);
  return body;
}

/**
 * The body of a RESOLVE message: a name and a zero byte.
 *
 * @throws CellError when it is too long or not printable ASCII
 */
export function encodeResolve(name: string): Uint8Array<ArrayBuffer> {
  checkName(name, "RESOLVE");
  const body = new Uint8Array(name.length + 1);
  new TextEncoder().encodeInto(name, body);
  return body;
}

function checkName(name: string, what: string): void {
  if (!/^[\x21-\x7e]+$/.test(name)) {
    throw new CellError("cell-malformed", `${what}: the name is empty or not printable ASCII`);
  }
  if (name.length > RELAY_DATA_LENGTH - 5) {
    throw new CellError("cell-too-long", `${what}: a name of ${name.length} bytes`);
  }
}

/** An address with its family, as CONNECTED, END and RESOLVED carry it. */
export interface AnsweredAddress {
  readonly kind: "ip4" | "ip6";
  /** Dotted form, or IPv6 in the form without brackets. */
  readonly value: string;
}

/** What a CONNECTED message says: the address the exit connected to, if it says one. */
export interface Connected {
  readonly address: AnsweredAddress | undefined;
  /** How long the address may be kept, in seconds. */
  readonly ttl: number;
}

/**
 * The body of a CONNECTED message: empty, or one of
 *
 * | IPv4: address | ttl |     | IPv6: zero | type (6) | address | ttl |
 * | ------------- | --- | --- | ---------- | -------- | ------- | --- |
 * | 4             | 4   |     | 4          | 1        | 16      | 4   |
 *
 * @throws CellError when it is neither
 */
export function decodeConnected(body: Uint8Array): Connected {
  if (body.length === 0) return { address: undefined, ttl: 0 };
  const reader = new ByteReader(body, "CONNECTED");
  const first = reader.bytes(4);
  if (first.some((byte) => byte !== 0)) {
    // Some relays leave the ttl out; C tor takes that as none.
    const ttl = reader.remaining >= 4 ? reader.uint32() : 0;
    return { address: { kind: "ip4", value: formatIpv4(first) }, ttl };
  }
  const type = reader.uint8();
  if (type !== 6) throw new CellError("cell-malformed", `CONNECTED: address type ${type}`);
  const address = { kind: "ip6", value: formatIpv6(reader.bytes(16)) } as const;
  return { address, ttl: reader.uint32() };
}

const END_REASONS = {
  1: "misc",
  2: "resolve-failed",
  3: "connection-refused",
  4: "exit-policy",
  5: "destroy",
  6: "done",
  7: "timeout",
  8: "no-route",
  9: "hibernating",
  10: "internal",
  11: "resource-limit",
  12: "connection-reset",
  13: "tor-protocol",
  14: "not-directory",
} as const;

/** Why the other side ended a stream; reasons that nobody knows count as `misc`. */
export type EndReason = typeof END_REASONS[keyof typeof END_REASONS];

/** The body of every END that a client sends: MISC, whatever happened. */
export const END_BODY_MISC: Uint8Array = Uint8Array.of(1);

/** What an END message says. */
export interface End {
  readonly reason: EndReason;
  /** With `exit-policy`: the address that the name stood for. */
  readonly address: AnsweredAddress | undefined;
}

/**
 * The body of an END message. An empty one means `misc`.
 *
 * | reason | for exit-policy: address | ttl |
 * | ------ | ------------------------ | --- |
 * | 1      | 4 or 16                  | 4   |
 */
export function decodeEnd(body: Uint8Array): End {
  const number = body.length === 0 ? 1 : body[0];
  const reason = END_REASONS[number as keyof typeof END_REASONS] ?? "misc";
  let address: AnsweredAddress | undefined;
  if (reason === "exit-policy") {
    if (body.length === 5 || body.length === 9) {
      address = { kind: "ip4", value: formatIpv4(body.subarray(1, 5)) };
    } else if (body.length === 17 || body.length === 21) {
      address = { kind: "ip6", value: formatIpv6(body.subarray(1, 17)) };
    }
  }
  return { reason, address };
}

/** One answer of a RESOLVED message. */
export type ResolvedAnswer = ResolvedRecord | {
  readonly kind: "transient-error" | "error";
  /** How long the answer may be kept, in seconds. */
  readonly ttl: number;
};

/** An answer that says something. */
export interface ResolvedRecord {
  readonly kind: "ip4" | "ip6" | "name";
  /** Canonical text of the address, or the name. */
  readonly value: string;
  /** How long the answer may be kept, in seconds. */
  readonly ttl: number;
}

const ResolvedType = { NAME: 0, IPV4: 4, IPV6: 6, TRANSIENT_ERROR: 0xf0, ERROR: 0xf1 } as const;

/**
 * The answers of a RESOLVED message; those of unknown type are left out.
 *
 * | for each: type | length | value  | ttl |
 * | -------------- | ------ | ------ | --- |
 * | 1              | 1      | length | 4   |
 *
 * @throws CellError when it is cut off, an address has the wrong length, or a name is empty or not
 * printable ASCII
 */
export function decodeResolved(body: Uint8Array): ResolvedAnswer[] {
  const reader = new ByteReader(body, "RESOLVED");
  const answers: ResolvedAnswer[] = [];
  while (reader.remaining > 0) {
    const type = reader.uint8();
    const value = reader.bytes(reader.uint8());
    const ttl = reader.uint32();
    switch (type) {
      case ResolvedType.NAME:
        answers.push({ kind: "name", value: decodeHostName(value), ttl });
        break;
      case ResolvedType.IPV4:
      case ResolvedType.IPV6: {
        const kind = type === ResolvedType.IPV4 ? "ip4" : "ip6";
        if (value.length !== (kind === "ip4" ? 4 : 16)) {
          throw new CellError("cell-malformed", `RESOLVED: ${kind} of ${value.length} bytes`);
        }
        answers.push({
          kind,
          value: kind === "ip4" ? formatIpv4(value) : formatIpv6(value),
          ttl,
        });
        break;
      }
      case ResolvedType.TRANSIENT_ERROR:
        answers.push({ kind: "transient-error", ttl });
        break;
      case ResolvedType.ERROR:
        answers.push({ kind: "error", ttl });
        break;
    }
  }
  return answers;
}

function decodeHostName(bytes: Uint8Array): string {
  if (bytes.length === 0) throw new CellError("cell-malformed", "RESOLVED: an empty name");
  for (const byte of bytes) {
    if (byte < 0x21 || byte > 0x7e) {
      throw new CellError("cell-malformed", "RESOLVED: the name is not printable ASCII");
    }
  }
  return String.fromCharCode(...bytes);
}

/** Dotted form of 4 bytes. */
export function formatIpv4(bytes: Uint8Array): string {
  return bytes.join(".");
}

/** The canonical text (RFC 5952) of the 16 bytes of an IPv6 address. */
export function formatIpv6(bytes: Uint8Array): string {
  return new ipaddr.IPv6([...bytes]).toRFC5952String();
}
