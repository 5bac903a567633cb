/**
 * Unix sockets: connections within this machine that have a path for an address.
 *
 * @module
 */

/**
 * Accepts connections at a path, where nothing may be yet; the file is gone when the listener is
 * closed.
 *
 * @throws what the operating system says, for example Deno.errors.AddrInUse when a file is there
 */
export function listenUnix(path: string): Deno.UnixListener {
  return Deno.listen({ transport: "unix", path });
}

/**
 * Whether anybody accepts connections at a path. One who has no room for more at the moment, or
 * does not let us in, counts.
 */
export async function isUnixSocketServed(path: string): Promise<boolean> {
  try {
    using _conn = await Deno.connect({ transport: "unix", path });
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.ConnectionRefused ||
      error instanceof Deno.errors.NotFound);
  }
}
