/**
 * The messages of SOCKS5, each read from the beginning of some bytes (RFC 1928, RFC 1929, and
 * Tor's socks-extensions). Every reader refuses as soon as a wrong byte is there, and so gives
 * the same however the bytes were split on the way.
 *
 * @module
 */
import { destinationFromBytes, parseDestination } from "./destination.ts";
import { INCOMPLETE, latin1, type Parsed, refused, type SocksRequest } from "./socks_request.ts";
import type { Credentials, StreamCommand } from "./stream_request.ts";

/** The version byte of SOCKS5's own messages. */
export const SOCKS5_VERSION = 5;
/** The version byte of the user name and password message (RFC 1929). */
export const AUTHENTICATION_VERSION = 1;

/** Method "no authentication required". */
export const METHOD_NONE = 0;
/** Method "user name and password". */
export const METHOD_PASSWORD = 2;
/** None of the offered methods is acceptable. */
export const METHOD_UNACCEPTABLE = 0xff;

const COMMANDS: ReadonlyMap<number, StreamCommand> = new Map([
  [0x01, "connect"],
  [0xf0, "resolve"],
  [0xf1, "resolve-ptr"],
]);

/** User names that begin so are an extension of Tor's, of which only {@link RESERVED_KNOWN} is known. */
const RESERVED_PREFIX = "<torS0X>";
/** The form of the extension that only isolates, by its password. */
const RESERVED_KNOWN = "<torS0X>0";

/**
 * Reads the first message and chooses a method: user name and password where it is offered, as C
 * tor does, because only it can isolate.
 *
 * @param preferNone whether no authentication is chosen before it (PreferSOCKSNoAuth)
 *
 * | bytes | meaning           |
 * | ----- | ----------------- |
 * | 1     | version, 5        |
 * | 1     | number of methods |
 * | n     | methods           |
 */
export function parseMethods(
  bytes: Uint8Array,
  preferNone = false,
): Parsed<typeof METHOD_NONE | typeof METHOD_PASSWORD> {
  if (bytes.length < 1) return INCOMPLETE;
  if (bytes[0] !== SOCKS5_VERSION) return refused("socks-version-unknown");
  if (bytes.length < 2 || bytes.length < 2 + bytes[1]) return INCOMPLETE;
  const length = 2 + bytes[1];
  const methods = bytes.subarray(2, length);
  const preferred = preferNone
    ? [METHOD_NONE, METHOD_PASSWORD] as const
    : [METHOD_PASSWORD, METHOD_NONE] as const;
  const value = preferred.find((method) => methods.includes(method));
  return value === undefined
    ? refused("socks-no-acceptable-method")
    : { kind: "message", value, length };
}

/**
 * Reads a user name and a password, which may be anything and empty, but for the reserved names.
 *
 * | bytes  | meaning                        |
 * | ------ | ------------------------------ |
 * | 1      | version, 1                     |
 * | 1 + n  | length of the name, name       |
 * | 1 + n  | length of the password, it     |
 */
export function parseCredentials(bytes: Uint8Array): Parsed<Credentials> {
  if (bytes.length < 1) return INCOMPLETE;
  if (bytes[0] !== AUTHENTICATION_VERSION) return refused("socks-malformed");
  if (bytes.length < 2) return INCOMPLETE;
  const passwordAt = 2 + bytes[1];
  if (bytes.length <= passwordAt) return INCOMPLETE;
  const length = passwordAt + 1 + bytes[passwordAt];
  if (bytes.length < length) return INCOMPLETE;
  const username = bytes.slice(2, passwordAt);
  const name = latin1(username);
  if (name.startsWith(RESERVED_PREFIX) && name !== RESERVED_KNOWN) {
    return refused("socks-username-reserved");
  }
  const password = bytes.slice(passwordAt + 1, length);
  return { kind: "message", value: { username, password }, length };
}

/** A request of SOCKS5 without the credentials, which came before it. */
export type Socks5Request = Omit<SocksRequest, "version" | "credentials">;

/**
 * Reads the request.
 *
 * | bytes        | meaning                                                      |
 * | ------------ | ------------------------------------------------------------ |
 * | 1            | version, 5                                                   |
 * | 1            | command: 1 CONNECT, 0xF0 RESOLVE, 0xF1 RESOLVE_PTR           |
 * | 1            | 0                                                            |
 * | 1            | address type: 1 IPv4, 3 name, 4 IPv6                         |
 * | 4, 1+n or 16 | address; a name after a byte with its length                 |
 * | 2            | port, big-endian                                             |
 */
export function parseRequest(bytes: Uint8Array): Parsed<Socks5Request> {
  if (bytes.length < 1) return INCOMPLETE;
  if (bytes[0] !== SOCKS5_VERSION) return refused("socks-malformed");
  if (bytes.length < 2) return INCOMPLETE;
  const command = COMMANDS.get(bytes[1]);
  if (command === undefined) return refused("socks-command-unsupported");
  if (bytes.length < 3) return INCOMPLETE;
  if (bytes[2] !== 0) return refused("socks-malformed");
  if (bytes.length < 4) return INCOMPLETE;
  const addressAt = bytes[3] === 3 ? 5 : 4;
  if (bytes.length < addressAt) return INCOMPLETE;
  const addressLength = lengthOfAddress(bytes[3], bytes[4]);
  if (addressLength === undefined) return refused("socks-address-type-unsupported");
  const portAt = addressAt + addressLength;
  if (bytes.length < portAt + 2) return INCOMPLETE;

  const address = bytes.subarray(addressAt, portAt);
  const port = bytes[portAt] << 8 | bytes[portAt + 1];
  const destination = bytes[3] === 3
    ? parseDestination(latin1(address))
    : destinationFromBytes(address);
  if (command === "resolve-ptr" && destination.kind !== "ip4" && destination.kind !== "ip6") {
    return refused("socks-address-type-unsupported");
  }
  if (destination.kind === "refused") return destination;
  if (command === "connect" && port === 0) return refused("socks-port-zero");
  return {
    kind: "message",
    value: { command, destination, port, isAddressGiven: bytes[3] !== 3 },
    length: portAt + 2,
  };
}

/** How many bytes an address has; `nameLength` counts for a name only. */
function lengthOfAddress(type: number, nameLength: number): number | undefined {
  switch (type) {
    case 1:
      return 4;
    case 3:
      return nameLength;
    case 4:
      return 16;
    default:
      return undefined;
  }
}
