/**
 * The application's half of a SOCKS handshake, from its first byte to the request.
 *
 * @module
 */
import { concatenate } from "./application_protocol.ts";
import { parseSocks4, SOCKS4_VERSION } from "./socks4.ts";
import {
  AUTHENTICATION_VERSION,
  METHOD_PASSWORD,
  METHOD_UNACCEPTABLE,
  parseCredentials,
  parseMethods,
  parseRequest,
  SOCKS5_VERSION,
} from "./socks5.ts";
import {
  encodeSocks4Reply,
  encodeSocks5Reply,
  socks5ReplyFor,
  type SocksRefusal,
} from "./socks_replies.ts";
import type { Parsed, SocksRequest } from "./socks_request.ts";
import { NO_CREDENTIALS } from "./stream_request.ts";

/** How a handshake ends. */
export type SocksOutcome =
  | {
    readonly kind: "request";
    readonly request: SocksRequest;
    /** What the application sent behind its request, without waiting for the reply. */
    readonly early: Uint8Array;
  }
  /** The application speaks HTTP. */
  | { readonly kind: "http" }
  /** What to say to the application is already in the reply. */
  | { readonly kind: "refused"; readonly code: SocksRefusal };

/** What came of some more bytes. */
export interface SocksProgress {
  /** To be sent to the application now; often empty. */
  readonly reply: Uint8Array;
  /** Present when the handshake is over; the decoder takes nothing more then. */
  readonly outcome: SocksOutcome | undefined;
}

/** Which message is expected next. */
type Expected = "first" | "credentials" | "request-or-credentials" | "request";

/** Of an HTTP request's first word: CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE. */
const HTTP_FIRST_LETTERS: ReadonlySet<number> = new Set(new TextEncoder().encode("CDGHOPT"));

const NO_BYTES = new Uint8Array(0);

/**
 * Reads SOCKS5, SOCKS4 and SOCKS4a, in pieces of any size: the replies and the outcome depend on
 * the bytes alone. Keeps at most one incomplete message (512 bytes) between two pieces.
 */
export class SocksDecoder {
  readonly #preferNoAuth: boolean;
  #pending: Uint8Array = NO_BYTES;
  #reply: Uint8Array = NO_BYTES;
  #expected: Expected = "first";
  #credentials = NO_CREDENTIALS;
  #outcome: SocksOutcome | undefined;

  /** @param preferNoAuth whether a password is not asked for where none will do */
  constructor(preferNoAuth = false) {
    this.#preferNoAuth = preferNoAuth;
  }

  /** Takes the next bytes of the application; `bytes` may be reused afterwards. */
  push(bytes: Uint8Array): SocksProgress {
    if (this.#outcome !== undefined) {
      throw new Error("SocksDecoder: the handshake is over");
    }
    this.#pending = concatenate(this.#pending, bytes);
    while (this.#outcome === undefined && this.#step());
    const reply = this.#reply;
    this.#reply = NO_BYTES;
    return { reply, outcome: this.#outcome };
  }

  /** Reads one message, if it is all there; false when more bytes are needed. */
  #step(): boolean {
    if (this.#pending.length === 0) return false;
    switch (this.#expected) {
      case "first":
        return this.#readFirst(this.#pending[0]);
      case "credentials":
        return this.#readCredentials();
      case "request-or-credentials":
        // Some applications send a name and a password although they were told to send none.
        return this.#pending[0] === AUTHENTICATION_VERSION
          ? this.#readCredentials()
          : this.#readRequest();
      case "request":
        return this.#readRequest();
    }
  }

  #readFirst(version: number): boolean {
    if (version === SOCKS5_VERSION) return this.#readMethods();
    if (version === SOCKS4_VERSION) return this.#readSocks4();
    this.#outcome = HTTP_FIRST_LETTERS.has(version)
      ? { kind: "http" }
      : { kind: "refused", code: "socks-version-unknown" };
    return true;
  }

  #readSocks4(): boolean {
    const request = this.#take(parseSocks4(this.#pending), () => encodeSocks4Reply(false));
    if (request === undefined) return false;
    this.#outcome = { kind: "request", request, early: this.#pending };
    return true;
  }

  #readMethods(): boolean {
    const refusal = () => Uint8Array.of(SOCKS5_VERSION, METHOD_UNACCEPTABLE);
    const method = this.#take(parseMethods(this.#pending, this.#preferNoAuth), refusal);
    if (method === undefined) return false;
    this.#send(Uint8Array.of(SOCKS5_VERSION, method));
    this.#expected = method === METHOD_PASSWORD ? "credentials" : "request-or-credentials";
    return true;
  }

  #readCredentials(): boolean {
    const refusal = () => Uint8Array.of(AUTHENTICATION_VERSION, 1);
    const credentials = this.#take(parseCredentials(this.#pending), refusal);
    if (credentials === undefined) return false;
    this.#credentials = credentials;
    this.#send(Uint8Array.of(AUTHENTICATION_VERSION, 0));
    this.#expected = "request";
    return true;
  }

  #readRequest(): boolean {
    const refusal = (code: SocksRefusal) => encodeSocks5Reply(socks5ReplyFor(code));
    const asked = this.#take(parseRequest(this.#pending), refusal);
    if (asked === undefined) return false;
    this.#outcome = {
      kind: "request",
      request: { version: 5, credentials: this.#credentials, ...asked },
      early: this.#pending,
    };
    return true;
  }

  /** The message, taken off the pending bytes; or `undefined`, with the outcome set if refused. */
  #take<T>(parsed: Parsed<T>, refusal: (code: SocksRefusal) => Uint8Array): T | undefined {
    switch (parsed.kind) {
      case "incomplete":
        return undefined;
      case "refused":
        this.#send(refusal(parsed.code));
        this.#outcome = { kind: "refused", code: parsed.code };
        return undefined;
      case "message":
        this.#pending = this.#pending.subarray(parsed.length);
        return parsed.value;
    }
  }

  #send(bytes: Uint8Array): void {
    this.#reply = concatenate(this.#reply, bytes);
  }
}
