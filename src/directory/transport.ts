/**
 * How directory documents travel: given from above, so that this room knows no channels.
 *
 * @module
 */
import type { RsaIdentity } from "../crypto/identity.ts";
import type { Relay } from "../netdir/relay.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import { formatAddress, type SocketAddress } from "../runtime/network.ts";

/** A directory server that is known by its address and RSA identity alone. */
export interface AddressedServer {
  /**
   * | kind        | where it is known from                                                      |
   * | ----------- | --------------------------------------------------------------------------- |
   * | `authority` | the configuration                                                           |
   * | `fallback`  | the configuration                                                           |
   * | `listed`    | the consensus; its microdescriptor, and so its onion key, is not known yet   |
   */
  readonly kind: "authority" | "fallback" | "listed";
  readonly hostname: string;
  readonly port: number;
  readonly rsaIdentity: RsaIdentity;
  readonly ipv6: SocketAddress | undefined;
}

/** Who can be asked for directory documents. An addressed server's first hop is a CREATE_FAST. */
export type DirectoryServer = AddressedServer | { readonly kind: "relay"; readonly relay: Relay };

/** Opens directory streams; implemented above this room. */
export interface DirectoryTransport {
  /**
   * Opens a directory stream through a circuit of one hop (BEGIN_DIR). Bytes may be written at
   * once. Aborting `signal` closes the stream and all that was opened for it alone.
   *
   * @throws what the rooms above throw, or the signal's reason
   */
  open(server: DirectoryServer, signal: AbortSignal): Promise<ByteStream>;
}

/** `address:port` of the OR port, as it stands in the request's Host header. Sensitive in logs. */
export function serverAddress(server: DirectoryServer): string {
  return formatAddress(server.kind === "relay" ? server.relay : server);
}
