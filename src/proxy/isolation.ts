/**
 * Which of an application's streams may share a circuit (C tor: the Isolate* flags of SocksPort).
 *
 * @module
 */
import type { Isolation } from "../stream/opener.ts";
import type { SocksRequest } from "./socks_request.ts";

/** What sets streams apart, beside the session group of the listener, which always does. */
export interface IsolationFlags {
  /** Streams of different client addresses (IsolateClientAddr). */
  readonly clientAddress: boolean;
  /** Streams with different user names or passwords (IsolateSOCKSAuth). */
  readonly socksAuth: boolean;
  /** SOCKS4 from SOCKS5 (IsolateClientProtocol). */
  readonly clientProtocol: boolean;
  /** Streams to different ports (IsolateDestPort). */
  readonly destinationPort: boolean;
  /** Streams to different hosts (IsolateDestAddr). */
  readonly destinationAddress: boolean;
  /**
   * A circuit whose streams gave a user name or a password does not grow old while there are such
   * streams (KeepAliveIsolateSOCKSAuth); needs `socksAuth`.
   */
  readonly keepAliveSocksAuth: boolean;
}

/** C tor's defaults. */
export const DEFAULT_ISOLATION: IsolationFlags = {
  clientAddress: true,
  socksAuth: true,
  clientProtocol: false,
  destinationPort: false,
  destinationAddress: false,
  keepAliveSocksAuth: false,
};

/**
 * The isolation of one request.
 *
 * The key is a JSON array, in which no value can be taken for another or for two: the session
 * group, then what each flag that is set adds, else null. It holds the password, so it must never
 * be logged. As in C tor, an empty user name or password is the same as none.
 */
export function isolationOf(
  flags: IsolationFlags,
  sessionGroup: string,
  clientAddress: string,
  request: SocksRequest,
): Isolation {
  const { version, destination, port, credentials: { username, password } } = request;
  return {
    key: JSON.stringify([
      sessionGroup,
      flags.clientAddress ? clientAddress : null,
      flags.socksAuth ? [username.toHex(), password.toHex()] : null,
      flags.clientProtocol ? `socks${version}` : null,
      flags.destinationPort ? port : null,
      flags.destinationAddress ? destination.host : null,
    ]),
    keepAlive: flags.keepAliveSocksAuth && flags.socksAuth &&
      username.length + password.length > 0,
  };
}
