/**
 * An embedded relay: a small relay of our own that runs inside a test or the demonstration.
 *
 * @module
 */
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { ChannelManager } from "../src/channel/channel_manager.ts";
import type { ConnectionOptions } from "../src/config/config.ts";
import { ProtocolVersions } from "../src/netdoc/protocols.ts";
import { DEFAULT_BACKOFF } from "../src/runtime/backoff.ts";
import type { Runtime } from "../src/runtime/runtime.ts";
import { behaviourOf, type Misbehaviour } from "./behaviour.ts";
import type { DirectoryService } from "./directory_http.ts";
import type { Events } from "./events.ts";
import { InboundChannel } from "./inbound_channel.ts";
import { type LinkIdentity, makeLinkIdentity } from "./link_certificate.ts";
import type { Names, RelayContext, RelayTraffic } from "./relay_context.ts";
import type { EmbeddedRelayKeys } from "./relay_keys.ts";
import { relayCapabilities } from "./relay_protocols.ts";
import { Tasks } from "./tasks.ts";

/** What a relay is for. */
export type RelayRole = "authority" | "guard" | "middle" | "exit";

/** What a relay is made from. */
export interface EmbeddedRelayOptions {
  readonly nickname: string;
  readonly role: RelayRole;
  /** An IPv4 address of the loopback interface. */
  readonly hostname: string;
  readonly keys: EmbeddedRelayKeys;
  /** The subprotocols that it speaks, as in a consensus. */
  readonly protocols: string;
  /** The consensus parameters, `name=value` with spaces between. */
  readonly parameters: string;
  readonly runtime: Runtime;
  readonly names: Names;
  readonly events: Events;
  /** What an honest directory server answers. */
  readonly directory: DirectoryService;
  readonly misbehaviour?: Misbehaviour | undefined;
}

/** A relay that listens; disposing of it closes all that it has opened. */
export class EmbeddedRelay implements AsyncDisposable {
  readonly nickname: string;
  readonly role: RelayRole;
  readonly hostname: string;
  readonly orPort: number;
  readonly keys: EmbeddedRelayKeys;
  /** The subprotocols that it speaks, as in a consensus. */
  readonly protocols: string;
  /** What it has carried so far. */
  readonly traffic: Readonly<RelayTraffic>;
  readonly #server: Server;
  readonly #context: RelayContext;
  readonly #sockets = new Set<Socket>();
  readonly #links = new Set<InboundChannel>();

  private constructor(options: EmbeddedRelayOptions, context: RelayContext, server: Server) {
    this.nickname = options.nickname;
    this.role = options.role;
    this.hostname = options.hostname;
    this.keys = options.keys;
    this.protocols = options.protocols;
    this.traffic = context.traffic;
    this.#context = context;
    this.#server = server;
    this.orPort = listeningPort(server);
    server.on("connection", (socket) => this.#accept(socket));
  }

  /**
   * Starts a relay on any free port of its address.
   *
   * @throws what the operating system says, for example when the address is not there
   */
  static async start(options: EmbeddedRelayOptions): Promise<EmbeddedRelay> {
    const context = makeContext(options);
    const server = createServer({ noDelay: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(0, options.hostname, resolve);
    await promise;
    return new EmbeddedRelay(options, context, server);
  }

  /** What it answers to directory requests, by whatever way they come. */
  get directory(): DirectoryService {
    return this.#context.directory;
  }

  /** The links that others have opened to this relay. */
  get linkCount(): number {
    return this.#links.size;
  }

  /** Closes all links that others have opened, as a relay does that is restarted. */
  closeLinks(): void {
    for (const link of [...this.#links]) link.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const link of [...this.#links]) link.destroy();
    for (const socket of [...this.#sockets]) socket.destroy();
    await closed;
    await this.#context.channels.close();
    await this.#context.tasks.idle();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    const { behaviour, link: { cert, key } } = this.#context;
    const stream: Duplex | undefined = behaviour.acceptTls(
      socket,
      () => new TLSSocket(socket, { isServer: true, cert, key }),
    );
    if (stream === undefined) return;
    const link = new InboundChannel(this.#context, stream);
    this.#links.add(link);
    link.finished.then(() => this.#links.delete(link));
  }
}

/** How relays connect to each other. */
const CONNECTIONS: ConnectionOptions = {
  useIpv4: true,
  useIpv6: false,
  preferIpv6: "auto",
  padding: "auto",
  reducedPadding: false,
  keepalivePeriod: 300_000,
  backoff: DEFAULT_BACKOFF,
  maxOpen: 1000,
  maxConnecting: 1000,
};

/** Channels to other relays, which are not padded. */
function relayChannels(runtime: Runtime): ChannelManager {
  const channels = new ChannelManager(runtime, CONNECTIONS);
  const isTimeout = (name: string) => name.startsWith("nf_ito_");
  channels.updateParameters((name, bounds) => isTimeout(name) ? 0 : bounds.default);
  return channels;
}

function makeContext(options: EmbeddedRelayOptions): RelayContext {
  const { nickname, hostname, keys, runtime, names, events } = options;
  const behaviour = behaviourOf(options.misbehaviour);
  const link: LinkIdentity = behaviour.linkIdentity(() => makeLinkIdentity(runtime.clock.now()));
  let circuits = 0;
  return {
    nickname,
    hostname,
    isExit: options.role === "exit",
    capabilities: relayCapabilities(
      ProtocolVersions.parse(options.protocols),
      options.parameters,
    ),
    keys,
    link,
    behaviour,
    runtime,
    channels: relayChannels(runtime),
    directory: {
      answer: (request) => {
        const { method, path } = request;
        events.add({ kind: "directory", relay: nickname, method, path });
        return behaviour.answerDirectory(request, () => options.directory.answer(request));
      },
    },
    names,
    traffic: { cellsForward: 0, cellsBackward: 0, dataForward: 0, dataBackward: 0 },
    events,
    tasks: new Tasks(),
    confluxSets: new Map(),
    nextCircuitNumber: () => ++circuits,
  };
}

function listeningPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  return address.port;
}
