/**
 * SOCKS4, 4a and 5 as a SOCKS port speaks them.
 *
 * @module
 */
import { Logger } from "../observe/log.ts";
import type { ResolvedAnswer } from "../stream/opener.ts";
import type {
  ApplicationProtocol,
  Handshake,
  HandshakeProgress,
  Replies,
} from "./application_protocol.ts";
import { SocksDecoder } from "./socks_decoder.ts";
import { encodeAnswer, encodeReply, Socks5Reply, socks5ReplyFor } from "./socks_replies.ts";
import type { SocksRequest } from "./socks_request.ts";
import type { StreamRequest } from "./stream_request.ts";
import type { WarningLimit } from "./warning_limit.ts";

const log = new Logger("proxy");

/** How a SOCKS port speaks. */
export interface SocksProtocolOptions {
  /** What is said to an application that speaks HTTP. */
  readonly httpRefusal: Uint8Array;
  /** Whether a password is not asked for where none will do (PreferSOCKSNoAuth). */
  readonly preferNoAuth: boolean;
  /** Whether requests without a name are refused (SafeSocks). */
  readonly safeSocks: boolean;
  /** Whether it is logged of each request if it had a name (TestSocks). */
  readonly testSocks: boolean;
  /** Whether an address stands for something else, and so was not looked up elsewhere. */
  readonly isMapped: (address: string) => boolean;
  /** For warnings about requests without a name. */
  readonly warnings: WarningLimit;
}

/** The SOCKS of one listener. */
export class SocksProtocol implements ApplicationProtocol {
  readonly name = "SOCKS";
  readonly #options: SocksProtocolOptions;

  constructor(options: SocksProtocolOptions) {
    this.#options = options;
  }

  begin(): Handshake {
    const decoder = new SocksDecoder(this.#options.preferNoAuth);
    return { push: (bytes) => this.#push(decoder, bytes) };
  }

  #push(decoder: SocksDecoder, bytes: Uint8Array): HandshakeProgress {
    const { reply, outcome } = decoder.push(bytes);
    switch (outcome?.kind) {
      case undefined:
        return { reply, outcome: undefined };
      case "http":
        return over(
          this.#options.httpRefusal,
          "Answered an HTTP request to the SOCKS port with a page that explains the port",
        );
      case "refused":
        return over(reply, `Refused a SOCKS request [${outcome.code}]`);
      case "request":
        return this.#judge(outcome.request, outcome.early, reply);
    }
  }

  #judge(request: SocksRequest, early: Uint8Array, reply: Uint8Array): HandshakeProgress {
    if (this.#isUnsafe(request)) {
      const refusal = encodeReply(request.version, socks5ReplyFor("socks-unsafe"));
      return over(
        Uint8Array.of(...reply, ...refusal),
        "Refused a SOCKS request [socks-unsafe]",
      );
    }
    const outcome = {
      kind: "request",
      request: streamRequest(request),
      replies: new SocksReplies(request.version),
      early,
    } as const;
    return { reply, outcome };
  }

  /** Says what is to be said of a request, and whether it must be refused. */
  #isUnsafe({ version, command, destination, port, isAddressGiven }: SocksRequest): boolean {
    const { safeSocks, testSocks, isMapped, warnings } = this.#options;
    const isUnsafe = isAddressGiven && command !== "resolve-ptr" && !isMapped(destination.host);
    if (!isUnsafe) {
      if (testSocks) {
        log.notice(
          `An application (with SOCKS${version}, for port ${port}) leaves it to Tor to look names ` +
            "up, if there are any. This is good.",
        );
      }
      return false;
    }
    if (safeSocks || testSocks || warnings.pass("address given")) {
      log.warn(
        `An application (with SOCKS${version}, for port ${port}) gives an address only. ` +
          "Applications that look names up themselves may tell others where you go: set yours to " +
          `resolve names through the proxy (SOCKS5 with host names, SOCKS4a).${
            safeSocks ? " The request is refused." : ""
          }`,
      );
    }
    return safeSocks;
  }
}

function streamRequest(socks: SocksRequest): StreamRequest {
  const { version, command, destination, port, credentials } = socks;
  return {
    protocol: `SOCKS${version}`,
    command,
    destination,
    port,
    credentials,
    // There is no room for an IPv6 address in SOCKS4.
    family: version === 4 ? 4 : undefined,
  };
}

function over(reply: Uint8Array, reason: string): HandshakeProgress {
  return { reply, outcome: { kind: "over", reason } };
}

/** The replies in one version of SOCKS. */
class SocksReplies implements Replies {
  readonly #version: 4 | 5;

  constructor(version: 4 | 5) {
    this.#version = version;
  }

  succeeded(): Uint8Array {
    return encodeReply(this.#version, Socks5Reply.Succeeded);
  }

  answered(answers: readonly ResolvedAnswer[]): Uint8Array {
    return encodeAnswer(this.#version, answers);
  }

  failed(code: string): Uint8Array {
    return encodeReply(this.#version, socks5ReplyFor(code));
  }
}
