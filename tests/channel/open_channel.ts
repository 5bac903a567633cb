/**
 * An open channel and the relay's end of it.
 *
 * @module
 */
import type { CellReceiver, Channel } from "../../src/channel/channel.ts";
import { openChannel } from "../../src/channel/connect.ts";
import type { ChannelError } from "../../src/channel/errors.ts";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { type RelayLink, ScriptedRelay } from "./scripted_relay.ts";

/** Everything that a channel is opened with. */
export function testRuntime() {
  return { clock: new FakeClock(), random: new SeededRandom(1), network: new SystemNetwork() };
}

/** A circuit that keeps what it gets. */
export class ListeningCircuit implements CellReceiver {
  readonly cells: { command: number; body: Uint8Array }[] = [];
  closedBy: ChannelError | undefined;
  #wake: (() => void) | undefined;

  onCell(command: number, buffer: Uint8Array, bodyOffset: number): void {
    this.cells.push({ command, body: buffer.slice(bodyOffset, bodyOffset + 509) });
    this.#wake?.();
  }

  onChannelClosed(error: ChannelError): void {
    this.closedBy = error;
    this.#wake?.();
  }

  /** Resolves when so many cells have come, or the channel is closed. */
  async untilCells(count: number): Promise<void> {
    while (this.cells.length < count && this.closedBy === undefined) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

/** An open channel; closed, with the relay, at the end of the test. */
export class OpenChannel implements AsyncDisposable {
  readonly channel: Channel;
  readonly link: RelayLink;
  readonly #relay: ScriptedRelay;

  private constructor(channel: Channel, link: RelayLink, relay: ScriptedRelay) {
    this.channel = channel;
    this.link = link;
    this.#relay = relay;
  }

  static async start(): Promise<OpenChannel> {
    const runtime = testRuntime();
    const linked = Promise.withResolvers<RelayLink>();
    const ended = Promise.withResolvers<void>();
    const relay = new ScriptedRelay(runtime.clock.now(), async (link) => {
      await link.handshake();
      linked.resolve(link);
      await ended.promise;
    });
    const channel = await openChannel(runtime, relay.target, { timeout: 20_000 });
    channel.finished.then(ended.resolve);
    return new OpenChannel(channel, await linked.promise, relay);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.channel.close();
    await this.channel.finished;
    await this.#relay[Symbol.asyncDispose]();
  }
}
