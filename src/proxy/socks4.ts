/**
 * The one message of SOCKS4 and SOCKS4a, read from the beginning of some bytes.
 *
 * @module
 */
import { destinationFromBytes, parseDestination } from "./destination.ts";
import { INCOMPLETE, latin1, type Parsed, refused, type SocksRequest } from "./socks_request.ts";
import type { StreamCommand } from "./stream_request.ts";

/** The version byte of SOCKS4. */
export const SOCKS4_VERSION = 4;

/** Longest request, in bytes, as in C tor: the user id has no other bound. */
const MAX_LENGTH = 512;
/** Longest host name, in bytes. */
const MAX_NAME_LENGTH = 255;

const COMMANDS: ReadonlyMap<number, StreamCommand> = new Map([
  [0x01, "connect"],
  [0xf0, "resolve"],
]);

/**
 * Reads a request. In SOCKS4a the address is 0.0.0.x, with x not 0, and a host name follows.
 *
 * | bytes | meaning                                           |
 * | ----- | ------------------------------------------------- |
 * | 1     | version, 4                                        |
 * | 1     | command: 1 CONNECT, 0xF0 RESOLVE                  |
 * | 2     | port, big-endian                                  |
 * | 4     | IPv4 address                                      |
 * | n + 1 | user id, ended by a zero byte                     |
 * | n + 1 | SOCKS4a only: host name, ended by a zero byte     |
 */
export function parseSocks4(bytes: Uint8Array): Parsed<SocksRequest> {
  if (bytes.length < 1) return INCOMPLETE;
  if (bytes[0] !== SOCKS4_VERSION) return refused("socks-version-unknown");
  if (bytes.length < 2) return INCOMPLETE;
  const command = COMMANDS.get(bytes[1]);
  if (command === undefined) return refused("socks-command-unsupported");
  if (bytes.length < 8) return INCOMPLETE;
  const port = bytes[2] << 8 | bytes[3];
  if (port === 0 && command === "connect") return refused("socks-port-zero");
  const named = bytes[4] === 0 && bytes[5] === 0 && bytes[6] === 0;
  if (named && bytes[7] === 0) return refused("socks-malformed");

  const within = bytes.subarray(0, MAX_LENGTH);
  const userEnd = within.indexOf(0, 8);
  const nameEnd = named && userEnd >= 0 ? within.indexOf(0, userEnd + 1) : userEnd;
  if (userEnd < 0 || nameEnd < 0) {
    return within.length < MAX_LENGTH ? INCOMPLETE : refused("socks-too-long");
  }
  if (nameEnd - userEnd - 1 > MAX_NAME_LENGTH) return refused("socks-too-long");

  const destination = named
    ? parseDestination(latin1(within.subarray(userEnd + 1, nameEnd)))
    : destinationFromBytes(within.subarray(4, 8));
  if (destination.kind === "refused") return destination;
  // The replies have room for IPv4 only, and C tor refuses it likewise.
  if (destination.kind === "ip6") return refused("socks-address-type-unsupported");
  const credentials = { username: within.slice(8, userEnd), password: new Uint8Array(0) };
  return {
    kind: "message",
    value: { version: 4, command, destination, port, credentials, isAddressGiven: !named },
    length: nameEnd + 1,
  };
}
