/**
 * What an application asks for at a door, whatever it speaks.
 *
 * @module
 */
import type { AddressFamily } from "./address_map.ts";
import type { Destination } from "./destination.ts";

/**
 * What is spoken at a door; different ones can be set apart (IsolateClientProtocol). "library" is a
 * call within this process.
 */
export type DoorProtocol = "SOCKS4" | "SOCKS5" | "HTTP" | "DNS" | "library";

/** The commands that are understood; RESOLVE and RESOLVE_PTR are Tor's own (socks-extensions). */
export type StreamCommand = "connect" | "resolve" | "resolve-ptr";

/** Who the application says it is. Everything is accepted; it serves isolation. */
export interface Credentials {
  /** 0 to 511 bytes in SOCKS, where SOCKS4 calls it the user id; HTTP has a head of 8 KiB for it. */
  readonly username: Uint8Array;
  /** 0 to 255 bytes in SOCKS5; always empty in SOCKS4. */
  readonly password: Uint8Array;
}

/** Of an application that does not say who it is. */
export const NO_CREDENTIALS: Credentials = {
  username: new Uint8Array(0),
  password: new Uint8Array(0),
};

/** A complete request that may be served. */
export interface StreamRequest {
  readonly protocol: DoorProtocol;
  readonly command: StreamCommand;
  readonly destination: Destination;
  /** 1 to 65535 for "connect"; anything for the others, which have no use for it. */
  readonly port: number;
  readonly credentials: Credentials;
  /** The only kind of address that the application can take; undefined: either. */
  readonly family: AddressFamily | undefined;
}
