/**
 * What an application is answered that uses the HTTP tunnel: the one table from codes of errors to
 * status lines, and the bytes of replies (C tor 0.4.9's, and its proposal 365).
 *
 * @module
 */
import type { ResolvedAnswer } from "../stream/opener.ts";
import type { Replies } from "./application_protocol.ts";

/** Sent with everything: what beyond CONNECT is spoken here, which is nothing. */
const CAPABILITIES = "Tor-Capabilities: \r\n";
/** With a reply to CONNECT: who stands between. */
const CONNECT_HEADERS = `${CAPABILITIES}Via: tor/1.0 tor-network (chive)\r\n`;
/** With every other one. */
const SERVER_HEADERS = `${CAPABILITIES}Server: tor/1.0 (chive)\r\n`;

/** What is said of a failure. */
interface Failure {
  readonly status: string;
  /** The reason in the header Tor-Request-Failed: "end/..." is what the exit said. */
  readonly reason: string;
}

/** By code of an error. */
const FAILURES: ReadonlyMap<string, Failure> = new Map(
  Object.entries({
    // RELAY_END before RELAY_CONNECTED, by its reason (tor-spec, RELAY_END).
    "end-misc": end("500 Internal Server Error", "MISC"),
    "end-resolve-failed": end("503 Service Unavailable (resolve failed)", "RESOLVEFAILED"),
    "end-connection-refused": end("403 Forbidden (connection refused)", "CONNECTREFUSED"),
    "end-exit-policy": end("403 Forbidden (exit policy)", "EXITPOLICY"),
    "end-destroy": end("502 Bad Gateway (destroy cell received)", "DESTROY"),
    "end-done": end("502 Bad Gateway (unexpected close)", "DONE"),
    "end-timeout": end("504 Gateway Timeout", "TIMEOUT"),
    "end-no-route": end("503 Service Unavailable (no route)", "NOROUTE"),
    "end-hibernating": end("502 Bad Gateway (hibernating server)", "HIBERNATING"),
    "end-internal": end("502 Bad Gateway (internal error)", "INTERNAL"),
    "end-resource-limit": end("502 Bad Gateway (resource limit)", "RESOURCELIMIT"),
    "end-connection-reset": end("403 Forbidden (connection reset)", "CONNRESET"),
    "end-tor-protocol": end("502 Bad Gateway (tor protocol violation)", "TORPROTOCOL"),
    "end-not-directory": end("500 Internal Server Error", "NOTDIRECTORY"),
    // What the client itself says.
    "stream-timeout": own("504 Gateway Timeout"),
    "stream-circuit-closed": own("502 Bad Gateway (circuit closed)"),
    "internal-address-refused": own("403 Forbidden (private address)"),
    "internal-answer-refused": own("502 Bad Gateway (private address answered)"),
    "onion-unsupported": own("403 Forbidden (onion services not supported)"),
    "exit-name-refused": own("403 Forbidden (.exit names not supported)"),
    "target-refused": own("403 Forbidden (entry policy violation)"),
    "plaintext-port-refused": own("403 Forbidden (entry policy violation)"),
    "name-refused": own("403 Forbidden (entry policy violation)"),
    "virtual-address-unknown": own("502 Bad Gateway (unknown virtual address)"),
    "hostname-malformed": own("400 Bad Request (malformed host name)"),
    "no-directory": own("503 Service Unavailable (not bootstrapped)"),
    "not-bootstrapped": own("503 Service Unavailable (not bootstrapped)"),
    "no-exit": own("503 Service Unavailable (no exit)"),
  }),
);

function end(status: string, reason: string): Failure {
  return { status, reason: `end/${reason}` };
}

function own(status: string): Failure {
  return { status, reason: "" };
}

/** Why a request to the HTTP tunnel is refused before anything is asked of Tor. */
export type HttpRefusal = "bad-request" | "target-too-long" | "rpc-unsupported";

const REFUSALS: Readonly<Record<HttpRefusal, string>> = {
  "bad-request": "400 Bad Request",
  "target-too-long": "414 Request-URI Too Long",
  "rpc-unsupported": "501 Not implemented (No RPC Support)",
};

/** The reply to CONNECT that it is refused for its form. */
export function encodeHttpRefusal(refusal: HttpRefusal): Uint8Array {
  return encode(`HTTP/1.0 ${REFUSALS[refusal]}\r\n${CONNECT_HEADERS}\r\n`);
}

/** The reply to OPTIONS. */
export function encodeHttpOptions(): Uint8Array {
  return encode(`HTTP/1.0 200 OK\r\nAllow: OPTIONS, CONNECT\r\n${SERVER_HEADERS}\r\n`);
}

/** The reply to every other method, such as a browser's GET. */
export function encodeHttpMethodRefusal(): Uint8Array {
  const page = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>An HTTP tunnel, not an HTTP proxy</title></head>
<body>
<h1>This port opens tunnels, and a program has asked it for a page</h1>
<p>The Tor client chive listens here for programs that use an HTTP proxy with the method CONNECT,
as they do for addresses that begin with https. Nothing of this request was sent anywhere.</p>
<p>Enter this port as the proxy for HTTPS alone, or use the SOCKS port, which takes everything.</p>
</body>
</html>
`;
  return encode(
    "HTTP/1.0 405 Method Not Allowed\r\nAllow: OPTIONS, CONNECT\r\n" +
      `Content-Type: text/html; charset=utf-8\r\nContent-Length: ${page.length}\r\n` +
      `Cache-Control: no-store\r\n${SERVER_HEADERS}\r\n${page}`,
  );
}

/** The replies to CONNECT. */
export const HTTP_REPLIES: Replies = {
  succeeded: () => encode(`HTTP/1.0 200 OK\r\n${CONNECT_HEADERS}\r\n`),
  failed: (code) => {
    const { status, reason } = FAILURES.get(code) ?? own("500 Internal Server Error");
    const failed = reason === "" ? `chive/${code === "" ? "unexpected" : code}` : reason;
    return encode(
      `HTTP/1.0 ${status}\r\n${CONNECT_HEADERS}Tor-Request-Failed: ${failed}\r\n\r\n`,
    );
  },
  // Nothing can be looked up by CONNECT.
  answered: (_answers: readonly ResolvedAnswer[]) => HTTP_REPLIES.failed(""),
};

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
