/**
 * What an application is answered, in SOCKS5 and SOCKS4: the one table from codes of errors and
 * refusals to reply codes, and the bytes of replies.
 *
 * @module
 */
import type { ResolvedAnswer } from "../stream/opener.ts";
import type { DestinationRefusal } from "./destination.ts";
import { addressBytes } from "./destination.ts";

/** Reply codes of SOCKS5 (RFC 1928, section 6). */
export const Socks5Reply = {
  Succeeded: 0,
  GeneralFailure: 1,
  NotAllowed: 2,
  NetworkUnreachable: 3,
  HostUnreachable: 4,
  ConnectionRefused: 5,
  TtlExpired: 6,
  CommandNotSupported: 7,
  AddressTypeNotSupported: 8,
} as const;

/** One of the reply codes of SOCKS5. */
export type Socks5ReplyCode = typeof Socks5Reply[keyof typeof Socks5Reply];

/** Why the proxy itself refuses what an application asks. */
export type SocksRefusal =
  | DestinationRefusal
  | "socks-version-unknown"
  | "socks-malformed"
  | "socks-too-long"
  | "socks-no-acceptable-method"
  | "socks-username-reserved"
  | "socks-command-unsupported"
  | "socks-address-type-unsupported"
  | "socks-port-zero"
  | "socks-unsafe";

/** SOCKS4: the request is granted. */
const SOCKS4_GRANTED = 90;
/** SOCKS4: the request is rejected or failed. */
const SOCKS4_REJECTED = 91;

const REFUSALS: Readonly<Record<SocksRefusal, Socks5ReplyCode>> = {
  "hostname-malformed": Socks5Reply.GeneralFailure,
  "exit-name-refused": Socks5Reply.GeneralFailure,
  "socks-version-unknown": Socks5Reply.GeneralFailure,
  "socks-malformed": Socks5Reply.GeneralFailure,
  "socks-too-long": Socks5Reply.GeneralFailure,
  "socks-no-acceptable-method": Socks5Reply.GeneralFailure,
  "socks-username-reserved": Socks5Reply.GeneralFailure,
  "socks-command-unsupported": Socks5Reply.CommandNotSupported,
  "socks-address-type-unsupported": Socks5Reply.AddressTypeNotSupported,
  "socks-port-zero": Socks5Reply.GeneralFailure,
  "socks-unsafe": Socks5Reply.NotAllowed,
};

/** By code of an error or a refusal. A code that is not listed is a general failure. */
const REPLIES: ReadonlyMap<string, Socks5ReplyCode> = new Map<string, Socks5ReplyCode>([
  ...Object.entries(REFUSALS),
  // RELAY_END before RELAY_CONNECTED, by its reason (tor-spec, RELAY_END).
  ["end-misc", Socks5Reply.GeneralFailure],
  ["end-resolve-failed", Socks5Reply.HostUnreachable],
  ["end-connection-refused", Socks5Reply.ConnectionRefused],
  ["end-exit-policy", Socks5Reply.NotAllowed],
  ["end-destroy", Socks5Reply.GeneralFailure],
  // An end in good order, but before anything was connected: the other side closed at once.
  ["end-done", Socks5Reply.ConnectionRefused],
  ["end-timeout", Socks5Reply.TtlExpired],
  ["end-no-route", Socks5Reply.HostUnreachable],
  ["end-hibernating", Socks5Reply.GeneralFailure],
  ["end-internal", Socks5Reply.GeneralFailure],
  ["end-resource-limit", Socks5Reply.GeneralFailure],
  ["end-connection-reset", Socks5Reply.ConnectionRefused],
  ["end-tor-protocol", Socks5Reply.GeneralFailure],
  ["end-not-directory", Socks5Reply.GeneralFailure],
  // RELAY_RESOLVED without an answer.
  ["resolve-failed", Socks5Reply.HostUnreachable],
  ["resolve-failed-for-now", Socks5Reply.HostUnreachable],
  // What the client itself says.
  ["internal-answer-refused", Socks5Reply.GeneralFailure],
  ["internal-address-refused", Socks5Reply.GeneralFailure],
  ["onion-unsupported", Socks5Reply.GeneralFailure],
  // What a door does not let through.
  ["target-refused", Socks5Reply.NotAllowed],
  ["plaintext-port-refused", Socks5Reply.NotAllowed],
  ["name-refused", Socks5Reply.NotAllowed],
  ["virtual-address-unknown", Socks5Reply.GeneralFailure],
  ["no-directory", Socks5Reply.GeneralFailure],
  ["not-bootstrapped", Socks5Reply.GeneralFailure],
  ["stream-timeout", Socks5Reply.TtlExpired],
]);

/** The SOCKS5 reply for the code of an error or of a refusal. */
export function socks5ReplyFor(code: string): Socks5ReplyCode {
  return REPLIES.get(code) ?? Socks5Reply.GeneralFailure;
}

/**
 * A SOCKS5 reply without an address (10 bytes):
 *
 * | bytes | meaning                        |
 * | ----- | ------------------------------ |
 * | 1     | version, 5                     |
 * | 1     | {@link Socks5Reply}            |
 * | 1     | 0                              |
 * | 1     | address type, 1                |
 * | 4     | 0.0.0.0, for none              |
 * | 2     | port 0                         |
 */
export function encodeSocks5Reply(reply: Socks5ReplyCode): Uint8Array {
  return Uint8Array.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0);
}

/** A SOCKS4 reply (8 bytes): 0, 90 or 91, port 0, and an IPv4 address or 0.0.0.0. */
export function encodeSocks4Reply(granted: boolean, address?: Uint8Array): Uint8Array {
  const reply = Uint8Array.of(0, granted ? SOCKS4_GRANTED : SOCKS4_REJECTED, 0, 0, 0, 0, 0, 0);
  if (address?.length === 4) reply.set(address, 4);
  return reply;
}

/** A reply in the version that the application speaks. */
export function encodeReply(version: 4 | 5, reply: Socks5ReplyCode): Uint8Array {
  return version === 5
    ? encodeSocks5Reply(reply)
    : encodeSocks4Reply(reply === Socks5Reply.Succeeded);
}

/**
 * The reply to RESOLVE or RESOLVE_PTR (socks-extensions, name lookup): one of the answers, in the
 * place of the bound address. An IPv4 address is preferred to an IPv6 one, as C tor does; SOCKS4
 * has room for IPv4 only. Without a fitting answer: host unreachable.
 *
 * | bytes        | meaning                                     |
 * | ------------ | ------------------------------------------- |
 * | 3            | 5, 0, 0                                     |
 * | 1            | address type: 1 IPv4, 3 name, 4 IPv6        |
 * | 4, 1+n or 16 | address; a name after a byte with its length |
 * | 2            | port 0                                      |
 */
export function encodeAnswer(version: 4 | 5, answers: readonly ResolvedAnswer[]): Uint8Array {
  for (const kind of ["ip4", "ip6", "name"] as const) {
    for (const answer of answers) {
      if (answer.kind !== kind) continue;
      const encoded = version === 4 ? socks4Answer(answer) : socks5Answer(answer);
      if (encoded !== undefined) return encoded;
    }
  }
  return encodeReply(version, Socks5Reply.HostUnreachable);
}

function socks4Answer({ kind, value }: ResolvedAnswer): Uint8Array | undefined {
  const address = kind === "ip4" ? addressBytes(value) : undefined;
  return address?.length === 4 ? encodeSocks4Reply(true, address) : undefined;
}

function socks5Answer({ kind, value }: ResolvedAnswer): Uint8Array | undefined {
  if (kind === "name") {
    const name = new TextEncoder().encode(value);
    if (name.length === 0 || name.length > 255) return undefined;
    return Uint8Array.of(5, Socks5Reply.Succeeded, 0, 3, name.length, ...name, 0, 0);
  }
  const address = addressBytes(value);
  if (address?.length !== (kind === "ip4" ? 4 : 16)) return undefined;
  return Uint8Array.of(5, Socks5Reply.Succeeded, 0, kind === "ip4" ? 1 : 4, ...address, 0, 0);
}
