/**
 * One client, measured once from its start to its end.
 *
 * @module
 */
import { type ClientKind, ClientProcess } from "../tests/network/client_process.ts";
import { download, upload } from "../tests/network/transfer_steps.ts";
import type { World } from "../tests/network/world.ts";

/** The figures of one client in one round. */
export interface Round {
  readonly client: ClientKind;
  /** From the start of the process to the first byte through it, in milliseconds. */
  readonly coldFirstByte: number;
  /** The median first byte of a new stream later on, in milliseconds. */
  readonly warmFirstByte: number;
  /** From a start with the data directory of before to the first byte, in milliseconds. */
  readonly restartFirstByte: number;
  /** One download, in MB (10^6 bytes) a second. */
  readonly downOne: number;
  /** Several downloads at once, in MB a second together. */
  readonly downSixteen: number;
  /** One upload, in MB a second. */
  readonly up: number;
  /** CPU time for one downloaded MB, in milliseconds. */
  readonly cpuPerMegabyteDown: number;
  /** CPU time for one uploaded MB, in milliseconds. */
  readonly cpuPerMegabyteUp: number;
  /** The most memory that was resident, in MB. */
  readonly peakResident: number;
  /** The most anonymous memory that was seen, in MB. */
  readonly peakAnonymous: number;
}

/** How much is carried in a round; lengths in bytes. */
export interface RoundSizes {
  /** Of the one download. */
  readonly down: number;
  /** Of each of {@link shares} downloads at once. */
  readonly share: number;
  readonly shares: number;
  /** Of the upload. */
  readonly up: number;
  /** Requests for the first byte, later on. */
  readonly warmRequests: number;
}

const MEGABYTE = 1_000_000;

/** What is compared with the targets. */
export const FULL_ROUND: RoundSizes = {
  down: 50 * MEGABYTE,
  share: 4 * MEGABYTE,
  shares: 16,
  up: 20 * MEGABYTE,
  warmRequests: 30,
};

/** Between two looks at a client's anonymous memory, in milliseconds; the kernel keeps no peak. */
const SAMPLE_INTERVAL = 50;

/** The longest that joining and the first byte may take, in milliseconds. */
const FIRST_BYTE_TIMEOUT = 60_000;

/**
 * Starts a client, measures it and stops it.
 *
 * @param program the file that Deno starts for chive
 */
export async function measureRound(
  world: World,
  kind: ClientKind,
  program: string,
  sizes: RoundSizes = FULL_ROUND,
): Promise<Round> {
  const { down, share, shares, up, warmRequests } = sizes;
  const { network, target } = world;
  let started = performance.now();
  await using client = await ClientProcess.start(network, { kind, program });
  using memory = new AnonymousMemorySampler(client);
  await firstByte(client, world);
  const coldFirstByte = performance.now() - started;
  const warm: number[] = [];
  for (let seed = 0; seed < warmRequests; seed++) {
    const { milliseconds } = await timed(client, () => download(client, target, 1, seed));
    warm.push(milliseconds);
  }
  const one = await timed(client, () => download(client, target, down, 1));
  const sixteen = await timed(client, () =>
    Promise.all(
      Array.from({ length: shares }, (_, index) => download(client, target, share, index)),
    ));
  const sent = await timed(client, () => upload(client, target, up, 2));
  const { peakResident } = await client.memory();
  await client.stop();

  started = performance.now();
  await using again = await ClientProcess.start(network, {
    kind,
    program,
    dataDirectory: client.dataDirectory,
  });
  await firstByte(again, world);
  return {
    client: kind,
    coldFirstByte,
    warmFirstByte: median(warm),
    restartFirstByte: performance.now() - started,
    downOne: down / MEGABYTE / one.milliseconds * 1000,
    downSixteen: shares * share / MEGABYTE / sixteen.milliseconds * 1000,
    up: up / MEGABYTE / sent.milliseconds * 1000,
    cpuPerMegabyteDown: one.cpu / (down / MEGABYTE),
    cpuPerMegabyteUp: sent.cpu / (up / MEGABYTE),
    peakResident: peakResident / MEGABYTE,
    peakAnonymous: memory.peak / MEGABYTE,
  };
}

/** The middle of the sorted values, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Waits for the SOCKS port and then for one byte through it. */
async function firstByte(client: ClientProcess, world: World): Promise<void> {
  const deadline = performance.now() + FIRST_BYTE_TIMEOUT;
  for (;;) {
    try {
      // A client that has not joined yet holds the request until it has.
      return await download(client, world.target, 1, 0);
    } catch (error) {
      if (performance.now() > deadline || !client.process.running) throw error;
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await new Promise((wake) => setTimeout(wake, 5));
    }
  }
}

async function timed(
  client: ClientProcess,
  task: () => Promise<unknown>,
): Promise<{ milliseconds: number; cpu: number }> {
  const cpu = await client.cpuTime();
  const start = performance.now();
  await task();
  return { milliseconds: performance.now() - start, cpu: await client.cpuTime() - cpu };
}

/** Watches the anonymous memory of a client until it is disposed of or the client is gone. */
class AnonymousMemorySampler implements Disposable {
  /** The most that was seen, in bytes. */
  peak = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(client: ClientProcess) {
    this.#timer = setInterval(async () => {
      if (!client.process.running) return this[Symbol.dispose]();
      try {
        this.peak = Math.max(this.peak, (await client.memory()).anonymous);
      } catch {
        // The client has ended between the two.
        this[Symbol.dispose]();
      }
    }, SAMPLE_INTERVAL);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
