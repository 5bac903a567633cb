/**
 * Which of an application's streams may share a circuit (C tor: the Isolate* flags of SocksPort).
 *
 * @module
 */
import type { StreamIsolation } from "../config/config.ts";
import type { Isolation } from "../stream/opener.ts";
import type { StreamRequest } from "./stream_request.ts";

/**
 * The isolation of one request.
 *
 * The key is a JSON array, in which no value can be taken for another or for two: the session
 * group, then what each flag that is set adds, else null. It holds the password, so it must never
 * be logged. As in C tor, an empty user name or password is the same as none, and the destination
 * is the one that was asked for, whatever it is mapped to.
 *
 * @param clientAddress empty for an application that has none
 */
export function isolationOf(
  flags: StreamIsolation,
  clientAddress: string,
  request: StreamRequest,
): Isolation {
  const { protocol, destination, port, credentials: { username, password } } = request;
  return {
    key: JSON.stringify([
      flags.sessionGroup,
      flags.clientAddress ? clientAddress : null,
      flags.socksAuth ? [username.toHex(), password.toHex()] : null,
      flags.clientProtocol ? protocol : null,
      flags.destinationPort ? port : null,
      flags.destinationAddress ? destination.host : null,
    ]),
    keepAlive: flags.keepAliveSocksAuth && flags.socksAuth &&
      username.length + password.length > 0,
  };
}
