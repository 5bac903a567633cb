/**
 * The library's front door.
 *
 * @module
 */
export { TorClient } from "./tor_client.ts";
export type { Config } from "../config/config.ts";
export { TorError } from "../errors/tor_error.ts";
