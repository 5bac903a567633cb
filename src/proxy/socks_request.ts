/**
 * What an application asks for, in whichever version of SOCKS, and the ways in which reading one
 * message of it can end.
 *
 * @module
 */
import type { Destination } from "./destination.ts";
import type { SocksRefusal } from "./socks_replies.ts";

/** The commands that are understood; RESOLVE and RESOLVE_PTR are Tor's own (socks-extensions). */
export type SocksCommand = "connect" | "resolve" | "resolve-ptr";

/** Who the application says it is. Everything is accepted; it serves isolation. */
export interface SocksCredentials {
  /** 0 to 511 bytes; SOCKS4 calls it the user id. */
  readonly username: Uint8Array;
  /** 0 to 255 bytes; always empty in SOCKS4. */
  readonly password: Uint8Array;
}

/** A complete request that may be served. */
export interface SocksRequest {
  readonly version: 4 | 5;
  readonly command: SocksCommand;
  readonly destination: Destination;
  /** 1 to 65535 for "connect"; anything for the others, which have no use for it. */
  readonly port: number;
  readonly credentials: SocksCredentials;
}

/** What reading one message from the beginning of some bytes gives. */
export type Parsed<T> =
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused"; readonly code: SocksRefusal }
  /** `length` is how many bytes the message took. */
  | { readonly kind: "message"; readonly value: T; readonly length: number };

/** More bytes are needed. */
export const INCOMPLETE = { kind: "incomplete" } as const;

/** The message cannot be served. */
export function refused(code: SocksRefusal): { kind: "refused"; code: SocksRefusal } {
  return { kind: "refused", code };
}

/** Bytes as text with one character each, so that no byte is lost or merged before it is checked. */
export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
