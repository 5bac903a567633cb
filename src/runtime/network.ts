/**
 * TCP, as the client is given it, so that a test can fail it.
 *
 * @module
 */

/** An IP address and a TCP port. IPv6 addresses stand without brackets. */
export interface SocketAddress {
  readonly hostname: string;
  /** 1 to 65535; 0 asks a listener for any free port. */
  readonly port: number;
}

/** Where all rooms open and accept connections. */
export interface Network {
  /**
   * Opens a TCP connection with Nagle's algorithm off.
   *
   * @throws the signal's reason when aborted, or what the operating system says
   */
  connect(address: SocketAddress, signal?: AbortSignal): Promise<Deno.TcpConn>;
  /**
   * Accepts TCP connections.
   *
   * @throws what the operating system says, for example Deno.errors.AddrInUse
   */
  listen(address: SocketAddress): Deno.TcpListener;
}

/** The machine's own network. */
export class SystemNetwork implements Network {
  async connect(address: SocketAddress, signal?: AbortSignal): Promise<Deno.TcpConn> {
    signal?.throwIfAborted();
    const conn = await Deno.connect({ ...address, transport: "tcp", signal });
    // A TLS connection has no setNoDelay of its own, so it must be set before TLS starts.
    conn.setNoDelay(true);
    return conn;
  }

  listen(address: SocketAddress): Deno.TcpListener {
    return Deno.listen({ ...address, transport: "tcp" });
  }
}

/** `hostname:port`, with brackets around an IPv6 address. */
export function formatAddress(address: SocketAddress): string {
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
