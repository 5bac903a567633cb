/**
 * One fault of the network under a client that carries streams: what becomes of the streams, and
 * how long new requests wait.
 *
 * @module
 */
import assert from "node:assert/strict";
import { SystemNetwork } from "../../src/runtime/network.ts";
import { httpGet } from "./http_client.ts";
import { InProcessClient } from "./in_process_client.ts";
import { type Endpoint, SocksRefusal } from "./socks_client.ts";
import { SteadyStream } from "./steady_stream.ts";
import { bodySha256 } from "./test_body.ts";
import type { World } from "./world.ts";

/** Streams that run when a fault comes, and under how many isolations. */
const STREAMS = 20;
const ISOLATIONS = 5;

/** How often a refused request is asked again, in milliseconds. */
const ASK_AGAIN = 250;

/** The longest that a request is asked again before the test gives up, in milliseconds. */
const PATIENCE = 90_000;

/** A stream on an open circuit sends every 50 ms; after so many ms without a byte it is silent. */
const SILENCE = 3_000;

/** A stream on a circuit that nobody reports as lost has ended after so many ms. */
const LONGEST_SILENCE = 110_000;

/** What a fault does. */
export interface Fault {
  readonly name: string;
  /** Makes the fault; requests are made as soon as it resolves, unless `meanwhile` is given. */
  readonly strike: () => Promise<void> | void;
  /** What happens while requests wait already; the time until one is served counts from its end. */
  readonly meanwhile?: () => Promise<void>;
  /** Puts the network in order again, after the requests were served. */
  readonly mend?: () => Promise<void> | void;
  /** The relays that fail, by identity. */
  readonly victims: ReadonlySet<string>;
  /** Whether the victims come to life again, so that streams through them may go on. */
  readonly recovers?: boolean;
}

/** What was seen. */
export interface FaultReport {
  readonly fault: string;
  /** Time until a request of a new isolation was served, in ms. */
  readonly fresh: number;
  /** The longest time until a request of an isolation with streams was served, in ms. */
  readonly used: number;
  /** Replies to requests before they were served. */
  readonly replies: readonly number[];
  readonly streams: {
    /** Through a victim, and ended. */
    readonly ended: number;
    /**
     * Through a victim, and silent: C tor's relays do not always tell that the next relay is gone
     * (a trace of the client's cells showed neither DESTROY nor TRUNCATED). The client gives such a
     * circuit 90 s; the test waits for it.
     */
    readonly untold: number;
    /** Through a victim, and went on. */
    readonly survived: number;
    /** Through no victim, and went on. */
    readonly unhurt: number;
    /** The longest time until a stream through a victim had ended, in ms. */
    readonly lastEnd: number;
  };
  /** Connections that the client tried to open. */
  readonly attempts: number;
  /** Circuits for streams, and channels, when all was over. */
  readonly circuits: number;
  readonly channels: number;
}

/** A client in this process on which faults are tried, one after another. */
export class FaultRun implements AsyncDisposable {
  readonly client: InProcessClient;
  readonly #world: World;
  readonly #attempts: number[];
  #runs = 0;

  private constructor(world: World, client: InProcessClient, attempts: number[]) {
    this.#world = world;
    this.client = client;
    this.#attempts = attempts;
  }

  /** Starts the client and waits until it can be used. */
  static async start(world: World): Promise<FaultRun> {
    const system = new SystemNetwork();
    const attempts: number[] = [];
    const client = await InProcessClient.start(world.network, {
      // Which relays a stream goes through is known of one circuit alone.
      more: ["ConfluxEnabled 0"],
      runtime: {
        network: {
          connect(address, signal) {
            attempts.push(performance.now());
            return system.connect(address, signal);
          },
          listen: (address) => system.listen(address),
        },
      },
    });
    try {
      await client.bootstrapped();
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
    return new FaultRun(world, client, attempts);
  }

  /**
   * Opens the streams, lets the fault happen, and looks what becomes of streams and requests.
   *
   * @param choose the fault, chosen when the streams run
   * @throws AssertionError when a stream neither ended nor went on, or carried a wrong byte, or one
   * through no victim ended, or circuits are left over
   */
  async run(choose: () => Fault): Promise<FaultReport> {
    const { targetAddress: target } = this.#world;
    const run = this.#runs++;
    await using opened = new AsyncDisposableStack();
    const names = Array.from({ length: STREAMS }, (_, index) => `used-${index % ISOLATIONS}`);
    const streams = await Promise.all(names.map(async (name, index) => {
      const conn = await this.client.connect(target, name);
      return opened.use(new SteadyStream(conn, name, run * STREAMS + index));
    }));
    await assertAlive(streams);
    const fault = choose();
    const hurt = this.#streamsThrough(streams, fault.victims);

    const attemptsBefore = this.#attempts.length;
    await fault.strike();
    const struck = performance.now();
    const requests = [`fresh-${run}`, ...new Set(names)].map((name) => this.#untilServed(name));
    await fault.meanwhile?.();
    const begun = fault.meanwhile === undefined ? struck : performance.now();
    const [fresh, ...used] = await Promise.all(requests);
    await fault.mend?.();

    const fates = await Promise.all(streams.map(async (stream) => ({
      stream,
      isHurt: hurt.has(stream),
      fate: await stream.progress(SILENCE),
    })));
    const count = (isHurt: boolean, fate: string) =>
      fates.filter((each) => each.isHurt === isHurt && each.fate === fate).length;
    const report = {
      fault: fault.name,
      fresh: fresh.at - begun,
      used: Math.max(...used.map(({ at }) => at - begun)),
      replies: [fresh, ...used].flatMap(({ replies }) => replies),
      streams: {
        ended: count(true, "ended"),
        untold: count(true, "silent"),
        survived: count(true, "alive"),
        unhurt: count(false, "alive"),
        lastEnd: Math.max(
          0,
          ...[...hurt].map(({ end }) => end === undefined ? 0 : end.at - struck),
        ),
      },
      attempts: this.#attempts.length - attemptsBefore,
    };
    assert.equal(count(false, "silent"), 0, `${fault.name}: none hangs`);
    const { untold } = report.streams;
    assert.ok(untold <= STREAMS / ISOLATIONS, `${fault.name}: ${untold} streams hang`);
    const silent = fates.filter(({ isHurt, fate }) => isHurt && fate === "silent");
    const ends = await Promise.all(silent.map(({ stream }) => stream.progress(LONGEST_SILENCE)));
    assert.deepEqual(ends, silent.map(() => "ended"), `${fault.name}: none hangs for ever`);
    assert.equal(count(false, "ended"), 0, `${fault.name}: none ends that it does not concern`);
    if (!fault.recovers) {
      assert.equal(report.streams.survived, 0, `${fault.name}: nothing comes through dead relays`);
    }
    await opened.disposeAsync();
    const { circuits, channels } = await this.#settled();
    return { ...report, circuits, channels };
  }

  /** The circuits that carry streams now, guard first. */
  get circuitsInUse(): readonly (readonly string[])[] {
    return this.client.tor.circuitStatus
      .filter(({ streams }) => streams > 0)
      .map(({ relays }) => relays);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }

  #streamsThrough(
    streams: readonly SteadyStream[],
    victims: ReadonlySet<string>,
  ): Set<SteadyStream> {
    const circuits = this.client.tor.circuitStatus.filter((circuit) => circuit.streams > 0);
    return new Set(streams.filter(({ isolation }) => {
      const name = new TextEncoder().encode(isolation).toHex();
      const circuit = circuits.find(({ isolationKey }) => isolationKey?.includes(`"${name}"`));
      assert.ok(circuit, `a circuit carries the streams of ${isolation}`);
      return circuit.relays.some((relay) => victims.has(relay));
    }));
  }

  /** Asks until a request is served with the right bytes. */
  async #untilServed(isolation: string): Promise<{ at: number; replies: number[] }> {
    const { targetAddress: target } = this.#world;
    const start = performance.now();
    const replies: number[] = [];
    for (;;) {
      try {
        await this.#download(target, isolation);
        return { at: performance.now(), replies };
      } catch (error) {
        if (performance.now() - start > PATIENCE) throw error;
        replies.push(error instanceof SocksRefusal ? error.reply : -1);
      }
      await new Promise((wake) => setTimeout(wake, ASK_AGAIN));
    }
  }

  async #download(target: Endpoint, isolation: string): Promise<void> {
    const length = 1000;
    const result = await httpGet(await this.client.connect(target, isolation), `/bytes/${length}`);
    if (result.sha256 !== bodySha256(length, 0)) throw new Error(`${result.length} bytes came`);
  }

  /** Circuits that are being built, or wait for a better guard, or are for directory requests. */
  get #others(): number {
    const { building, oneHop } = this.client.tor.statistics().circuits;
    return building + oneHop;
  }

  /** Waits until nothing is open but circuits that the client keeps on purpose, and counts them. */
  async #settled(): Promise<{ circuits: number; channels: number }> {
    const { tor } = this.client;
    const start = performance.now();
    for (;;) {
      const circuits = tor.circuitStatus;
      const channels = tor.channelStatus;
      const attached = channels.reduce((sum, channel) => sum + channel.circuits, 0);
      const streams = circuits.reduce((sum, circuit) => sum + circuit.streams, 0);
      // A circuit that is being built may not have a channel yet, or have lost it just now.
      const others = attached - circuits.length;
      if (streams === 0 && others >= 0 && others <= this.#others) {
        return { circuits: circuits.length, channels: channels.length };
      }
      assert.ok(
        performance.now() - start < 20_000,
        `${streams} streams, ${circuits.length} circuits and ${this.#others} others, ` +
          `${attached} on channels`,
      );
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }
}

/** Fails unless every stream carries bytes. */
async function assertAlive(streams: readonly SteadyStream[]): Promise<void> {
  const fates = await Promise.all(streams.map((stream) => stream.progress(SILENCE)));
  assert.deepEqual(fates.filter((fate) => fate !== "alive"), []);
}

/** The reports as a table. */
export function faultTable(reports: readonly FaultReport[]): string {
  const head = [
    "fault",
    "new isolation",
    "used isolation",
    "replies",
    "ended (last)",
    "untold",
    "survived",
    "unhurt",
    "attempts",
    "circuits",
    "channels",
  ];
  const rows = reports.map((report) => [
    report.fault,
    `${Math.round(report.fresh)} ms`,
    `${Math.round(report.used)} ms`,
    report.replies.join(" "),
    `${report.streams.ended} (${Math.round(report.streams.lastEnd)} ms)`,
    `${report.streams.untold}`,
    `${report.streams.survived}`,
    `${report.streams.unhurt}`,
    `${report.attempts}`,
    `${report.circuits}`,
    `${report.channels}`,
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
