/**
 * What happens to a request between the application and Tor: it is mapped to another address,
 * refused, or answered at once, or goes on under its isolation (C tor:
 * connection_ap_handshake_rewrite and what follows it).
 *
 * @module
 */
import type { ClientPort, DoorOptions } from "../config/config.ts";
import { Logger } from "../observe/log.ts";
import type { ByteStream } from "../runtime/byte_stream.ts";
import type { EarlyData } from "../stream/early_data.ts";
import { StreamError } from "../stream/errors.ts";
import type { Isolation, ResolvedAnswer, StreamOpener } from "../stream/opener.ts";
import type { AddressFamily, AddressMap } from "./address_map.ts";
import { type Destination, parseDestination } from "./destination.ts";
import { ProxyError } from "./errors.ts";
import { isolationOf } from "./isolation.ts";
import type { StreamRequest } from "./stream_request.ts";
import type { WarningLimit } from "./warning_limit.ts";

const log = new Logger("proxy");

/** What a {@link Door} works with. */
export interface DoorParts {
  readonly opener: StreamOpener;
  /** For applications that can take IPv4 addresses alone. */
  readonly ipv4Opener: StreamOpener;
  /** Shared by all doors: what one has answered another may be asked for. */
  readonly addresses: AddressMap;
  readonly port: Pick<ClientPort, "isolation" | "traffic" | "dnsRequest" | "preferIpv6Automap">;
  readonly options: Pick<DoorOptions, "warnPlaintextPorts" | "rejectPlaintextPorts">;
  /** For warnings about ports of protocols without encryption. */
  readonly plaintextWarnings: WarningLimit;
}

/** The rules of one listener. */
export class Door {
  readonly #parts: DoorParts;

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /**
   * Opens a stream for "connect".
   *
   * @throws ProxyError for what this door does not let through, and what the opener throws
   */
  async open(
    request: StreamRequest,
    clientAddress: string,
    early: EarlyData,
    signal: AbortSignal,
  ): Promise<ByteStream> {
    const { opener, ipv4Opener, port: { isolation } } = this.#parts;
    const { kind, host } = this.#mapped(request);
    this.#checkName(kind, host);
    this.#checkFamily(kind, request);
    this.#checkPlaintext(request.port);
    return await (request.family === 4 ? ipv4Opener : opener).open(
      { kind, host, port: request.port },
      isolationOf(isolation, clientAddress, request),
      early,
      signal,
    );
  }

  /**
   * Looks up for "resolve" and "resolve-ptr".
   *
   * @returns of addresses only those that the application can take and this door lets through
   * @throws ProxyError for what this door does not let through, and what the opener throws
   */
  async lookUp(
    request: StreamRequest,
    clientAddress: string,
    signal: AbortSignal,
  ): Promise<ResolvedAnswer[]> {
    const isolation = isolationOf(this.#parts.port.isolation, clientAddress, request);
    if (request.command === "resolve-ptr") {
      this.#refuseVirtual(request.destination.host);
      return await this.#parts.opener.resolveReverse(request.destination.host, isolation, signal);
    }
    return this.#wanted(await this.#resolve(request, isolation, signal), request.family);
  }

  async #resolve(
    request: StreamRequest,
    isolation: Isolation,
    signal: AbortSignal,
  ): Promise<ResolvedAnswer[]> {
    const { opener, addresses } = this.#parts;
    const named = this.#mapAddress(request.destination);
    if (named.kind === "name" && addresses.isAutomapped(named.host)) {
      return [this.#automap(named.host, request.family)];
    }
    const { kind, host } = this.#unautomapped(named);
    // The address of an address needs no one else.
    if (kind !== "name") return [{ kind, value: host, ttl: 0 }];
    this.#checkName(kind, host);
    if (isOnion(host)) {
      throw new StreamError("onion-unsupported", "onion services have no addresses");
    }
    return await opener.resolve(host, isolation, signal);
  }

  #automap(name: string, family: AddressFamily | undefined): ResolvedAnswer {
    const { traffic, preferIpv6Automap } = this.#parts.port;
    const wantsIpv6 = !traffic.ipv4 || (traffic.ipv6 && traffic.preferIpv6) || preferIpv6Automap;
    const given = family ?? (wantsIpv6 ? 6 : 4);
    const value = this.#parts.addresses.virtualAddress(name, given);
    if (value === undefined) throw unknownVirtualAddress("no virtual address is left");
    return { kind: given === 4 ? "ip4" : "ip6", value, ttl: 0 };
  }

  /** Of both kinds of addresses the preferred one alone, as only one is ever answered. */
  #wanted(answers: readonly ResolvedAnswer[], family: AddressFamily | undefined): ResolvedAnswer[] {
    const { ipv4, ipv6, preferIpv6 } = this.#parts.port.traffic;
    const four = answers.filter(({ kind }) => kind === "ip4");
    const six = answers.filter(({ kind }) => kind === "ip6");
    if (family !== undefined) return family === 4 ? four : six;
    const [first, second] = preferIpv6
      ? [ipv6 ? six : [], ipv4 ? four : []]
      : [ipv4 ? four : [], ipv6 ? six : []];
    return first.length > 0 ? first : second;
  }

  #mapped({ destination }: StreamRequest): Destination {
    return this.#unautomapped(this.#mapAddress(destination));
  }

  #mapAddress(destination: Destination): Destination {
    const host = this.#parts.addresses.rewrite(destination.host);
    return host === destination.host ? destination : reparsed(host);
  }

  /** Virtual addresses become the names that they were given for. */
  #unautomapped(destination: Destination): Destination {
    const name = this.#parts.addresses.nameOf(destination.host);
    if (name !== undefined) return reparsed(name);
    this.#refuseVirtual(destination.host);
    return destination;
  }

  /** An exit must not learn of it, and could do nothing with it. */
  #refuseVirtual(host: string): void {
    if (this.#parts.addresses.isVirtual(host)) {
      throw unknownVirtualAddress("no name is known for this virtual address");
    }
  }

  #checkName(kind: Destination["kind"], host: string): void {
    if (kind !== "name" || this.#parts.port.dnsRequest || isOnion(host)) return;
    throw new ProxyError("name-refused", "this port takes addresses only (NoDNSRequest)");
  }

  /** The exit must not be asked for what the application could not use. */
  #checkFamily(kind: Destination["kind"], { family }: StreamRequest): void {
    if (family === 4 && (kind === "ip6" || !this.#parts.port.traffic.ipv4)) {
      throw new StreamError("target-refused", "the application can take IPv4 addresses alone");
    }
  }

  #checkPlaintext(port: number): void {
    const { options: { warnPlaintextPorts, rejectPlaintextPorts }, plaintextWarnings } =
      this.#parts;
    const isRefused = rejectPlaintextPorts.includes(port);
    if (warnPlaintextPorts.includes(port) && plaintextWarnings.pass(port)) {
      log.warn(
        `An application connects to port ${port}, which is mostly used without encryption: ` +
          "the exit, and whoever is behind it, can read what is sent." +
          (isRefused ? " The request is refused." : ""),
      );
    }
    if (isRefused) {
      throw new ProxyError("plaintext-port-refused", "RejectPlaintextPorts names this port");
    }
  }
}

function isOnion(host: string): boolean {
  return /\.onion\.?$/.test(host);
}

function reparsed(host: string): Destination {
  const destination = parseDestination(host);
  if (destination.kind !== "refused") return destination;
  throw new ProxyError(destination.code, "the request was mapped to an address that is none");
}

function unknownVirtualAddress(message: string): ProxyError {
  return new ProxyError("virtual-address-unknown", message);
}
