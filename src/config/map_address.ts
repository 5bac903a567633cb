/**
 * MapAddress lines: `ADDR|*.DOMAIN NEWADDR|*.NEWDOMAIN`.
 *
 * @module
 */
import { parseIpAddress } from "./address.ts";
import type { AddressMapping } from "./config.ts";
import { ConfigError } from "./errors.ts";
import type { Remarks } from "./settings.ts";
import type { ConfigLine } from "./torrc.ts";

/** Longest host name, in characters. */
const MAX_NAME_LENGTH = 255;

/**
 * Reads one line (C tor: MapAddress, which logs a mistake and goes on without the line).
 *
 * @param remarks gets a warning for words too many
 * @throws ConfigError for a line that is not understood, or that names an exit relay by `.exit`
 */
export function parseMapAddress(line: ConfigLine, remarks: Remarks): AddressMapping {
  const [from, to, ...more] = line.value.split(/[\t-\r ]+/);
  if (to === undefined) {
    throw refused(line, "there must be two addresses, one to be replaced and one in its place");
  }
  if (more.length > 0) {
    remarks.warnings.push(`MapAddress '${line.value}': what follows the two addresses is ignored.`);
  }
  const source = parsePattern(from, line);
  const target = parsePattern(to, line);
  if (target.wildcard && !source.wildcard) {
    throw refused(line, "'*.' can stand before the new address only if before the old one too");
  }
  if (/(^|\.)exit$/.test(source.host) || /(^|\.)exit$/.test(target.host)) {
    throw new ConfigError(
      "config-unsupported",
      `MapAddress '${line.value}': chive does not choose exits by .exit names; ExitNodes can ` +
        "choose them for all destinations.",
      line.origin,
    );
  }
  return {
    from: source.host,
    fromSubdomains: source.wildcard,
    to: target.host,
    toSubdomains: target.wildcard,
  };
}

function parsePattern(written: string, line: ConfigLine): { host: string; wildcard: boolean } {
  const wildcard = written.startsWith("*.");
  const bare = wildcard ? written.slice(2) : written;
  const address = wildcard ? undefined : parseIpAddress(bare);
  if (address !== undefined) return { host: address, wildcard };
  const host = bare.toLowerCase();
  if (host.length > MAX_NAME_LENGTH || !/^[a-z0-9_-][a-z0-9_.-]*$/.test(host)) {
    throw refused(line, `'${written}' is neither an IP address nor a host name`);
  }
  return { host, wildcard };
}

function refused(line: ConfigLine, reason: string): ConfigError {
  return new ConfigError(
    "config-bad-value",
    `MapAddress '${line.value}': ${reason}.`,
    line.origin,
  );
}
