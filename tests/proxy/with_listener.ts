/**
 * A SOCKS port for one test.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type ErrorTable, TorError } from "../../src/errors/tor_error.ts";
import { SocksListener, type SocksListenerOptions } from "../../src/proxy/socks_listener.ts";
import type { ByteStream } from "../../src/runtime/byte_stream.ts";
import { type Network, SystemNetwork } from "../../src/runtime/network.ts";
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
  readonly listener: SocksListener;
  readonly opener: FakeOpener;
  readonly clock: FakeClock;
  connect(): Promise<SocksClient>;
}

/** Runs a test against a listener on loopback, and closes everything afterwards. */
export async function withListener(
  test: (setting: Setting) => Promise<void>,
  options: Partial<SocksListenerOptions> = {},
  network: Network = new SystemNetwork(),
): Promise<void> {
  const clock = new FakeClock();
  const opener = new FakeOpener();
  const listener = new SocksListener(network, clock, opener, {
    hostname: "127.0.0.1",
    port: 0,
    ...options,
  });
  const clients: SocksClient[] = [];
  const connect = async () => {
    const client = await SocksClient.connect(listener.address);
    clients.push(client);
    return client;
  };
  try {
    await test({ listener, opener, clock, connect });
  } finally {
    clients.forEach((client) => client.close());
    await listener.close(AbortSignal.abort());
    assert.equal(listener.connections, 0);
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
