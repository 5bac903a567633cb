/**
 * Keys of the private network's relays and directory authorities, made by C tor's own tools.
 *
 * @module
 */
import { run } from "./child_process.ts";

/**
 * Makes a relay's long-term keys in its data directory.
 *
 * @returns the fingerprint of the RSA identity key: 40 upper-case hexadecimal digits
 */
export async function makeRelayKeys(dataDirectory: string, nickname: string): Promise<string> {
  const torrc = `${dataDirectory}/keygen-torrc`;
  await Deno.writeTextFile(
    torrc,
    `DataDirectory ${dataDirectory}\nNickname ${nickname}\nOrPort 1\nSocksPort 0\n`,
  );
  await run(["tor", "-f", torrc, "--list-fingerprint", "--quiet"]);
  const [, fingerprint] = (await Deno.readTextFile(`${dataDirectory}/fingerprint`)).split(/\s+/);
  return fingerprint;
}

/**
 * Makes a directory authority's identity key, signing key and certificate.
 *
 * @param dirAddress where the authority serves its directory, `address:port`
 * @returns its v3 identity: 40 upper-case hexadecimal digits
 */
export async function makeAuthorityKeys(
  dataDirectory: string,
  dirAddress: string,
): Promise<string> {
  const keys = `${dataDirectory}/keys`;
  await Deno.mkdir(keys, { recursive: true, mode: 0o700 });
  const certificate = `${keys}/authority_certificate`;
  await run([
    "tor-gencert",
    ...["--create-identity-key", "--passphrase-fd", "0"],
    ...["-i", `${keys}/authority_identity_key`],
    ...["-s", `${keys}/authority_signing_key`],
    ...["-c", certificate],
    ...["-a", dirAddress],
  ], "a passphrase of no worth\n");
  const match = (await Deno.readTextFile(certificate)).match(/^fingerprint ([0-9A-F]{40})$/m);
  if (!match) throw new Error(`no fingerprint in ${certificate}`);
  return match[1];
}
