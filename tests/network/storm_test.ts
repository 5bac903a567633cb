/**
 * A client without a network does not storm: the attempts to connect are counted over half an hour
 * of its clock, with and without requests of applications, and then the network comes back.
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { SystemClock } from "../../src/runtime/clock.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { FakeClock } from "../runtime/fake_clock.ts";
import { readExactly } from "./byte_reader.ts";
import { CountingNetwork, type NetworkState } from "./counting_network.ts";
import { httpGet } from "./http_client.ts";
import { InProcessClient } from "./in_process_client.ts";
import { type Endpoint, socks5Connect, SocksRefusal, SocksReply } from "./socks_client.ts";
import { bodySha256 } from "./test_body.ts";
import { WebServer } from "./web_server.ts";
import { whilePassing } from "./while_passing.ts";

const MINUTE = 60_000;

/** How long the network is gone, in minutes of the client's clock. */
const OUTAGE = 30;

/** How far the client's clock moves at once while the network is gone, in ms. */
const STEP = 500;

/** Requests in a second of the client's clock, and under how many isolations. */
const REQUEST_RATE = 10;
const ISOLATIONS = 10;

/** The longest pause between two attempts, with its random part, in ms (ConnectBackoffMax). */
const LONGEST_BACKOFF = 30_000 * 1.25;

/** What opening a channel and a circuit may take besides, by the client's hurried clock, in ms. */
const BUILDING = 5_000;

/** Attempts in any one minute that are no storm. */
const MOST_PER_MINUTE = 30;

/** Attempts in each of the last ten minutes that are no storm: two after each pause of 30 s. */
const MOST_AT_LAST = 9;

/** Attempts a minute, on average, so few that they need not become fewer. */
const FEW = 4;

const WEB_NAME = "web.test.example";

interface Case {
  readonly state: Exclude<NetworkState, "up">;
  readonly requests: boolean;
  /** Whether the client has been on the network, or never was. */
  readonly joined: boolean;
}

const CASES: readonly Case[] = [
  { state: "unreachable", requests: false, joined: true },
  { state: "unreachable", requests: true, joined: true },
  { state: "refused", requests: false, joined: true },
  { state: "refused", requests: true, joined: true },
  { state: "silent", requests: false, joined: true },
  { state: "silent", requests: true, joined: true },
  { state: "unreachable", requests: true, joined: false },
  { state: "silent", requests: true, joined: false },
];

for (const each of CASES) {
  const { state, requests, joined } = each;
  const name = `${joined ? "a client" : "a new client"} whose network is ${state}, ` +
    `${requests ? "with requests" : "without requests"}, does not storm`;
  Deno.test(name, () => outage(each, name));
}

async function outage({ state, requests, joined }: Case, name: string): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const web = resources.use(new WebServer("127.0.0.1"));
  const tor = resources.use(
    await EmbeddedNetwork.start({ names: { [WEB_NAME]: web.hostname }, middles: 3 }),
  );
  const clock = new FakeClock(new SystemClock().now());
  const network = resources.use(new CountingNetwork(() => clock.monotonic()));
  const dataDirectory = await Deno.makeTempDir();
  resources.defer(() => Deno.remove(dataDirectory, { recursive: true }));
  if (!joined) network.state = state;
  const client = resources.use(
    await InProcessClient.start(
      {
        clientTorrc: (options) => tor.clientTorrc(options),
        makeDirectory: () => Promise.resolve(dataDirectory),
      },
      // Short, so that not too many wait at once.
      { runtime: { clock, network, random: new SeededRandom(name) }, more: ["SocksTimeout 30"] },
    ),
  );
  const target = { hostname: WEB_NAME, port: web.port };
  if (joined) {
    await whilePassing(clock, client.bootstrapped());
    await whilePassing(clock, download(client.socks, target, "before"));
    network.state = state;
  }

  const gone = clock.monotonic();
  const asking = resources.use(new Asking(client.socks, target));
  for (let step = 0; step < OUTAGE * MINUTE / STEP; step++) {
    clock.advance(STEP);
    if (requests) await asking.until((step + 1) * STEP * REQUEST_RATE / 1000);
    await setImmediate();
    await setImmediate();
  }
  const series = network.series(gone, MINUTE, OUTAGE);
  const replies = new Map(asking.replies);

  network.state = "up";
  const back = clock.monotonic();
  await whilePassing(clock, untilServed(client.socks, target));
  const served = clock.monotonic() - back;
  const said = [...replies].map(([reply, count]) => `${count} times ${reply}`).join();
  console.log(
    `${name}: attempts a minute ${series.join(" ")}; replies ${said || "none"}; ` +
      `back after ${served} ms`,
  );

  const most = Math.max(...series);
  assert.ok(most <= MOST_PER_MINUTE, `at most ${most} attempts in a minute`);
  const last = Math.max(...series.slice(-10));
  assert.ok(last <= MOST_AT_LAST, `at most ${last} attempts in one of the last ten minutes`);
  const average = series.slice(-10).reduce((sum, count) => sum + count, 0) / 10;
  assert.ok(
    average <= Math.max(series[0], FEW),
    `${series[0]} attempts, and ${average} at last`,
  );
  assert.deepEqual([...replies.keys()], requests ? [SocksReply.TtlExpired] : []);
  assert.ok(served <= LONGEST_BACKOFF + BUILDING, `service was back after ${served} ms`);
}

/** Requests of applications that nobody waits for. */
class Asking implements AsyncDisposable {
  /** How many got each reply. */
  readonly replies = new Map<number, number>();
  readonly #proxy: Endpoint;
  readonly #target: Endpoint;
  readonly #pending = new Set<Promise<void>>();
  readonly #conns = new Set<Deno.Conn>();
  #count = 0;

  constructor(proxy: Endpoint, target: Endpoint) {
    this.#proxy = proxy;
    this.#target = target;
  }

  /** Makes as many more requests as there must have been, and waits until the client has them. */
  async until(count: number): Promise<void> {
    const taken: Promise<void>[] = [];
    while (this.#count < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      taken.push(promise);
      const request = this.#ask(`asking ${this.#count++ % ISOLATIONS}`, resolve).finally(resolve);
      this.#pending.add(request);
      request.then(() => this.#pending.delete(request));
    }
    await Promise.all(taken);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const conn of this.#conns) conn.close();
    await Promise.all(this.#pending);
  }

  /** One request, all of it at once, whose reply is counted. */
  async #ask(isolation: string, taken: () => void): Promise<void> {
    const conn = await Deno.connect(this.#proxy);
    this.#conns.add(conn);
    const name = new TextEncoder().encode(isolation);
    const host = new TextEncoder().encode(this.#target.hostname);
    const { port } = this.#target;
    try {
      await conn.write(Uint8Array.from([
        ...[5, 1, 2, 1, name.length, ...name, 1, 0],
        ...[5, 1, 0, 3, host.length, ...host, port >> 8, port & 0xff],
      ]));
      // The method, and the status of the password.
      await readExactly(conn, 4);
      taken();
      const [, reply] = await readExactly(conn, 10);
      this.replies.set(reply, (this.replies.get(reply) ?? 0) + 1);
    } catch {
      // The client or the test has ended.
    }
    if (this.#conns.delete(conn)) {
      try {
        conn.close();
      } catch { /* closed at the end of the test */ }
    }
  }
}

async function untilServed(proxy: Endpoint, target: Endpoint): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      return await download(proxy, target, `after ${attempt}`);
    } catch (error) {
      if (!(error instanceof SocksRefusal)) throw error;
    }
  }
}

async function download(proxy: Endpoint, target: Endpoint, isolation: string): Promise<void> {
  const conn = await socks5Connect(proxy, target, { username: isolation, password: "" });
  const { sha256 } = await httpGet(conn, "/bytes/1000");
  assert.equal(sha256, bodySha256(1000, 0));
}
