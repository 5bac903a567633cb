/**
 * The DNS port: questions over UDP and TCP.
 *
 * @module
 */
import type { Clock } from "../runtime/clock.ts";
import { formatAddress, type SocketAddress } from "../runtime/network.ts";
import { DnsConnection } from "./dns_connection.ts";
import { DnsResolver } from "./dns_resolver.ts";
import type { Door } from "./door.ts";
import type { OpenDnsPlace } from "./listen_place.ts";
import { StreamListener } from "./stream_listener.ts";

/** Most TCP connections at a time. */
const MAX_CONNECTIONS = 256;

/** What a {@link DnsListener} works with. */
export interface DnsListenerParts {
  readonly clock: Clock;
  readonly door: Door;
  /** Whether an application may ask from an IP address. */
  readonly isAccepted: (address: string) => boolean;
}

/** A DNS port that is open. */
export class DnsListener {
  readonly #place: OpenDnsPlace;
  readonly #resolver: DnsResolver;
  readonly #tcp: StreamListener;
  readonly #closing = new AbortController();
  /** The answers to messages over UDP that are on their way, by who asked and what. */
  readonly #asked = new Map<string, Promise<void>>();
  #closed: Promise<void> | undefined;

  /** @param place whose messages are given to {@link receive} */
  constructor(place: OpenDnsPlace, { clock, door, isAccepted }: DnsListenerParts) {
    this.#place = place;
    this.#resolver = new DnsResolver(door, isAccepted);
    const service = { resolver: this.#resolver, clock };
    this.#tcp = new StreamListener(place.tcp, {
      name: "DNSPort",
      clock,
      isAccepted,
      serve: (conn, address, onRequest) => new DnsConnection(conn, address, service, onRequest),
      maxConnections: MAX_CONNECTIONS,
    });
  }

  /** How many TCP connections are open. */
  get connections(): number {
    return this.#tcp.connections;
  }

  /** Takes a message that came over UDP. */
  receive(bytes: Uint8Array, from: SocketAddress): void {
    if (this.#closing.signal.aborted) return;
    const key = `${formatAddress(from)} ${bytes.toHex()}`;
    // Who has not got an answer in a while asks again; the first answer will do for both.
    if (this.#asked.has(key)) return;
    const answered = this.#answer(bytes, from).finally(() => this.#asked.delete(key));
    this.#asked.set(key, answered);
  }

  /** Gives up all questions over UDP, and closes the connections as `StreamListener.close` does. */
  close(now: AbortSignal): Promise<void> {
    this.#closed ??= this.#closeUdp();
    return Promise.all([this.#closed, this.#tcp.close(now)]).then(() => undefined);
  }

  async #closeUdp(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#asked.values());
    await this.#place.udp.close();
  }

  async #answer(bytes: Uint8Array, from: SocketAddress): Promise<void> {
    const { signal } = this.#closing;
    const response = await this.#resolver.answer(bytes, from.hostname, signal);
    if (response !== undefined && !signal.aborted) this.#place.udp.send(response, from);
  }
}
