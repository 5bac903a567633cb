/**
 * Doors of a client without Tor behind them, for one test.
 *
 * @module
 */
import assert from "node:assert/strict";
import { buildConfig } from "../../src/config/build.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { type ErrorTable, TorError } from "../../src/errors/tor_error.ts";
import { Doors, type DoorsParts } from "../../src/proxy/doors.ts";
import type { ByteStream } from "../../src/runtime/byte_stream.ts";
import { type SocketAddress, SystemNetwork } from "../../src/runtime/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { FakeOpener, type OpenCall } from "./fake_opener.ts";
import { SocksClient } from "./socks_client.ts";

/** An error of the opener, with any code. */
export class StreamFailure extends TorError {
  constructor(code: string) {
    const facts: ErrorTable = { [code]: { retry: "elsewhere" } };
    super(facts, code, "the test says so");
  }
}

/** What a test gets. */
export interface Setting {
  readonly doors: Doors;
  readonly opener: FakeOpener;
  readonly clock: FakeClock;
  /** Where the first door for TCP listens. */
  readonly address: SocketAddress;
  /** How many connections all doors have. */
  connections(): number;
  /** Connects to the first door for TCP, or to another address. */
  connect(address?: SocketAddress): Promise<SocksClient>;
}

/** What a test may choose. */
export interface DoorsOptions extends
  Partial<
    Pick<DoorsParts, "onData" | "maxConnections">
  > {
  /** The torrc; one SocksPort unless said. */
  readonly torrc?: string;
  /** The system's unless given. */
  readonly network?: SystemNetwork;
}

/** Opens the doors of a torrc. */
export async function openDoors(
  torrc: string,
  opener: FakeOpener,
  clock: FakeClock,
  more: Partial<DoorsParts> = {},
): Promise<Doors> {
  const { config } = buildConfig([parseTorrc(torrc, "test.torrc")]);
  return await Doors.open({
    config,
    runtime: { clock, random: new SeededRandom("doors"), network: new SystemNetwork() },
    openerFor: () => opener,
    ...more,
  });
}

/** Runs a test with doors on loopback, and closes everything afterwards. */
export async function withDoors(
  test: (setting: Setting) => Promise<void>,
  { torrc = "SocksPort auto", network = new SystemNetwork(), ...more }: DoorsOptions = {},
): Promise<void> {
  const clock = new FakeClock();
  const opener = new FakeOpener();
  const runtime = { clock, random: new SeededRandom("doors"), network };
  const doors = await openDoors(torrc, opener, clock, { runtime, ...more });
  const [first] = (["SocksPort", "HTTPTunnelPort", "DNSPort"] as const)
    .flatMap((kind) => doors.addresses(kind));
  const clients: SocksClient[] = [];
  const connect = async (address = first) => {
    const client = await SocksClient.connect(address);
    clients.push(client);
    return client;
  };
  const connections = () => doors.open.reduce((sum, door) => sum + door.connections, 0);
  try {
    await test({ doors, opener, clock, address: first, connections, connect });
  } finally {
    clients.forEach((client) => client.close());
    await doors.close(AbortSignal.abort());
    assert.equal(connections(), 0);
    assert.equal(clock.pendingTimers, 0, "no timer is left behind");
  }
}

/** An opener's `onOpen` that waits for the test to go on. */
export function heldOpen(opener: FakeOpener) {
  const called = Promise.withResolvers<OpenCall>();
  const answer = Promise.withResolvers<ByteStream>();
  opener.onOpen = (call) => {
    called.resolve(call);
    return answer.promise;
  };
  return { called: called.promise, answer };
}
