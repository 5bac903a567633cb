/**
 * All doors of the client: opened together or not at all, and closed together.
 *
 * @module
 */
import { isAccepted } from "../config/access_policy.ts";
import type { ClientPort, ClientPortKind, Config, StreamTraffic } from "../config/config.ts";
import { Logger } from "../observe/log.ts";
import type { SocketAddress } from "../runtime/network.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { StreamOpener } from "../stream/opener.ts";
import { AddressMap } from "./address_map.ts";
import { ApplicationConnection } from "./application_connection.ts";
import type { ApplicationProtocol } from "./application_protocol.ts";
import { Door } from "./door.ts";
import { httpRefusal } from "./http_refusal.ts";
import { HttpTunnel } from "./http_tunnel.ts";
import { describePlace, openDnsPlace, type OpenPlace, openPlace } from "./listen_place.ts";
import { SocksProtocol } from "./socks_protocol.ts";
import { StreamListener } from "./stream_listener.ts";
import { WarningLimit } from "./warning_limit.ts";

/** Least time between two warnings of a kind about what applications do, in ms. */
const WARNING_INTERVAL = 600_000;

/** As C tor calls them in its log. */
const NAMES: Readonly<Record<ClientPortKind, string>> = {
  SocksPort: "Socks listener",
  HTTPTunnelPort: "HTTP tunnel listener",
  DNSPort: "DNS listener",
};

const log = new Logger("proxy");

/** What {@link Doors} work with. */
export interface DoorsParts {
  readonly config: Pick<
    Config,
    "dataDirectory" | "socksPorts" | "httpTunnelPorts" | "dnsPorts" | "doors" | "socksTimeout"
  >;
  readonly runtime: Runtime;
  /** Opens the streams of ports that carry this traffic. */
  readonly openerFor: (traffic: StreamTraffic) => StreamOpener;
  /** Called for each piece of data that an application's connection carries, either way. */
  readonly onData?: (() => void) | undefined;
  /** Most connections of one door; 4,096 unless said. */
  readonly maxConnections?: number;
}

/** A door that is open. */
export interface OpenDoor {
  readonly kind: ClientPortKind;
  /** With the real port number. */
  readonly place: ClientPort["place"];
  /** How many connections are open; the questions of DNS over UDP have none. */
  readonly connections: number;
}

/** A door that can be closed. */
interface ServedDoor extends OpenDoor {
  close(now: AbortSignal): Promise<void>;
}

/** A place that is open and not served yet. */
interface PreparedDoor {
  serve(): ServedDoor;
  /** Instead of serving it. */
  abandon(): Promise<void> | void;
}

/** Doors that are open. */
export class Doors {
  readonly #doors: readonly ServedDoor[];

  private constructor(doors: readonly ServedDoor[]) {
    this.#doors = doors;
  }

  /**
   * Opens all doors of a configuration; no application is served before all are open.
   *
   * @throws ProxyError when one of them cannot be opened; none is open then
   */
  static async open(parts: DoorsParts): Promise<Doors> {
    const opening = new DoorOpening(parts);
    const { socksPorts, httpTunnelPorts, dnsPorts } = parts.config;
    const prepared: PreparedDoor[] = [];
    try {
      for (const port of socksPorts) prepared.push(await opening.streams("SocksPort", port));
      for (const port of httpTunnelPorts) {
        prepared.push(await opening.streams("HTTPTunnelPort", port));
      }
      for (const port of dnsPorts) prepared.push(await opening.dns(port));
    } catch (error) {
      await Promise.all(prepared.map((door) => door.abandon()));
      throw error;
    }
    const doors = prepared.map((door) => door.serve());
    for (const { kind, place } of doors) {
      log.notice(`Opened ${NAMES[kind]} connection (ready) on ${describePlace(place)}`);
    }
    return new Doors(doors);
  }

  /** Those that are open. */
  get open(): readonly OpenDoor[] {
    return this.#doors;
  }

  /** Where doors of one kind listen for TCP, with their real port numbers. */
  addresses(wanted: ClientPortKind): SocketAddress[] {
    return this.#doors.flatMap(({ kind, place }) =>
      kind === wanted && place.kind === "tcp"
        ? [{ hostname: place.hostname, port: place.port }]
        : []
    );
  }

  /**
   * Stops accepting, and waits for the connections to end that carry a stream. They are closed at
   * once when `now` is aborted, also when it is already.
   */
  async close(now: AbortSignal): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.close(now)));
  }
}

/** What the doors that are opened together share. */
class DoorOpening {
  readonly #parts: DoorsParts;
  readonly #addresses: AddressMap;
  readonly #warnings: WarningLimit;

  constructor(parts: DoorsParts) {
    const { doors: { mapAddresses, automap } } = parts.config;
    this.#parts = parts;
    this.#addresses = new AddressMap(mapAddresses, automap, parts.runtime.random);
    this.#warnings = new WarningLimit(parts.runtime.clock, WARNING_INTERVAL);
  }

  /** Prepares a door that speaks SOCKS or is an HTTP tunnel. */
  async streams(kind: "SocksPort" | "HTTPTunnelPort", port: ClientPort): Promise<PreparedDoor> {
    const { runtime: { network, clock }, config } = this.#parts;
    const { source, place } = await openPlace(network, { kind, ...port }, config.dataDirectory);
    const service = {
      protocol: kind === "SocksPort" ? this.#socks(port, place) : new HttpTunnel(this.#warnings),
      door: this.#door(port),
      clock,
      handshakeTimeout: config.socksTimeout,
      onData: this.#parts.onData,
    };
    return {
      serve: () => {
        const listener = new StreamListener(source, {
          name: kind,
          clock,
          isAccepted: (address) => this.#isAccepted(address),
          serve: (conn, address, onRequest) =>
            new ApplicationConnection(conn, address, service, onRequest),
          maxConnections: this.#parts.maxConnections,
        });
        return {
          kind,
          place,
          get connections() {
            return listener.connections;
          },
          close: (now) => listener.close(now),
        };
      },
      abandon: () => source.close(),
    };
  }

  /** Prepares a DNS port. */
  async dns(port: ClientPort): Promise<PreparedDoor> {
    const { runtime: { network, clock } } = this.#parts;
    const kind = "DNSPort";
    if (port.place.kind !== "tcp") throw new TypeError("a DNSPort is no Unix socket");
    // Few have one, and what it takes need not be loaded for the others.
    const { DnsListener } = await import("./dns_listener.ts");
    let receive: DnsReceiver | undefined;
    const open = await openDnsPlace(
      network,
      { kind, origin: port.origin, place: port.place },
      (bytes, from) => receive?.(bytes, from),
    );
    return {
      serve: () => {
        const listener = new DnsListener(open, {
          clock,
          door: this.#door(port),
          isAccepted: (address) => this.#isAccepted(address),
        });
        receive = (bytes, from) => listener.receive(bytes, from);
        return {
          kind,
          place: { kind: "tcp", ...open.address },
          get connections() {
            return listener.connections;
          },
          close: (now) => listener.close(now),
        };
      },
      abandon: () => {
        open.tcp.close();
        return open.udp.close();
      },
    };
  }

  #door(port: ClientPort): Door {
    return new Door({
      opener: this.#parts.openerFor(port.traffic),
      ipv4Opener: this.#parts.openerFor({ ...port.traffic, ipv6: false, preferIpv6: false }),
      addresses: this.#addresses,
      port,
      options: this.#parts.config.doors,
      plaintextWarnings: this.#warnings,
    });
  }

  #socks(port: ClientPort, place: OpenPlace["place"]): ApplicationProtocol {
    const { safeSocks, testSocks } = this.#parts.config.doors;
    return new SocksProtocol({
      httpRefusal: httpRefusal(describePlace(place)),
      preferNoAuth: port.preferSocksNoAuth,
      safeSocks,
      testSocks,
      isMapped: (address) => this.#addresses.has(address),
      warnings: this.#warnings,
    });
  }

  #isAccepted(address: string): boolean {
    return isAccepted(this.#parts.config.doors.policy, address);
  }
}

/** Takes a message that came over UDP. */
type DnsReceiver = (bytes: Uint8Array, from: SocketAddress) => void;
