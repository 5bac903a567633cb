/**
 * Ports that nobody listens on.
 *
 * @module
 */

/** A TCP port that was free on this address a moment ago, chosen by the operating system. */
export function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}
