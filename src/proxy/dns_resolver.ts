/**
 * Answers questions of DNS through Tor (C tor: dnsserv.c).
 *
 * @module
 */
import { describeError, TorError } from "../errors/tor_error.ts";
import { Logger, scrub } from "../observe/log.ts";
import { parseDestination } from "./destination.ts";
import {
  decodeQuery,
  DnsCode,
  type DnsCodeValue,
  type DnsQuestion,
  encodeResponse,
} from "./dns_message.ts";
import type { Door } from "./door.ts";
import { NO_CREDENTIALS, type StreamRequest } from "./stream_request.ts";

/** How long an answer may be kept at least, in seconds, as in C tor. */
const LEAST_TTL = 60;
/** And at most: exits say an hour or a little more. */
const MOST_TTL = 3660;
/** Questions that are being answered at one time. */
const MOST_PENDING = 256;

/** What makes an answer "there is no such name"; all else says nothing about it. */
const NAME_ERRORS: ReadonlySet<string> = new Set([
  "resolve-failed",
  "onion-unsupported",
  "internal-address-refused",
]);

const log = new Logger("proxy");

/** The resolver of one listener. */
export class DnsResolver {
  readonly #door: Door;
  readonly #isAccepted: (address: string) => boolean;
  readonly #mostPending: number;
  #pending = 0;

  /**
   * @param isAccepted whether an application may ask from an IP address
   * @param mostPending questions that are being answered at one time; one more is not
   */
  constructor(
    door: Door,
    isAccepted: (address: string) => boolean,
    mostPending: number = MOST_PENDING,
  ) {
    this.#door = door;
    this.#isAccepted = isAccepted;
    this.#mostPending = mostPending;
  }

  /** How many questions are being answered. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Answers one message.
   *
   * @param clientAddress where it came from
   * @returns the response; undefined where there is none, also when the signal is aborted
   */
  async answer(
    bytes: Uint8Array,
    clientAddress: string,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const query = decodeQuery(bytes);
    if (query.kind === "ignored") return undefined;
    const { asked } = query;
    if (!this.#isAccepted(clientAddress)) return encodeResponse(asked, DnsCode.Refused);
    switch (query.kind) {
      case "malformed":
        return encodeResponse(asked, DnsCode.FormatError);
      case "unsupported":
        return encodeResponse(asked, DnsCode.NotImplemented);
      case "empty":
        return encodeResponse(asked, DnsCode.NoError);
      case "question":
        return await this.#resolve(query.question, asked, clientAddress, signal);
    }
  }

  async #resolve(
    question: DnsQuestion,
    asked: Uint8Array,
    clientAddress: string,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const request = requestOf(question);
    if (request === undefined || this.#pending >= this.#mostPending) {
      return encodeResponse(asked, DnsCode.ServerFailure);
    }
    this.#pending++;
    try {
      const [answer] = await this.#door.lookUp(request, clientAddress, signal);
      if (answer === undefined) return encodeResponse(asked, DnsCode.NoError);
      const ttl = Math.min(Math.max(answer.ttl, LEAST_TTL), MOST_TTL);
      return encodeResponse(asked, DnsCode.NoError, { question, value: answer.value, ttl });
    } catch (error) {
      return signal.aborted ? undefined : encodeResponse(asked, codeOf(error, request));
    } finally {
      this.#pending--;
    }
  }
}

/** What is asked of Tor; undefined for a name that can be no name of a host or an address. */
function requestOf({ type, name }: DnsQuestion): StreamRequest | undefined {
  const destination = type === "PTR" ? reversedAddress(name) : parseDestination(name);
  if (destination === undefined || destination.kind === "refused") return undefined;
  return {
    protocol: "DNS",
    command: type === "PTR" ? "resolve-ptr" : "resolve",
    destination,
    port: 0,
    credentials: NO_CREDENTIALS,
    family: type === "A" ? 4 : type === "AAAA" ? 6 : undefined,
  };
}

/** The address of a name under in-addr.arpa or ip6.arpa (RFC 1035 3.5, RFC 3596 2.5). */
function reversedAddress(name: string): StreamRequest["destination"] | undefined {
  const lower = name.toLowerCase();
  const four = /^((?:[0-9]{1,3}\.){4})in-addr\.arpa$/.exec(lower);
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(lower);
  const parts = (four ?? six)?.[1].split(".").slice(0, 32).reverse();
  if (parts === undefined) return undefined;
  const text = six === null
    ? parts.filter((part) => part !== "").join(".")
    : parts.join("").replaceAll(/(....)(?!$)/g, "$1:");
  const destination = parseDestination(text);
  return destination.kind === "ip4" || destination.kind === "ip6" ? destination : undefined;
}

function codeOf(error: unknown, { destination: { host } }: StreamRequest): DnsCodeValue {
  const what = `A DNS question about ${scrub(host)} could not be answered`;
  if (!(error instanceof TorError)) {
    log.warn(`${what}, unexpectedly: ${scrub(describeError(error))}`);
    return DnsCode.ServerFailure;
  }
  log.info(`${what}: ${describeError(error)}`);
  return NAME_ERRORS.has(error.code) ? DnsCode.NameError : DnsCode.ServerFailure;
}
