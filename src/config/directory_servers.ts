/**
 * DirAuthority and FallbackDir lines.
 *
 * @module
 */
import { parseRsaIdentity, type RsaIdentity } from "../crypto/identity.ts";
import type { SocketAddress } from "../runtime/network.ts";
import { isIpv4, parseIpAddress, parsePort, parseSocketAddress } from "./address.ts";
import type { DirAuthority, FallbackDirectory } from "./config.ts";
import { ConfigError } from "./errors.ts";
import type { Remarks } from "./settings.ts";
import type { ConfigLine } from "./torrc.ts";
import { parseFraction } from "./values.ts";

/** A relay's nickname: 1 to 19 letters and digits (tor-spec). */
const NICKNAME = /^[A-Za-z0-9]{1,19}$/;

/** What has been read of a DirAuthority line. */
interface AuthorityFlags {
  orPort: number | undefined;
  ipv6: SocketAddress | undefined;
  v3Identity: RsaIdentity | undefined;
  bridge: boolean;
  weight: number;
}

/**
 * Reads a line `[nickname] [flags] address:dirport fingerprint`. The fingerprint may have spaces.
 * Flags in any order: `orport=`, `v3ident=`, `ipv6=`, `weight=`, `bridge`; `upload=`, `download=`
 * and `vote=` are checked and not kept, since clients use no directory ports; `no-v2`, `hs` and
 * `no-hs` are without effect.
 *
 * @param remarks gets a warning for a flag that is not known
 * @throws ConfigError for a line that is not understood
 */
export function parseDirAuthority(line: ConfigLine, remarks: Remarks): DirAuthority {
  const fail = failure("DirAuthority", line);
  const items = line.value.split(/[\t-\r ]+/);
  const nickname = NICKNAME.test(items[0]) ? items.shift() : undefined;
  const flags: AuthorityFlags = {
    orPort: undefined,
    ipv6: undefined,
    v3Identity: undefined,
    bridge: false,
    weight: 1,
  };
  let item = items.shift();
  for (; item !== undefined && !/^[0-9]/.test(item); item = items.shift()) {
    readAuthorityFlag(item, flags, fail, remarks);
  }
  if (item === undefined || items.length === 0) {
    throw fail("expected '[nickname] [flags] address:dirport fingerprint'");
  }
  const address = parseSocketAddress(item);
  if (address === undefined || !isIpv4(address.hostname)) {
    throw fail(`'${item}' is not an IPv4 address and a directory port`);
  }
  const fingerprint = items.join("");
  const rsaIdentity = parseRsaIdentity(fingerprint);
  if (rsaIdentity === undefined) {
    throw fail(`the fingerprint '${fingerprint}' is not 40 hexadecimal digits`);
  }
  return {
    nickname: nickname ?? address.hostname,
    hostname: address.hostname,
    dirPort: address.port,
    rsaIdentity,
    ...flags,
  };
}

function readAuthorityFlag(
  flag: string,
  flags: AuthorityFlags,
  fail: Failure,
  remarks: Remarks,
): void {
  const equals = flag.indexOf("=");
  const key = (equals === -1 ? flag : flag.slice(0, equals + 1)).toLowerCase();
  const value = equals === -1 ? "" : flag.slice(equals + 1);
  switch (key) {
    case "orport=":
      flags.orPort = required(parsePort(value), flag, fail);
      break;
    case "v3ident=":
      flags.v3Identity = required(parseRsaIdentity(value), flag, fail);
      break;
    case "ipv6=":
      if (flags.ipv6 !== undefined) throw fail("there are two ipv6= flags");
      flags.ipv6 = required(parseIpv6SocketAddress(value), flag, fail);
      break;
    case "weight=":
      flags.weight = required(parseFraction(value), flag, fail);
      break;
    case "upload=":
    case "download=":
    case "vote=":
      required(parseDirectoryUrl(value), flag, fail);
      break;
    case "bridge":
      flags.bridge = true;
      break;
    case "no-v2":
    case "hs":
    case "no-hs":
      break;
    default:
      remarks.warnings.push(
        `The flag '${flag}' of a DirAuthority line is not known and is skipped.`,
      );
  }
}

/** `http://ADDR:PORT` with or without a final slash. */
function parseDirectoryUrl(url: string): SocketAddress | undefined {
  const match = /^http:\/\/([^/]+)\/?$/.exec(url);
  return match === null ? undefined : parseSocketAddress(match[1]);
}

/**
 * Reads a line `address[:dirport] orport=PORT id=FINGERPRINT [ipv6=ADDR:PORT] [weight=NUM]`, its
 * items in any order. Items `key=value` with other keys are skipped, as C tor does.
 *
 * @throws ConfigError for a line that is not understood
 */
export function parseFallbackDir(line: ConfigLine): FallbackDirectory {
  const fail = failure("FallbackDir", line);
  const places: string[] = [];
  let orPort: number | undefined;
  let rsaIdentity: RsaIdentity | undefined;
  let ipv6: SocketAddress | undefined;
  let weight = 1;
  for (const item of line.value.split(/[\t-\r ]+/)) {
    const equals = item.indexOf("=");
    const value = item.slice(equals + 1);
    const key = item.slice(0, Math.max(equals, 0)).toLowerCase();
    if (equals === -1) places.push(item);
    else if (key === "orport") orPort = required(parsePort(value), item, fail);
    else if (key === "id") rsaIdentity = required(parseRsaIdentity(value), item, fail);
    else if (key === "weight") weight = required(parseFraction(value), item, fail);
    else if (key === "ipv6") {
      if (ipv6 !== undefined) throw fail("there are two ipv6= items");
      ipv6 = required(parseIpv6SocketAddress(value), item, fail);
    }
  }
  if (places.length !== 1) throw fail("expected one address");
  const hostname = parseIpAddress(places[0]) ?? parseSocketAddress(places[0])?.hostname;
  if (hostname === undefined) {
    throw fail(`'${places[0]}' is not an IP address, with or without port`);
  }
  if (rsaIdentity === undefined) throw fail("id= is missing");
  if (/^0+$/.test(rsaIdentity)) throw fail("the identity is zero");
  if (orPort === undefined) throw fail("orport= is missing");
  return { hostname, orPort, ipv6, rsaIdentity, weight };
}

function parseIpv6SocketAddress(text: string): SocketAddress | undefined {
  const address = parseSocketAddress(text);
  return address?.hostname.includes(":") ? address : undefined;
}

type Failure = (reason: string) => ConfigError;

function failure(option: string, line: ConfigLine): Failure {
  return (reason) => new ConfigError("config-bad-value", `${option}: ${reason}.`, line.origin);
}

function required<T>(value: T | undefined, written: string, fail: Failure): T {
  if (value === undefined) throw fail(`'${written}' is not understood`);
  return value;
}
