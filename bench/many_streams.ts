/**
 * Very many streams at once through a private network of C tor, and a slow reader beside a fast one:
 *
 *     deno task bench streams [--streams N] [--circuits N] [--seconds N] [--bytes N]
 *
 * Each stream sends 10 KB a second to a server that echoes it, and every byte is checked. The client
 * runs as a process of its own, and looks at the delay of its event loop. Prints the figures and
 * writes them to bench/results/streams.json.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ChildProcess } from "../tests/network/child_process.ts";
import { EchoServer } from "../tests/network/echo_server.ts";
import { EchoStreams, quantile } from "../tests/network/echo_streams.ts";
import { freePort } from "../tests/network/free_port.ts";
import { httpGet } from "../tests/network/http_client.ts";
import { cpuTime, memoryCounters } from "../tests/network/process_counters.ts";
import { type Endpoint, socks5Connect } from "../tests/network/socks_client.ts";
import { START_FLAGS } from "../tests/network/start_flags.ts";
import { bodySha256 } from "../tests/network/test_body.ts";
import { missingForWorld, World } from "../tests/network/world.ts";
import { NETWORK_PARAMETERS } from "./network_parameters.ts";
import type { EventLoopDelay } from "./event_loop_delay.ts";

const MEGABYTE = 1_000_000;
const TIMEOUT = 60_000;
/** Where the echo server listens; no relay has this address. */
const SERVICE_ADDRESS = "127.8.0.1";
/** Between two looks at the client's memory, in ms. */
const SAMPLE_INTERVAL = 100;
/** What is downloaded alone and beside a slow reader, in bytes. */
const FAST_LENGTH = 20 * MEGABYTE;
/** Downloads of that kind before, beside and after the slow reader. */
const DOWNLOADS = 5;
/** How long the slow reader has the circuit for itself, in ms. */
const FILLING_TIME = 3000;
/** What the slow reader takes in a second, in bytes. */
const SLOW_RATE = 1000;

interface Load {
  readonly streams: number;
  readonly circuits: number;
  readonly seconds: number;
  /** What each stream sends in a second. */
  readonly bytes: number;
}

/**
 * Measures as the arguments say.
 *
 * @param args those after the benchmark's name
 */
export async function benchStreams(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      streams: { type: "string", default: "1000" },
      circuits: { type: "string", default: "20" },
      seconds: { type: "string", default: "60" },
      bytes: { type: "string", default: "10000" },
    },
  });
  const load: Load = {
    streams: Number(values.streams),
    circuits: Number(values.circuits),
    seconds: Number(values.seconds),
    bytes: Number(values.bytes),
  };
  if (Object.values(load).some((value) => !Number.isInteger(value) || value < 1)) {
    console.error("Usage: streams [--streams N] [--circuits N] [--seconds N] [--bytes N]");
    Deno.exit(2);
  }
  const missing = await missingForWorld();
  if (missing) {
    console.error(`The benchmark cannot run: ${missing}.`);
    Deno.exit(1);
  }
  const results = await measure(load);
  console.log(JSON.stringify(results, rounded, 2));
  const directory = new URL("results/", import.meta.url);
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(
    new URL("streams.json", directory),
    JSON.stringify({ date: new Date().toISOString(), ...results }, rounded, 2) + "\n",
  );
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Math.round(value * 100) / 100 : value;
}

async function measure(load: Load): Promise<object> {
  console.error("Starting the network");
  await using world = await World.start({ parameters: NETWORK_PARAMETERS });
  await using echo = new EchoServer(SERVICE_ADDRESS);
  await using client = await MeasuredClient.start(world);
  const many = await manyStreams(client, echo, load);
  return { load, many, besideSlow: await besideSlowReader(client, world) };
}

/** The streams of the load, and what the client is like meanwhile. */
async function manyStreams(client: MeasuredClient, target: Endpoint, load: Load): Promise<object> {
  console.error(`Opening ${load.streams} streams`);
  const opening = performance.now();
  await using streams = await EchoStreams.open({ proxy: client.socks, target, ...load });
  const opened = performance.now() - opening;
  const whileOpening = await client.figures();
  const before = await memoryCounters(client.process.pid);
  console.error(`Echoing for ${load.seconds} s`);
  using peak = new PeakMemory(client.process.pid);
  using idle = new IdleThread();
  await idle.delay();
  const cpu = await cpuTime(client.process.pid);
  const started = performance.now();
  const { bytes, latencies } = await streams.run(load.seconds, load.bytes);
  const took = performance.now() - started;
  return {
    opened,
    delayWhileOpening: whileOpening,
    took,
    megabytesEachWay: bytes / MEGABYTE,
    echo: {
      median: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      most: latencies.at(-1),
    },
    delay: await client.figures(),
    idleThreadDelay: await idle.delay(),
    loadAverage: Deno.loadavg()[0],
    cpuPart: (await cpuTime(client.process.pid) - cpu) / took,
    memory: {
      anonymousBefore: before.anonymous / MEGABYTE,
      anonymousPeak: peak.anonymous / MEGABYTE,
      residentPeak: peak.resident / MEGABYTE,
    },
  };
}

/** One download alone, and one on the same circuit beside a reader of 1 KB a second. */
async function besideSlowReader(client: MeasuredClient, { target }: World): Promise<object> {
  const auth = { username: "slow and fast", password: "" };
  const fast = async () => {
    const conn = await socks5Connect(client.socks, target, auth);
    const started = performance.now();
    const { sha256 } = await httpGet(conn, `/bytes/${FAST_LENGTH}`);
    if (sha256 !== bodySha256(FAST_LENGTH, 0)) throw new Error("a wrong byte came");
    return FAST_LENGTH / MEGABYTE / (performance.now() - started) * 1000;
  };
  const several = async () => {
    const rates: number[] = [];
    while (rates.length < DOWNLOADS) rates.push(await fast());
    return rates;
  };
  console.error("Downloading alone and beside a slow reader");
  const before = await several();
  const memory = await memoryCounters(client.process.pid);
  using peak = new PeakMemory(client.process.pid);
  const slow = await socks5Connect(client.socks, target, auth);
  await slow.write(new TextEncoder().encode("GET /endless HTTP/1.1\r\nHost: web\r\n\r\n"));
  const reading = readSlowly(slow);
  // Until the buffers of the system are full, the slow reader is as fast as the other.
  await new Promise((wake) => setTimeout(wake, FILLING_TIME));
  const beside = await several();
  slow.close();
  await reading;
  return {
    megabytesPerSecond: { before, beside, after: await several() },
    anonymousBefore: memory.anonymous / MEGABYTE,
    anonymousPeak: peak.anonymous / MEGABYTE,
  };
}

/** Reads 1 KB a second until the connection is closed. */
async function readSlowly(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(SLOW_RATE);
  try {
    while (await conn.read(buffer) !== null) await new Promise((wake) => setTimeout(wake, 1000));
  } catch {
    // It was closed.
  }
}

/** The client as a process. */
class MeasuredClient implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly socks: Endpoint;
  #asked = 0;

  private constructor(process: ChildProcess, socks: Endpoint) {
    this.process = process;
    this.socks = socks;
  }

  /** Starts it, and waits until it has joined. */
  static async start({ network }: World): Promise<MeasuredClient> {
    const dataDirectory = await network.makeDirectory("chive");
    const torrc = `${await network.makeDirectory("torrc")}/torrc`;
    const socks = { hostname: "127.0.0.1", port: freePort("127.0.0.1") };
    await Deno.writeTextFile(torrc, network.clientTorrc({ dataDirectory, socksPort: socks.port }));
    const program = fileURLToPath(new URL("many_streams_client.ts", import.meta.url));
    const process = new ChildProcess("chive", [
      ...["setpriv", "--pdeathsig", "KILL", "--"] as const,
      ...[Deno.execPath(), "run", ...START_FLAGS, "--allow-net", "--allow-env"],
      `--allow-read=${dataDirectory},${torrc}`,
      `--allow-write=${dataDirectory}`,
      ...[program, torrc],
    ]);
    await process.line(/Joined/, TIMEOUT);
    return new MeasuredClient(process, socks);
  }

  /** The delays of its event loop since the last call, and its circuits with open streams. */
  async figures(): Promise<EventLoopDelay & { readonly circuits: number }> {
    this.#asked++;
    this.process.signal("SIGUSR2");
    const [, json] = await this.process.line(new RegExp(`Figures ${this.#asked} (.*)`), TIMEOUT);
    return JSON.parse(json);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop();
  }
}

/** A thread that is idle: how late it is woken tells how busy the machine is with all there is. */
class IdleThread implements Disposable {
  readonly #worker = new Worker(new URL("idle_worker.ts", import.meta.url), { type: "module" });

  /** Its delays since the last call. */
  delay(): Promise<EventLoopDelay> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<EventLoopDelay>) => resolve(data);
      this.#worker.onerror = ({ message }) => reject(new Error(message));
      this.#worker.postMessage("delay");
    });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** Watches the memory of a process until it is disposed of; in bytes. */
class PeakMemory implements Disposable {
  anonymous = 0;
  resident = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(pid: number) {
    this.#timer = setInterval(async () => {
      try {
        const now = await memoryCounters(pid);
        this.anonymous = Math.max(this.anonymous, now.anonymous);
        this.resident = Math.max(this.resident, now.resident);
      } catch {
        this[Symbol.dispose]();
      }
    }, SAMPLE_INTERVAL);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
