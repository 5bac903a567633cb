/**
 * The head of an HTTP request: the request line and the headers, up to the empty line.
 *
 * @module
 */
import { latin1 } from "./socks_request.ts";

/** Longest head, in bytes, as in C tor. */
export const LONGEST_HEAD = 8192;

/** What a request says before its body. */
export interface HttpHead {
  /** As it was written. */
  readonly method: string;
  readonly target: string;
  /** Values by name in lower case; of several headers of one name the first. */
  readonly headers: ReadonlyMap<string, string>;
}

/** What reading a head from the beginning of some bytes gives. */
export type ParsedHead =
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed" }
  /** `length` is how many bytes the head took, with the empty line. */
  | { readonly kind: "head"; readonly head: HttpHead; readonly length: number };

const END = new TextEncoder().encode("\r\n\r\n");

/** A method and a header's name (RFC 9110, "Tokens"). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Reads a head; a character stands for each byte. HTTP/1.x alone is understood. Lines must end in
 * CR LF, and neither of them can be within one; a header that is continued on the next line makes
 * no sense, as RFC 9112 has it.
 *
 * @param searchFrom how many bytes at the beginning hold no end, from earlier calls
 */
export function parseHttpHead(bytes: Uint8Array, searchFrom = 0): ParsedHead {
  const end = indexOfEnd(bytes, Math.max(0, searchFrom - END.length + 1));
  if (end === -1 || end + END.length > LONGEST_HEAD) {
    return bytes.length >= LONGEST_HEAD ? { kind: "malformed" } : { kind: "incomplete" };
  }
  const [first, ...lines] = latin1(bytes.subarray(0, end)).split("\r\n");
  const line = /^([^ ]+) +([^ ]+) +HTTP\/1\.[0-9]+$/.exec(first);
  const headers = parseHeaders(lines);
  if (line === null || !TOKEN.test(line[1]) || headers === undefined) return { kind: "malformed" };
  return {
    kind: "head",
    head: { method: line[1], target: line[2], headers },
    length: end + END.length,
  };
}

function parseHeaders(lines: readonly string[]): Map<string, string> | undefined {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (!TOKEN.test(name) || /[\r\n\0]/.test(line)) return undefined;
    const value = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, "");
    if (!headers.has(name)) headers.set(name, value);
  }
  return headers;
}

function indexOfEnd(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(END[0], from); at !== -1; at = bytes.indexOf(END[0], at + 1)) {
    if (END.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
