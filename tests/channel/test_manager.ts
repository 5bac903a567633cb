/**
 * A channel manager with a held clock and a network that can fail, and one relay that it can reach.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type ChannelEvents, ChannelManager } from "../../src/channel/channel_manager.ts";
import type { ConnectionOptions } from "../../src/config/config.ts";
import { type Network, type SocketAddress, SystemNetwork } from "../../src/runtime/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { type RelayLink, ScriptedRelay } from "./scripted_relay.ts";
import { TEST_CONNECTIONS } from "./test_connections.ts";

/** What becomes of a connection: an error, or `undefined` for the system's own answer. */
export type Fault = (address: SocketAddress) => Error | "silence" | undefined;

/** The system's network, except where a test has something else happen. */
export class FaultyNetwork implements Network {
  /** Where connections were opened to, in order. */
  readonly dialled: SocketAddress[] = [];
  fault: Fault = () => undefined;
  /** Connections that are being opened. */
  underWay = 0;
  mostUnderWay = 0;
  readonly #system = new SystemNetwork();

  async connect(address: SocketAddress, signal?: AbortSignal): Promise<Deno.TcpConn> {
    this.dialled.push(address);
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    try {
      const fault = this.fault(address);
      if (fault === "silence") return await untilAborted(signal);
      // Not at once: a real one takes its time as well.
      await Promise.resolve();
      if (fault !== undefined) throw fault;
      return await this.#system.connect(address, signal);
    } finally {
      this.underWay--;
    }
  }

  listen(address: SocketAddress): Deno.TcpListener {
    return this.#system.listen(address);
  }
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** A manager and one relay, both gone at the end of the test. */
export class TestManager implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly network = new FaultyNetwork();
  readonly runtime = { clock: this.clock, random: new SeededRandom(1), network: this.network };
  readonly failures: unknown[] = [];
  readonly manager: ChannelManager;
  readonly relay: ScriptedRelay;
  #wake: (() => void) | undefined;

  constructor(
    script = (link: RelayLink) => link.handshake().then(() => link.untilClosed()),
    options: Partial<ConnectionOptions> = {},
    events: ChannelEvents = {},
  ) {
    this.manager = new ChannelManager(this.runtime, { ...TEST_CONNECTIONS, ...options }, {
      onFailure: (error) => {
        this.failures.push(error);
        this.#wake?.();
      },
      ...events,
    });
    this.relay = new ScriptedRelay(this.clock.now(), script);
  }

  /** Resolves in the pause after so many failed attempts; nothing else may be under way. */
  async untilPause(failures: number): Promise<void> {
    while (this.failures.length < failures) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    // The keepalive and the pause.
    await this.clock.untilPending(2);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.close();
    assert.deepEqual(this.manager.channels, []);
    assert.equal(this.clock.pendingTimers, 0);
    assert.equal(this.network.underWay, 0);
    await this.relay[Symbol.asyncDispose]();
  }
}
