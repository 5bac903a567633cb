/**
 * The HTTP tunnel: HTTP's method CONNECT, as C tor 0.4.9's HTTPTunnelPort takes it.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { Logger } from "../observe/log.ts";
import {
  type ApplicationProtocol,
  concatenate,
  type Handshake,
  type HandshakeProgress,
} from "./application_protocol.ts";
import { parseDestination } from "./destination.ts";
import { type HttpHead, parseHttpHead } from "./http_head.ts";
import {
  encodeHttpMethodRefusal,
  encodeHttpOptions,
  encodeHttpRefusal,
  HTTP_REPLIES,
  type HttpRefusal,
} from "./http_replies.ts";
import type { Credentials } from "./stream_request.ts";
import type { WarningLimit } from "./warning_limit.ts";

/** Longest host in a target, in characters. */
const LONGEST_HOST = 255;

const NOTHING = new Uint8Array(0);

const log = new Logger("proxy");

/** The HTTP tunnel of one listener. */
export class HttpTunnel implements ApplicationProtocol {
  readonly name = "HTTP tunnel";
  readonly #warnings: WarningLimit;

  /** @param warnings for those about applications that identify themselves in an old way */
  constructor(warnings: WarningLimit) {
    this.#warnings = warnings;
  }

  begin(): Handshake {
    let pending: Uint8Array = NOTHING;
    return {
      push: (bytes) => {
        const searched = pending.length;
        pending = concatenate(pending, bytes);
        const parsed = parseHttpHead(pending, searched);
        switch (parsed.kind) {
          case "incomplete":
            return { reply: NOTHING, outcome: undefined };
          case "malformed":
            return over(NOTHING, "a request that is no HTTP");
          case "head":
            return this.#judge(parsed.head, pending.subarray(parsed.length));
        }
      },
    };
  }

  #judge(head: HttpHead, early: Uint8Array): HandshakeProgress {
    const method = head.method.toLowerCase();
    if (method === "connect") return this.#connect(head, early);
    // A page in a browser can send anything but CONNECT to a name of its own that leads here: it
    // must not even learn that somebody listens.
    const host = head.headers.get("host");
    if (host === undefined || !isLoopbackHost(host)) {
      return over(NOTHING, "a request that is not for this machine");
    }
    return method === "options"
      ? over(encodeHttpOptions(), "asked for the options")
      : over(encodeHttpMethodRefusal(), "a request with another method than CONNECT");
  }

  #connect({ target, headers }: HttpHead, early: Uint8Array): HandshakeProgress {
    const split = /^(.+):([0-9]{1,5})$/.exec(target);
    if (split === null || Number(split[2]) < 1 || Number(split[2]) > 65535) {
      return refused("bad-request");
    }
    if (split[1].length > LONGEST_HOST) return refused("target-too-long");
    const destination = parseDestination(split[1]);
    if (destination.kind === "refused") {
      const reason = `refused a request [${destination.code}]`;
      return over(HTTP_REPLIES.failed(destination.code), reason);
    }
    // An IPv6 address without brackets would leave it open which colon is before the port.
    if (destination.kind === "ip6" && !split[1].startsWith("[")) return refused("bad-request");
    if (headers.has("tor-rpc-target")) return refused("rpc-unsupported");
    return {
      reply: NOTHING,
      outcome: {
        kind: "request",
        request: {
          protocol: "HTTP",
          command: "connect",
          destination,
          port: Number(split[2]),
          credentials: this.#credentials(headers),
          family: undefined,
        },
        replies: HTTP_REPLIES,
        early,
      },
    };
  }

  /**
   * As C tor 0.4.9 has it, the authorization counts as a user name and the two other headers
   * together as a password.
   */
  #credentials(headers: HttpHead["headers"]): Credentials {
    const authorization = headers.get("proxy-authorization");
    const isolation = headers.get("tor-stream-isolation");
    const olderIsolation = headers.get("x-tor-stream-isolation");
    if (authorization !== undefined && !isModern(authorization) && this.#warnings.pass("auth")) {
      log.warn(
        "An application identifies itself to the HTTP tunnel in an old way: it should use Basic " +
          "authorization with the user name tor. Its streams are set apart all the same.",
      );
    }
    const isGiven = isolation !== undefined || olderIsolation !== undefined;
    return {
      username: bytesOf(authorization ?? ""),
      // A line break can be in neither of them.
      password: isGiven ? bytesOf(`${isolation ?? ""}\n${olderIsolation ?? ""}`) : NOTHING,
    };
  }
}

/** Whether a Host header names this machine by a loopback address or as localhost. */
function isLoopbackHost(host: string): boolean {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::[0-9]{1,5})?$/.exec(host) ?? [];
  if (bracketed !== undefined) {
    return ipaddr.IPv6.isValid(bracketed) && ipaddr.process(bracketed).range() === "loopback";
  }
  if (plain === undefined) return false;
  if (plain.toLowerCase() === "localhost") return true;
  return ipaddr.IPv4.isValidFourPartDecimal(plain) &&
    ipaddr.IPv4.parse(plain).range() === "loopback";
}

/** Basic authorization with the user name "tor" (proposal 365). */
function isModern(authorization: string): boolean {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization) ?? [];
  if (encoded === undefined) return false;
  try {
    return atob(encoded).startsWith("tor:");
  } catch {
    return false;
  }
}

/** A header's value, of which each character stands for a byte. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function refused(refusal: HttpRefusal): HandshakeProgress {
  return over(encodeHttpRefusal(refusal), `refused a request [${refusal}]`);
}

function over(reply: Uint8Array, what: string): HandshakeProgress {
  return { reply, outcome: { kind: "over", reason: `HTTP tunnel: ${what}` } };
}
