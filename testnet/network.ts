/**
 * A private Tor network inside this process: directory authorities and relays of our own on
 * loopback, up in a moment, without tor.
 *
 * @module
 */
import type { RsaIdentity } from "../src/crypto/identity.ts";
import { type Clock, SystemClock } from "../src/runtime/clock.ts";
import { SystemNetwork } from "../src/runtime/network.ts";
import type { Misbehaviour } from "./behaviour.ts";
import { DirectoryPort } from "./directory_port.ts";
import { DirectoryServer } from "./directory_server.ts";
import { RsaSigner, TestAuthority } from "./document_writer.ts";
import { Events, type RelayEvent } from "./events.ts";
import { type ListedRelay, NetworkDocuments } from "./network_documents.ts";
import { EmbeddedRelay, type RelayRole } from "./relay.ts";
import type { Names } from "./relay_context.ts";
import { makeRelayKeys } from "./relay_keys.ts";
import { RELAY_PROTOCOLS } from "./relay_protocols.ts";
import { fixedRsaKey } from "./rsa_keys.ts";
import { SeededRandom } from "./seeded_random.ts";
import { type PublishedDescriptor, readServerDescriptor } from "./server_descriptor.ts";

/** What a network is made of. */
export interface EmbeddedNetworkOptions {
  /** 1 to 3; 1 unless given. */
  readonly authorities?: number;
  /** 2 unless given. */
  readonly guards?: number;
  /** 2 unless given. */
  readonly middles?: number;
  /** 2 unless given. */
  readonly exits?: number;
  /** Relays and authorities that misbehave, by nickname: `guard0`, `exit1`, `authority0`... */
  readonly misbehaviours?: Readonly<Record<string, Misbehaviour>>;
  /** What some relays speak, by nickname, as in a consensus; RELAY_PROTOCOLS unless given. */
  readonly protocols?: Readonly<Record<string, string>>;
  /** Names that the exits can look up. */
  readonly names?: Names;
  /** Of all relays; the system's unless given. */
  readonly clock?: Clock;
  /** All that is random follows from it, but for the TLS keys. */
  readonly seed?: string | number;
  /** Whether each relay has an address of its own; if they work on this machine unless given. */
  readonly distinctAddresses?: boolean;
  /** Consensus parameters, `name=value` with spaces between, sorted. */
  readonly parameters?: string;
}

/** What a client's torrc says besides which network it joins. */
export interface ClientTorrcOptions {
  readonly dataDirectory: string;
  /** 0 asks for any free port. */
  readonly socksPort: number;
  /** What its log says and where; `notice stdout` unless given. */
  readonly log?: string;
  /** More lines, each an option of C tor. */
  readonly more?: readonly string[];
}

/** An authority is a relay that also signs the consensus. */
interface Authority {
  readonly relay: EmbeddedRelay;
  readonly signer: TestAuthority;
}

/** What {@link NetworkStart} has made. */
type NetworkParts =
  & Pick<EmbeddedNetwork, "relays" | "events" | "documents" | "distinctAddresses">
  & {
    readonly authorities: readonly Authority[];
    readonly published: ReadonlyMap<string, PublishedDescriptor>;
    readonly resources: AsyncDisposableStack;
  };

/** The first address is 127.20.0.1, the next 127.21.0.1 and so on, each in a /16 of its own. */
const FIRST_ADDRESS = 20;

/** A network that runs; disposing of it ends all of it. */
export class EmbeddedNetwork implements AsyncDisposable {
  /** All relays, authorities first. */
  readonly relays: readonly EmbeddedRelay[];
  /** What has happened at any of them. */
  readonly events: Events;
  readonly documents: NetworkDocuments;
  /** Whether each relay has an address in a /16 of its own; else all have 127.0.0.1. */
  readonly distinctAddresses: boolean;
  readonly #authorities: readonly Authority[];
  readonly #published: ReadonlyMap<string, PublishedDescriptor>;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: NetworkParts) {
    this.relays = parts.relays;
    this.events = parts.events;
    this.documents = parts.documents;
    this.distinctAddresses = parts.distinctAddresses;
    this.#authorities = parts.authorities;
    this.#published = parts.published;
    this.#resources = parts.resources;
  }

  /** Starts a network; clients may come when it resolves. */
  static start(options: EmbeddedNetworkOptions = {}): Promise<EmbeddedNetwork> {
    return new NetworkStart(options).run((parts) => new EmbeddedNetwork(parts));
  }

  /**
   * The relay of this nickname.
   *
   * @throws RangeError when there is none
   */
  relay(nickname: string): EmbeddedRelay {
    const found = this.relays.find((relay) => relay.nickname === nickname);
    if (found === undefined) throw new RangeError(`there is no relay ${nickname}`);
    return found;
  }

  /** The relay of this identity; `undefined` when it is none of this network. */
  relayOf(identity: RsaIdentity): EmbeddedRelay | undefined {
    return this.relays.find(({ keys }) => keys.rsaId === identity);
  }

  /** A `DirAuthority` line for each authority. */
  get authorityLines(): readonly string[] {
    return this.#authorities.map(({ relay, signer }) =>
      `DirAuthority ${relay.nickname} orport=${relay.orPort} v3ident=${signer.v3Identity} ` +
      `${relay.hostname}:${signer.address?.dirPort ?? 0} ${relay.keys.rsaId}`
    );
  }

  /** A torrc that makes C tor and chive alike a client of this network. */
  clientTorrc(options: ClientTorrcOptions): string {
    const lines = [
      `DataDirectory ${options.dataDirectory}`,
      `SocksPort 127.0.0.1:${options.socksPort === 0 ? "auto" : options.socksPort}`,
      "ClientOnly 1",
      "TestingTorNetwork 1",
      "AssumeReachable 1",
      // TestingTorNetwork switches this off, though here every relay is in a /16 of its own.
      `EnforceDistinctSubnets ${this.distinctAddresses ? 1 : 0}`,
      "SafeLogging 0",
      `Log ${options.log ?? "notice stdout"}`,
      ...this.authorityLines,
      ...options.more ?? [],
    ];
    return lines.join("\n") + "\n";
  }

  /**
   * Lists a relay of other make, such as C tor, in a new consensus, as soon as it has published
   * its descriptor at an authority.
   *
   * @throws the signal's reason
   */
  async adopt(nickname: string, role: RelayRole, signal?: AbortSignal): Promise<ListedRelay> {
    const isIt = (event: RelayEvent) => event.kind === "descriptor" && event.nickname === nickname;
    await this.events.until(isIt, { signal });
    const descriptor = this.#published.get(nickname);
    if (descriptor === undefined) throw new RangeError(`${nickname} has published nothing`);
    const relay = { ...descriptor, role };
    this.documents.list([relay]);
    return relay;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** The making of one network. */
class NetworkStart {
  readonly #options: EmbeddedNetworkOptions;
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #events = new Events();
  readonly #documents: NetworkDocuments;
  readonly #distinct: boolean;
  readonly #published = new Map<string, PublishedDescriptor>();
  #nextKey = 0;
  #nextAddress = FIRST_ADDRESS;

  constructor(options: EmbeddedNetworkOptions) {
    this.#options = options;
    this.#clock = options.clock ?? new SystemClock();
    this.#distinct = options.distinctAddresses ?? hasDistinctAddresses();
    this.#random = new SeededRandom(options.seed ?? "embedded network");
    this.#documents = new NetworkDocuments(this.#clock, options.parameters ?? "");
  }

  async run(make: (parts: NetworkParts) => EmbeddedNetwork): Promise<EmbeddedNetwork> {
    await using starting = new AsyncDisposableStack();
    const { authorities: count = 1, guards = 2, middles = 2, exits = 2 } = this.#options;
    const authorities: Authority[] = [];
    for (let index = 0; index < count; index++) {
      authorities.push(await this.#startAuthority(index, starting));
    }
    const relays = authorities.map(({ relay }) => relay);
    const roles = [["guard", guards], ["middle", middles], ["exit", exits]] as const;
    for (const [role, number] of roles) {
      for (let index = 0; index < number; index++) {
        relays.push(starting.use(await this.#startRelay(role, index)));
      }
    }
    this.#documents.list(relays.map(listed));
    return make({
      relays,
      authorities,
      events: this.#events,
      documents: this.#documents,
      distinctAddresses: this.#distinct,
      published: this.#published,
      resources: starting.move(),
    });
  }

  async #startAuthority(index: number, starting: AsyncDisposableStack): Promise<Authority> {
    const relay = starting.use(await this.#startRelay("authority", index));
    const port = starting.use(new DirectoryPort(relay.hostname, relay.directory));
    const signer = new TestAuthority(relay.nickname, {
      identityKey: new RsaSigner(fixedRsaKey(this.#nextKey++)),
      signingKey: new RsaSigner(fixedRsaKey(this.#nextKey++)),
      address: { hostname: relay.hostname, dirPort: port.port, orPort: relay.orPort },
    });
    this.#documents.addAuthority(signer);
    return { relay, signer };
  }

  #startRelay(role: RelayRole, index: number): Promise<EmbeddedRelay> {
    const nickname = `${role}${index}`;
    const random = this.#random.fork(nickname);
    return EmbeddedRelay.start({
      nickname,
      role,
      hostname: this.#distinct ? `127.${this.#nextAddress++}.0.1` : "127.0.0.1",
      keys: makeRelayKeys(fixedRsaKey(this.#nextKey++), random),
      protocols: this.#options.protocols?.[nickname] ?? RELAY_PROTOCOLS,
      parameters: this.#options.parameters ?? "",
      runtime: { clock: this.#clock, random, network: new SystemNetwork() },
      names: this.#options.names ?? {},
      events: this.#events,
      directory: new DirectoryServer(
        this.#documents,
        this.#clock,
        role === "authority" ? (text) => this.#takeDescriptor(nickname, text) : undefined,
      ),
      misbehaviour: this.#options.misbehaviours?.[nickname],
    });
  }

  /** Remembers what a relay of other make has published; returns whether it is good. */
  #takeDescriptor(authority: string, text: string): boolean {
    const descriptor = readServerDescriptor(text);
    if (descriptor === undefined) return false;
    const { nickname } = descriptor;
    this.#published.set(nickname, descriptor);
    this.#events.add({ kind: "descriptor", relay: authority, nickname });
    return true;
  }
}

/** A relay as the directory lists it. */
function listed(relay: EmbeddedRelay): ListedRelay {
  const { nickname, role, hostname, orPort, keys, protocols } = relay;
  const { rsaId, ed25519IdBytes: ed25519Id, onionKey } = keys;
  return { nickname, role, hostname, orPort, rsaId, ed25519Id, onionKey, protocols };
}

/** Whether all of 127.0.0.0/8 answers on this machine, and not 127.0.0.1 alone. */
function hasDistinctAddresses(): boolean {
  try {
    Deno.listen({ hostname: `127.${FIRST_ADDRESS}.0.1`, port: 0 }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrNotAvailable) return false;
    throw error;
  }
}
