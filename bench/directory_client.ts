/**
 * The real program as a process, started with a fresh cache: when it listens, when the first byte
 * comes through it, and what memory it has then.
 *
 * @module
 */
import type { EmbeddedNetwork } from "../testnet/network.ts";
import { ChildProcess } from "../tests/network/child_process.ts";
import { httpGet } from "../tests/network/http_client.ts";
import { memoryCounters } from "../tests/network/process_counters.ts";
import { type Endpoint, socks5Connect } from "../tests/network/socks_client.ts";
import { START_FLAGS } from "../tests/network/start_flags.ts";

/** One start of the client; times in ms from the start of its process, memory in bytes. */
export interface ClientSample {
  /** Until its SOCKS port is open. */
  readonly listening: number;
  /** Until it knows enough of the network to build circuits. */
  readonly enough: number;
  /** Until the first byte came through it, asked for as soon as it listened. */
  readonly firstByte: number;
  /** Anonymous in /proc/PID/smaps_rollup, when it has had time to settle. */
  readonly anonymous: number;
  /** RssAnon in /proc/PID/status, at the same moment. */
  readonly rssAnonymous: number;
  /** The most that RssAnon was seen to be; the kernel keeps no peak. */
  readonly peakAnonymous: number;
  /** VmHWM in /proc/PID/status. */
  readonly peakResident: number;
}

/** How to start the client. */
export interface ClientStart {
  readonly network: EmbeddedNetwork;
  /** The file that Deno starts. */
  readonly program: string;
  /** Its data directory, which it leaves as a client does. */
  readonly dataDirectory: string;
  /** A web server that the exits reach. */
  readonly target: Endpoint;
  /** How long the client has to settle before its memory is read, in ms. */
  readonly settle: number;
}

/** Progress leaps over "enough_dirinfo" (75 %) when a circuit is begun in the same moment. */
const ENOUGH_KNOWN = /Bootstrapped (7[5-9]|8\d|9\d|100)%/;
/** The longest that any of it may take, in ms. */
const TIMEOUT = 60_000;
/** Between two looks at anonymous memory, in ms. */
const SAMPLE_INTERVAL = 10;

/** Starts the client, measures it and stops it. */
export async function sampleClient(start: ClientStart): Promise<ClientSample> {
  const { network, program, dataDirectory, target, settle } = start;
  const torrc = `${dataDirectory}.torrc`;
  await Deno.writeTextFile(torrc, network.clientTorrc({ dataDirectory, socksPort: 0 }));
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  await using client = new ChildProcess("chive", command(program, torrc, dataDirectory));
  using peak = new AnonymousPeak(client.pid);
  const enough = client.line(ENOUGH_KNOWN, TIMEOUT).then(elapsed);
  // It is awaited below; until then its failure is nobody's.
  enough.catch(() => undefined);
  const [, port] = await client.line(/Opened Socks listener .* on 127\.0\.0\.1:(\d+)/, TIMEOUT);
  const listening = elapsed();
  const conn = await socks5Connect({ hostname: "127.0.0.1", port: Number(port) }, target);
  const { length } = await httpGet(conn, "/bytes/1?seed=0");
  if (length !== 1) throw new Error("the byte did not come");
  const firstByte = elapsed();
  await new Promise((wake) => setTimeout(wake, settle));
  const { anonymous: rssAnonymous, peakResident } = await memoryCounters(client.pid);
  return {
    listening,
    enough: await enough,
    firstByte,
    anonymous: await exactAnonymous(client.pid),
    rssAnonymous,
    peakAnonymous: Math.max(peak.most, rssAnonymous),
    peakResident,
  };
}

/** As it is usually started, but with no way out of this machine: most relays are on paper. */
function command(program: string, torrc: string, dataDirectory: string): [string, ...string[]] {
  return [
    // Ends the client when the process that started it is gone, even by SIGKILL.
    ...["setpriv", "--pdeathsig", "KILL", "--"] as const,
    ...[Deno.execPath(), "run", ...START_FLAGS],
    "--allow-net=127.0.0.0/8,192.0.2.1,192.0.2.2",
    `--allow-read=${dataDirectory},${torrc}`,
    `--allow-write=${dataDirectory}`,
    ...[program, "-f", torrc],
  ];
}

/** Walks all pages of the process, where the counters in status are a little behind. */
async function exactAnonymous(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  const [, kilobytes] = /^Anonymous:\s*(\d+) kB$/m.exec(text) ?? [];
  if (kilobytes === undefined) throw new Error("the kernel tells no Anonymous");
  return Number(kilobytes) * 1024;
}

/** Watches the anonymous memory of a process until it is disposed of or the process is gone. */
class AnonymousPeak implements Disposable {
  /** In bytes. */
  most = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(pid: number) {
    this.#timer = setInterval(async () => {
      try {
        this.most = Math.max(this.most, (await memoryCounters(pid)).anonymous);
      } catch {
        this[Symbol.dispose]();
      }
    }, SAMPLE_INTERVAL);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
