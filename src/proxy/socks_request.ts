/**
 * What an application asks for, in whichever version of SOCKS, and the ways in which reading one
 * message of it can end.
 *
 * @module
 */
import type { SocksRefusal } from "./socks_replies.ts";
import type { StreamRequest } from "./stream_request.ts";

/** A complete request that may be served. */
export interface SocksRequest extends Omit<StreamRequest, "protocol" | "family"> {
  readonly version: 4 | 5;
  /**
   * Whether the message had an address where it could have had a name: the application may have
   * looked the name up elsewhere before (SafeSocks).
   */
  readonly isAddressGiven: boolean;
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
