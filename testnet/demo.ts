/**
 * `deno task demo`: a Tor network of its own inside this process, chive as its client, and a page
 * that is fetched through it. Nothing but the loopback interface is used.
 *
 * @module
 */
import { RunningClient } from "../src/client/running_client.ts";
import { buildConfig } from "../src/config/build.ts";
import { parseTorrc } from "../src/config/torrc.ts";
import { TorError } from "../src/errors/tor_error.ts";
import { configureLogging } from "../src/observe/configure.ts";
import { SystemClock } from "../src/runtime/clock.ts";
import { withDeadline } from "../src/runtime/deadline.ts";
import { formatAddress, type SocketAddress } from "../src/runtime/network.ts";
import { DemoWebServer, type Fetched, fetchThrough, FILE_LENGTH } from "./demo_web.ts";
import { EmbeddedNetwork } from "./network.ts";
import type { EmbeddedRelay, RelayRole } from "./relay.ts";

/** Only the exits know the web server by this name. */
const WEB_NAME = "web.demo.example";
/** Where the client's data is, below the current folder; removed at the end. */
const DATA_FOLDER = "./chive-demo";
/** The longest that the client may take to join, in ms. */
const JOIN_TIMEOUT = 10_000;
/** The longest that one download may take, in ms. */
const FETCH_TIMEOUT = 10_000;
/** Data that one relay cell carries at most, in bytes. */
const CELL_DATA_LENGTH = 498;

const ROLES: Readonly<Record<RelayRole, { readonly order: number; readonly knows: string }>> = {
  authority: { order: 0, knows: "signs the directory" },
  guard: { order: 1, knows: "knows you, but not the web server" },
  middle: { order: 2, knows: "knows neither you nor the web server" },
  exit: { order: 3, knows: "knows the web server, but not you" },
};

const clock = new SystemClock();

if (import.meta.main) Deno.exitCode = await runDemo(Deno.args);

/**
 * Runs the demonstration.
 *
 * @param args `--keep` leaves everything up until the program is interrupted
 * @returns the exit code: 0 when all was well
 */
export async function runDemo(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--keep");
  if (unknown !== undefined) {
    console.error(`demo: '${unknown}' is not known; the only option is --keep.`);
    return 2;
  }
  try {
    await demonstrate(args.includes("--keep"));
    return 0;
  } catch (error) {
    const advice = error instanceof TorError && error.advice !== undefined ? error.advice : "";
    console.error(`demo: ${error instanceof Error ? error.message : error} ${advice}`.trimEnd());
    return 1;
  }
}

async function demonstrate(keep: boolean): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const web = resources.use(new DemoWebServer("127.0.0.1"));
  const startedAt = clock.monotonic();
  const network = resources.use(
    await EmbeddedNetwork.start({ authorities: 3, names: { [WEB_NAME]: web.hostname } }),
  );
  say(
    `A Tor network of ${network.relays.length} relays is up on loopback, in ${since(startedAt)}:`,
  );
  for (const relay of network.relays) say(`  ${describe(relay)}`.trimEnd());
  if (!network.distinctAddresses) {
    say("Only 127.0.0.1 answers on this system: all relays share it, and the rule that no two");
    say("relays of a circuit are in one subnet is off.");
  }

  const joiningAt = clock.monotonic();
  const client = resources.use(await startClient(network, resources));
  await untilJoined(client);
  const [socks] = client.socksAddresses;
  say(`chive joined it in ${since(joiningAt)}. Its SOCKS5 port is ${formatAddress(socks)}.`);

  const page = `http://${WEB_NAME}:${web.port}/`;
  await download(socks, page, web);
  const before = new Map(network.relays.map((relay) => [relay, relay.traffic.cellsBackward]));
  await download(socks, `${page}file`, web);

  const carriers = network.relays
    .filter((relay) =>
      relay.traffic.cellsBackward - (before.get(relay) ?? 0) >= FILE_LENGTH / CELL_DATA_LENGTH
    )
    .toSorted((a, b) => ROLES[a.role].order - ROLES[b.role].order);
  const path = carriers.map(({ keys }) => keys.rsaId).join();
  if (!client.circuits.some((circuit) => circuit.join() === path)) {
    throw new Error("the relays that carried the file are not a circuit of the client");
  }
  say("The path of these bytes, as the relays saw it:");
  say("  you");
  for (const relay of carriers) {
    say(`  -> ${describe(relay)}  $${relay.keys.rsaId.slice(0, 8)}  ${ROLES[relay.role].knows}`);
  }
  say(`  -> the web server  ${formatAddress(web)}`);
  if (!keep) return;
  say("All of it stays up until you press Ctrl+C. Try:");
  say(`  curl --socks5-hostname ${formatAddress(socks)} ${page}`);
  await interrupted();
}

/** Starts the client as any other is started: from a torrc, with a data directory of its own. */
async function startClient(
  network: EmbeddedNetwork,
  resources: AsyncDisposableStack,
): Promise<RunningClient> {
  await Deno.mkdir(DATA_FOLDER, { recursive: true, mode: 0o700 });
  const dataDirectory = await Deno.makeTempDir({ dir: DATA_FOLDER });
  resources.defer(async () => {
    await Deno.remove(dataDirectory, { recursive: true });
    // Another demonstration may have its data beside ours: then the folder stays.
    await Deno.remove(DATA_FOLDER).catch(() => {});
  });
  const torrc = network.clientTorrc({ dataDirectory, socksPort: 0, log: "warn stdout" });
  const { config } = buildConfig([parseTorrc(torrc, "the demo's torrc")]);
  resources.use(await configureLogging(config.logs, config));
  return await RunningClient.start(config);
}

async function untilJoined({ bootstrap }: RunningClient): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = bootstrap.onProgress(() => bootstrap.done && resolve());
  if (bootstrap.done) resolve();
  const late = () => new Error("the client did not join the network in time");
  try {
    await withDeadline(clock, JOIN_TIMEOUT, late, undefined, (signal) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      return promise;
    });
  } finally {
    stop();
  }
}

/** Fetches a URL through the client, and checks that it is what the server has sent. */
async function download(socks: SocketAddress, url: string, web: DemoWebServer): Promise<void> {
  const expected = web.sha256(url);
  const late = () => new Error(`${url} did not come in time`);
  const fetched: Fetched = await withDeadline(
    clock,
    FETCH_TIMEOUT,
    late,
    undefined,
    (signal) => fetchThrough(formatAddress(socks), url, clock, signal),
  );
  const { status, length, sha256, milliseconds } = fetched;
  if (status !== 200 || sha256 !== expected) {
    throw new Error(`${url}: status ${status}, and the bytes are not those that were sent`);
  }
  const speed = length < 1_000_000 ? "" : `, ${(length / 1000 / milliseconds).toFixed(1)} MB/s`;
  say(
    `GET ${url} through it: ${status}, ${length} bytes in ${milliseconds.toFixed(0)} ms${speed};`,
  );
  say(`  SHA-256 ${sha256} is what the server sent.`);
}

function describe({ nickname, hostname, orPort }: EmbeddedRelay): string {
  return `${nickname.padEnd(10)}  ${formatAddress({ hostname, port: orPort }).padEnd(16)}`;
}

function interrupted(): Promise<void> {
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  return new Promise((resolve) => {
    const onSignal = () => {
      for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
      resolve();
    };
    for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  });
}

function since(start: number): string {
  return `${(clock.monotonic() - start).toFixed(0)} ms`;
}

function say(line: string): void {
  console.log(line);
}
