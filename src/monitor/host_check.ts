/**
 * Whether a request was meant for us. A page on the Web may have its own name look up to this machine
 * (DNS rebinding), and ask us with the browser of who visits it: the Host header tells.
 *
 * @module
 */
import { parseIpAddress } from "../config/address.ts";

/**
 * Whether a Host header names us: by any IP address, because nobody can make an address lead
 * elsewhere; as localhost; or by one of `hosts`.
 *
 * @param hosts names in lower case
 */
export function isOurHost(header: string | null, hosts: readonly string[]): boolean {
  const [, bracketed, plain] = /^(?:(\[[^\]]*\])|([^:[\]]*))(?::[0-9]{1,5})?$/.exec(header ?? "") ??
    [];
  if (bracketed !== undefined) return parseIpAddress(bracketed) !== undefined;
  if (plain === undefined || plain === "") return false;
  const name = plain.toLowerCase().replace(/\.$/, "");
  return name === "localhost" || hosts.includes(name) || parseIpAddress(name) !== undefined;
}

/**
 * Whether a page of another site has sent a request in the background: such a page can't read the
 * answer, but might learn something from how long it takes.
 */
export function isBackgroundOfAnotherSite(headers: Headers): boolean {
  return headers.get("sec-fetch-site") === "cross-site" &&
    headers.get("sec-fetch-mode") !== "navigate";
}
