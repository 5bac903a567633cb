/**
 * Tells about a running client over HTTP (C tor: MetricsPort).
 *
 * @module
 */
import type { MetricsOptions } from "../config/metrics_port.ts";
import { Logger } from "../observe/log.ts";
import type { RecentLines } from "../observe/recent_lines.ts";
import type { Clock } from "../runtime/clock.ts";
import { formatAddress, type SocketAddress } from "../runtime/network.ts";
import { answer, type WatchedClient } from "./answers.ts";
import { ClientMetrics } from "./client_metrics.ts";
import { MonitorError } from "./errors.ts";
import { EventLoopDelay } from "./event_loop_delay.ts";
import { type MonitoredClient, statusReport } from "./status_report.ts";
import { Throughput } from "./throughput.ts";

const log = new Logger("monitor");

/** What a monitor is given. */
export interface MonitorParts {
  readonly clock: Clock;
  readonly options: MetricsOptions;
  /** Of the program. */
  readonly version: string;
  /** The last warnings of the log. */
  readonly warnings: RecentLines;
  /** Whether log lines name no destinations (SafeLogging). */
  readonly safeLogging: boolean;
}

/** Listens and answers until it is disposed of. */
export class Monitor implements AsyncDisposable {
  /** Where it listens, with its real port numbers. */
  readonly addresses: readonly SocketAddress[];
  readonly #parts: MonitorParts;
  readonly #servers: readonly Deno.HttpServer<Deno.NetAddr>[];
  readonly #sampling = new DisposableStack();
  #watched: WatchedClient | undefined;

  private constructor(parts: MonitorParts) {
    this.#parts = parts;
    this.#servers = this.#serveAll();
    this.addresses = this.#servers.map(({ addr: { hostname, port } }) => ({ hostname, port }));
    for (const address of this.addresses) {
      log.notice(`Metrics, health and a status page are at http://${formatAddress(address)}/`);
    }
  }

  /**
   * Begins to listen, at all ports or at none. Until there is a client to {@link watch}, it tells
   * only that the program lives.
   *
   * @throws MonitorError `metrics-port-taken` or `metrics-port-unusable`
   */
  static listen(parts: MonitorParts): Monitor {
    return new Monitor(parts);
  }

  /** From now on it tells about `client`. To be called once. */
  watch(client: MonitoredClient): void {
    const { clock } = this.#parts;
    const metrics = this.#sampling.use(new ClientMetrics({ ...this.#parts, client }));
    const eventLoop = this.#sampling.use(
      new EventLoopDelay(clock, (delay) => metrics.noteEventLoopDelay(delay)),
    );
    const throughput = this.#sampling.use(
      new Throughput(clock, () => client.statistics().channels.bytes),
    );
    const status = () => statusReport({ ...this.#parts, client, eventLoop, throughput });
    this.#watched = { metrics, status };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sampling.dispose();
    await Promise.all(this.#servers.map((server) => server.shutdown()));
  }

  #serveAll(): Deno.HttpServer<Deno.NetAddr>[] {
    const { options } = this.#parts;
    const servers: Deno.HttpServer<Deno.NetAddr>[] = [];
    try {
      for (const port of options.ports) {
        const server = serve(
          port,
          (request, from) => answer(request, from, { options, watched: this.#watched }),
        );
        servers.push(server);
      }
      return servers;
    } catch (error) {
      for (const server of servers) server.shutdown();
      throw error;
    }
  }
}

function serve(
  address: SocketAddress,
  handle: (request: Request, from: string) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({
      ...address,
      onListen: () => {},
      onError: (error) => {
        log.warn(`A request to the MetricsPort could not be answered: ${String(error)}`);
        return new Response("The answer could not be made.\n", { status: 500 });
      },
    }, (request, { remoteAddr }) => handle(request, remoteAddr.hostname));
  } catch (cause) {
    const where = formatAddress(address);
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new MonitorError("metrics-port-taken", `the MetricsPort ${where} is in use`, { cause });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MonitorError(
      "metrics-port-unusable",
      `cannot listen at the MetricsPort ${where}: ${reason}`,
      { cause },
    );
  }
}
