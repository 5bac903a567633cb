/**
 * The network that golden data directories are of. It must never change: those of versions that
 * were released cannot be made anew. What it is on paper follows from fixed keys and one time; its
 * relays run anywhere, and whoever connects to one by its address on paper is led to it.
 *
 * @module
 */
import { type Clock, SystemClock, type Timer } from "../../src/runtime/clock.ts";
import { type Network, type SocketAddress, SystemNetwork } from "../../src/runtime/network.ts";
import type { RandomSource } from "../../src/runtime/random.ts";
import { DirectoryServer } from "../../testnet/directory_server.ts";
import { RsaSigner, TestAuthority } from "../../testnet/document_writer.ts";
import { Events } from "../../testnet/events.ts";
import { type ListedRelay, NetworkDocuments } from "../../testnet/network_documents.ts";
import { EmbeddedRelay, type RelayRole } from "../../testnet/relay.ts";
import type { Names } from "../../testnet/relay_context.ts";
import { type EmbeddedRelayKeys, makeRelayKeys } from "../../testnet/relay_keys.ts";
import { RELAY_PROTOCOLS } from "../../testnet/relay_protocols.ts";
import { fixedRsaKey } from "../../testnet/rsa_keys.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

/** When golden data directories were written. */
export const GOLDEN_TIME: number = Date.UTC(2026, 10, 24, 12);

const SEED = "golden";
const AUTHORITIES = 3;
const LOOPBACK = "127.0.0.1";
const OR_PORT = 9001;
const DIR_PORT = 9030;

/** How many relays of each kind there are. */
const ROLES: readonly (readonly [RelayRole, number])[] = [
  ["authority", AUTHORITIES],
  ["guard", 6],
  ["middle", 3],
  ["exit", 3],
];

/** A relay as the golden consensus lists it, and its keys. */
interface GoldenRelay extends ListedRelay {
  readonly keys: EmbeddedRelayKeys;
  readonly random: RandomSource;
}

const relays: readonly GoldenRelay[] = ROLES.flatMap(([role, count]) =>
  Array.from({ length: count }, (_, index) => ({ role, nickname: `${role}${index}` }))
).map(({ role, nickname }, number) => {
  const random = new SeededRandom(`${SEED}/${nickname}`);
  // The keys before are the authorities'.
  const keys = makeRelayKeys(fixedRsaKey(2 * AUTHORITIES + number), random);
  const { rsaId, ed25519IdBytes: ed25519Id, onionKey } = keys;
  const hostname = `127.${20 + number}.0.1`;
  return { nickname, role, hostname, orPort: OR_PORT, rsaId, ed25519Id, onionKey, keys, random };
});

const authorities = relays.slice(0, AUTHORITIES).map(({ nickname, hostname }, index) =>
  new TestAuthority(nickname, {
    identityKey: new RsaSigner(fixedRsaKey(2 * index)),
    signingKey: new RsaSigner(fixedRsaKey(2 * index + 1)),
    address: { hostname, dirPort: DIR_PORT, orPort: OR_PORT },
  })
);

/** Its documents, written at {@link GOLDEN_TIME}. */
export function goldenDocuments(): NetworkDocuments {
  const documents = new NetworkDocuments(new FakeClock(GOLDEN_TIME), "");
  for (const authority of authorities) documents.addAuthority(authority);
  documents.list(relays.map(({ keys: _keys, random: _random, ...listed }) => listed));
  return documents;
}

/** A torrc that makes chive a client of it. */
export function goldenTorrc(dataDirectory: string): string {
  const lines = authorities.map(({ nickname, v3Identity }, index) =>
    `DirAuthority ${nickname} orport=${OR_PORT} v3ident=${v3Identity} ` +
    `${relays[index].hostname}:${DIR_PORT} ${relays[index].rsaId}`
  );
  return [
    `DataDirectory ${dataDirectory}`,
    "SocksPort 127.0.0.1:auto",
    "TestingTorNetwork 1",
    "EnforceDistinctSubnets 1",
    "Log warn stdout",
    ...lines,
  ].join("\n") + "\n";
}

/** The system's clock, set to {@link GOLDEN_TIME} when it is made. */
export class GoldenClock implements Clock {
  readonly #system = new SystemClock();
  readonly #behind = this.#system.now() - GOLDEN_TIME;

  now(): number {
    return this.#system.now() - this.#behind;
  }

  monotonic(): number {
    return this.#system.monotonic();
  }

  setTimer(callback: () => void, delay: number): Timer {
    return this.#system.setTimer(callback, delay);
  }
}

/** The network while it runs; disposing of it ends it. */
export class GoldenNetwork implements AsyncDisposable {
  /** What has happened at its relays. */
  readonly events: Events;
  /** Leads from addresses on paper to where relays listen. */
  readonly network: Network;
  readonly #running: AsyncDisposableStack;

  private constructor(events: Events, network: Network, running: AsyncDisposableStack) {
    this.events = events;
    this.network = network;
    this.#running = running;
  }

  /** @param names those that exits can look up */
  static async start(clock: Clock, names: Names): Promise<GoldenNetwork> {
    await using starting = new AsyncDisposableStack();
    const events = new Events();
    const ports = new Map<string, number>();
    const network = new PaperNetwork(ports);
    const directory = new DirectoryServer(goldenDocuments(), clock);
    for (const { nickname, role, hostname, keys, random } of relays) {
      const relay = await EmbeddedRelay.start({
        nickname,
        role,
        hostname: LOOPBACK,
        keys,
        protocols: RELAY_PROTOCOLS,
        parameters: "",
        runtime: { clock, random, network },
        names,
        events,
        directory,
      });
      ports.set(hostname, starting.use(relay).orPort);
    }
    return new GoldenNetwork(events, network, starting.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.disposeAsync();
  }
}

/** The system's network, but with other places for relays. */
class PaperNetwork implements Network {
  readonly #system = new SystemNetwork();
  readonly #ports: ReadonlyMap<string, number>;

  constructor(ports: ReadonlyMap<string, number>) {
    this.#ports = ports;
  }

  connect(address: SocketAddress, signal?: AbortSignal): Promise<Deno.TcpConn> {
    const port = address.port === OR_PORT ? this.#ports.get(address.hostname) : undefined;
    const place = port === undefined ? address : { hostname: LOOPBACK, port };
    return this.#system.connect(place, signal);
  }

  listen(address: SocketAddress): Deno.TcpListener {
    return this.#system.listen(address);
  }
}
