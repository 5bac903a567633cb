/**
 * A Tor client for Deno programs: connections, fetch and lookups through Tor, in the program's own
 * process. docs/LIBRARY.md is the guide.
 *
 * ```ts ignore
 * import { TorClient } from "@chive/chive";
 *
 * await using client = await TorClient.start({ dataDirectory: "./chive-data" });
 *
 * const response = await client.fetch("https://www.example.com/");
 * console.log(response.status, await response.text());
 * ```
 *
 * The process must be started with `--unsafely-ignore-certificate-errors=192.0.2.1`, exactly.
 *
 * @module
 */
export * from "./src/client/mod.ts";
