/**
 * All that an end-to-end test or benchmark needs around a client: the private Tor network, a web
 * server behind its exits and the names that they can look up.
 *
 * @module
 */
import { CTorNetwork, type NetworkOptions } from "./c_tor_network.ts";
import { isInstalled } from "./child_process.ts";
import { DnsServer } from "./dns_server.ts";
import type { Endpoint } from "./socks_client.ts";
import { WebServer } from "./web_server.ts";

/** Where the web server and the DNS server listen; no relay has this address. */
const SERVICE_ADDRESS = "127.8.0.1";

/** The web server's name. */
const WEB_NAME = "web.test.example";

/** Names with addresses that nothing listens on: both are reserved for documentation. */
export const NAMED = {
  ipv4: { name: "four.test.example", address: "198.51.100.7" },
  ipv6: { name: "six.test.example", address: "2001:db8::7" },
} as const;

/** A name that does not exist. */
export const MISSING_NAME = "missing.test.example";

/** The world of one test run; disposing of it ends all of it. */
export class World implements AsyncDisposable {
  readonly network: CTorNetwork;
  readonly web: WebServer;
  /** The web server on the IPv6 loopback, where there is one. */
  readonly web6: WebServer | undefined;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    network: CTorNetwork,
    web: WebServer,
    web6: WebServer | undefined,
    resources: AsyncDisposableStack,
  ) {
    this.network = network;
    this.web = web;
    this.web6 = web6;
    this.#resources = resources;
  }

  /**
   * Starts all of it and waits until clients may come (about 15 s).
   *
   * @param options what the network is made of, where it is not as usual
   */
  static async start(options: Omit<NetworkOptions, "resolver"> = {}): Promise<World> {
    await using starting = new AsyncDisposableStack();
    const web = starting.use(new WebServer(SERVICE_ADDRESS));
    const web6 = hasIPv6() ? starting.use(new WebServer("::1")) : undefined;
    const dns = starting.use(
      await DnsServer.start(SERVICE_ADDRESS, {
        [WEB_NAME]: SERVICE_ADDRESS,
        [NAMED.ipv4.name]: NAMED.ipv4.address,
        [NAMED.ipv6.name]: NAMED.ipv6.address,
        [`${NAMED.ipv4.address.split(".").reverse().join(".")}.in-addr.arpa`]: NAMED.ipv4.name,
      }),
    );
    const network = starting.use(await CTorNetwork.start({ ...options, resolver: dns.address }));
    await network.ready();
    return new World(network, web, web6, starting.move());
  }

  /** The web server, by the name that only the exits' DNS server knows. */
  get target(): Endpoint {
    return { hostname: WEB_NAME, port: this.web.port };
  }

  /** The web server by its address: exits that were just started cannot look names up yet. */
  get targetAddress(): Endpoint {
    return { hostname: this.web.hostname, port: this.web.port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** What keeps a {@link World} from being started here, if anything does. */
export async function missingForWorld(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "it needs Linux";
  for (const program of ["tor", "tor-gencert", "setpriv"]) {
    if (!await isInstalled(program)) return `${program} is not installed`;
  }
  return undefined;
}

function hasIPv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrNotAvailable) return false;
    throw error;
  }
}
