/**
 * The door for this process itself: requests that are function calls.
 *
 * @module
 */
import type { Config, StreamIsolation, StreamTraffic } from "../config/config.ts";
import { AddressMap } from "../proxy/address_map.ts";
import { type Destination, parseDestination } from "../proxy/destination.ts";
import { Door } from "../proxy/door.ts";
import { ProxyError } from "../proxy/errors.ts";
import type { Credentials, StreamRequest } from "../proxy/stream_request.ts";
import { WarningLimit } from "../proxy/warning_limit.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { EarlyData } from "../stream/early_data.ts";
import type { ResolvedAnswer, StreamOpener } from "../stream/opener.ts";

/** Least time between two warnings about one plaintext port, in ms. */
const WARNING_INTERVAL = 600_000;

/** What is given as `isolation` alone decides; no configured port has this session group. */
const ISOLATION: StreamIsolation = {
  clientAddress: false,
  socksAuth: true,
  clientProtocol: false,
  destinationPort: false,
  destinationAddress: false,
  keepAliveSocksAuth: false,
  sessionGroup: Number.MIN_SAFE_INTEGER,
};

/** As a SocksPort without flags, so that exits can't tell them apart. */
const TRAFFIC: StreamTraffic = { ipv4: true, ipv6: true, preferIpv6: false };

/** What a {@link ProcessDoor} works with. */
export interface ProcessDoorParts {
  readonly config: Pick<Config, "doors">;
  readonly runtime: Runtime;
  readonly openerFor: (traffic: StreamTraffic) => StreamOpener;
}

/** What applies to one request. */
export interface RequestOptions {
  /**
   * Requests with another isolation never share a circuit, so that nobody behind Tor can tell by it
   * that they come from one client. Any text; what it is stays in this process.
   */
  readonly isolation?: string | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** Opens streams and looks names up for this process. */
export class ProcessDoor {
  readonly #door: Door;

  constructor({ config, runtime, openerFor }: ProcessDoorParts) {
    const { mapAddresses, automap } = config.doors;
    this.#door = new Door({
      opener: openerFor(TRAFFIC),
      ipv4Opener: openerFor({ ...TRAFFIC, ipv6: false }),
      addresses: new AddressMap(mapAddresses, automap, runtime.random),
      options: config.doors,
      port: { isolation: ISOLATION, traffic: TRAFFIC, dnsRequest: true, preferIpv6Automap: true },
      plaintextWarnings: new WarningLimit(runtime.clock, WARNING_INTERVAL),
    });
  }

  /**
   * Opens a stream.
   *
   * @throws ProxyError or StreamError, or the signal's reason
   */
  async connect(
    { hostname, port }: { readonly hostname: string; readonly port: number },
    { isolation, signal }: RequestOptions,
  ): Promise<ByteStream> {
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new RangeError(`the port must be a whole number from 1 to 65535, and is ${port}`);
    }
    const early = new EarlyData();
    try {
      return await this.open(
        request("connect", readDestination(hostname), isolation, port),
        early,
        signal ?? never(),
      );
    } finally {
      early.close();
    }
  }

  /**
   * Opens the stream of a request that was made elsewhere.
   *
   * @throws ProxyError or StreamError, or the signal's reason
   */
  async open(asked: StreamRequest, early: EarlyData, signal: AbortSignal): Promise<ByteStream> {
    signal.throwIfAborted();
    return await this.#door.open(asked, "", early, signal);
  }

  /**
   * The addresses of a name: those of `family`, or else the IPv4 ones if there are any.
   *
   * @throws ProxyError or StreamError, or the signal's reason
   */
  async resolve(
    name: string,
    { isolation, signal, family }: RequestOptions & { readonly family?: 4 | 6 | undefined },
  ): Promise<ResolvedAnswer[]> {
    signal?.throwIfAborted();
    const asked = { ...request("resolve", readDestination(name), isolation), family };
    return await this.#door.lookUp(asked, "", signal ?? never());
  }

  /**
   * The names of an address.
   *
   * @throws ProxyError or StreamError, or the signal's reason
   */
  async resolveReverse(
    address: string,
    { isolation, signal }: RequestOptions,
  ): Promise<ResolvedAnswer[]> {
    signal?.throwIfAborted();
    const destination = readDestination(address);
    if (destination.kind === "name") {
      throw new TypeError("resolveReverse takes an IP address, and was given something else");
    }
    const asked = request("resolve-ptr", destination, isolation);
    return await this.#door.lookUp(asked, "", signal ?? never());
  }
}

/** Credentials that isolate as the text does; none for no text. */
export function isolationCredentials(isolation: string | undefined): Credentials {
  return { username: new TextEncoder().encode(isolation ?? ""), password: new Uint8Array(0) };
}

function request(
  command: StreamRequest["command"],
  destination: Destination,
  isolation: string | undefined,
  port = 0,
): StreamRequest {
  const credentials = isolationCredentials(isolation);
  return { protocol: "library", command, destination, port, credentials, family: undefined };
}

function readDestination(text: string): Destination {
  const destination = parseDestination(text);
  if (destination.kind !== "refused") return destination;
  throw new ProxyError(
    destination.code,
    destination.code === "exit-name-refused"
      ? "names that end in .exit are refused"
      : "this is neither a host name nor an IP address",
  );
}

/** The signal of those who give none. */
function never(): AbortSignal {
  return new AbortController().signal;
}
