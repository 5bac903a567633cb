/**
 * The country files that the user gave.
 *
 * @module
 */
import type { NodeChoice } from "../config/config.ts";
import { unreadableFile } from "../config/unreadable_file.ts";
import { GeoIp } from "../netdir/geo_ip.ts";
import { Logger } from "../observe/log.ts";
import { readUserFile } from "../state/user_file.ts";

const log = new Logger("config");

/** C tor's files have some 10 and 20 MB. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * Reads the country files, if there are any.
 *
 * @returns undefined when none was given
 * @throws ConfigError `config-country-file-unreadable`
 */
export async function readCountryFiles(
  { geoIpFile, geoIpv6File }: Pick<NodeChoice, "geoIpFile" | "geoIpv6File">,
): Promise<GeoIp | undefined> {
  if (geoIpFile === undefined) return undefined;
  const [ipv4, ipv6] = await Promise.all([geoIpFile, geoIpv6File].map(read));
  const geoIp = GeoIp.parse(ipv4, ipv6);
  log.info(
    `The country files tell ${geoIp.ipv4Ranges} ranges of IPv4 and ${geoIp.ipv6Ranges} of IPv6 ` +
      `addresses; ${geoIp.unreadableLines} lines make no sense`,
  );
  return geoIp;
}

async function read(path: string | undefined): Promise<string> {
  if (path === undefined) return "";
  try {
    return await readUserFile(path, MAX_BYTES);
  } catch (error) {
    throw unreadableFile("config-country-file-unreadable", "the country file", path, error);
  }
}
