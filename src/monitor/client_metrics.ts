/**
 * The client's numbers as Prometheus metrics. Nearly all are read when they are asked for; build
 * times and delays of the event loop are taken as they happen.
 *
 * @module
 */
import type { RecentLines } from "../observe/recent_lines.ts";
import type { Clock } from "../runtime/clock.ts";
import { Counter, Gauge, Histogram, Registry } from "./prometheus.ts";
import type { MonitoredClient } from "./status_report.ts";

/** What the metrics are about. */
export interface MetricsSources {
  readonly client: MonitoredClient;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Of the program. */
  readonly version: string;
  readonly warnings: Pick<RecentLines, "total">;
}

/** Values of one metric, each under the value of its label. */
type Values = Iterable<readonly [label: string, value: number]>;

/** A metric whose numbers are counted elsewhere. */
interface RepeatedNumbers {
  readonly name: string;
  readonly help: string;
  /** Tells its values apart; undefined where there is one value. */
  readonly label: string | undefined;
  readonly read: () => Values;
}

type GaugeType = InstanceType<typeof Gauge>;
type CounterType = InstanceType<typeof Counter>;

/** In seconds. */
const BUILD_TIME_BUCKETS = [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 60];
/** In seconds. */
const DELAY_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** All metrics of one client. */
export class ClientMetrics implements Disposable {
  readonly #registry = new Registry();
  readonly #eventLoopDelay: InstanceType<typeof Histogram>;
  readonly #stopListening: () => void;

  constructor(sources: MetricsSources) {
    const { client } = sources;
    this.#aboutProcess(sources);
    this.#aboutStart(sources);
    this.#aboutCircuits(client);
    this.#aboutGuards(client);
    this.#aboutChannels(client);
    this.#aboutStreams(client);
    this.#aboutDirectory(client);
    const buildTime = new Histogram({
      name: "chive_circuit_build_seconds",
      help: "Time in which circuits for streams were built, connecting to the guard included.",
      buckets: BUILD_TIME_BUCKETS,
      registers: [this.#registry],
    });
    this.#stopListening = client.onCircuitBuilt((took) => buildTime.observe(took / 1000));
    this.#eventLoopDelay = new Histogram({
      name: "chive_event_loop_delay_seconds",
      help: "How late a timer ran that is set twice a second.",
      buckets: DELAY_BUCKETS,
      registers: [this.#registry],
    });
  }

  /** Of the text that {@link text} gives. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics as they are now, in Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The names of all metrics. */
  get names(): readonly string[] {
    return this.#registry.getMetricsAsArray().map(({ name }) => name);
  }

  /** Counts how long something waited for the event loop, in ms. */
  noteEventLoopDelay(delay: number): void {
    this.#eventLoopDelay.observe(delay / 1000);
  }

  [Symbol.dispose](): void {
    this.#stopListening();
  }

  #aboutProcess({ clock, client, version, warnings }: MetricsSources): void {
    this.#gauges(
      "chive_build_info",
      "Always 1; the label says which version runs.",
      "version",
      () => [
        [version, 1],
      ],
    );
    this.#gauge(
      "chive_start_time_seconds",
      "When the client was started, since 1970.",
      () => (clock.now() - clock.monotonic() + client.startedAt) / 1000,
    );
    this.#gauges("chive_memory_bytes", "Memory of the process.", "kind", () => {
      const { rss, heapTotal, heapUsed, external } = Deno.memoryUsage();
      return [
        ["resident", rss],
        ["heap_total", heapTotal],
        ["heap_used", heapUsed],
        ["external", external],
        // Of what came out of order on Conflux sets; a part of the others.
        ["conflux_queue", client.statistics().circuits.confluxQueued],
      ];
    });
    this.#counter(
      "chive_log_warnings_total",
      "Log lines of level warn or err.",
      () => warnings.total,
    );
  }

  #aboutStart({ client }: MetricsSources): void {
    this.#gauge(
      "chive_bootstrap_ratio",
      "How far bootstrapping is, from 0 to 1.",
      () => client.bootstrap.status.percent / 100,
    );
    this.#gauge(
      "chive_ready",
      "1 if a request would be served now, else 0.",
      () => Number(client.readiness().ready),
    );
    this.#gauge(
      "chive_dormant",
      "1 while the client sleeps for lack of use, else 0.",
      () => Number(client.statistics().dormant),
    );
  }

  #aboutCircuits(client: MonitoredClient): void {
    new Gauge({
      name: "chive_circuits",
      help: "Circuits by purpose and state.",
      labelNames: ["purpose", "state"],
      registers: [this.#registry],
      collect() {
        const { building, oneHop } = client.statistics().circuits;
        const open = client.circuitStatus;
        for (const state of ["clean", "used", "retired"] as const) {
          const legs = open.filter((each) => each.state === state);
          const number = legs.filter(({ confluxSet }) => confluxSet !== undefined).length;
          this.set({ purpose: "general", state }, legs.length - number);
          this.set({ purpose: "conflux", state }, number);
        }
        this.set({ purpose: "general", state: "building" }, building);
        this.set({ purpose: "directory", state: "used" }, oneHop);
      },
    });
    this.#counter(
      "chive_circuits_built_total",
      "Circuits for streams that were built.",
      () => client.statistics().circuits.built,
    );
    this.#counters(
      "chive_circuit_build_failures_total",
      "Circuits for streams that could not be built.",
      "reason",
      () => client.statistics().circuits.failures,
    );
    this.#gauge(
      "chive_circuit_build_timeout_seconds",
      "After that a circuit is too slow.",
      () => client.statistics().buildTimes.timeout / 1000,
    );
    this.#gauge(
      "chive_circuit_build_timeouts_ratio",
      "The part of circuits that were too slow.",
      () => client.statistics().buildTimes.timeoutRate,
    );
  }

  #aboutGuards(client: MonitoredClient): void {
    const guards = () => client.statistics().guards;
    this.#gauges(
      "chive_guards",
      "Guards of the sample that are in a state; states overlap.",
      "state",
      () => Object.entries(guards().counts),
    );
    this.#counters(
      "chive_guard_attempts_total",
      "Circuits and requests that showed whether their guard works.",
      "outcome",
      () => [["success", guards().successes], ["failure", guards().failures]],
    );
  }

  #aboutChannels(client: MonitoredClient): void {
    const channels = () => client.statistics().channels;
    this.#gauges("chive_channels", "Connections to relays.", "state", () => {
      const { open, opening, queued } = channels();
      return [["open", open], ["opening", opening], ["queued", queued]];
    });
    this.#counter(
      "chive_channel_attempts_total",
      "Connections to relays that were begun.",
      () => channels().attempts,
    );
    this.#counters(
      "chive_channel_failures_total",
      "Connections to relays that failed, by the class of the failure.",
      "class",
      () => Object.entries(channels().failures),
    );
    this.#counters(
      "chive_channel_retries_total",
      "Connections that were tried again after a failure of a class.",
      "class",
      () => Object.entries(channels().retries),
    );
    this.#counters(
      "chive_tls_refusals_total",
      "Relays that were refused for what they showed or said while connecting.",
      "reason",
      () => channels().refusals,
    );
    this.#counter(
      "chive_read_bytes_total",
      "Bytes of cells that came from relays.",
      () => channels().bytes.received,
    );
    this.#counter(
      "chive_written_bytes_total",
      "Bytes of cells that went to relays.",
      () => channels().bytes.sent,
    );
    this.#counters("chive_padding_cells_total", "Padding cells.", "direction", () => [
      ["read", channels().paddingReceived],
      ["written", channels().paddingSent],
    ]);
  }

  #aboutStreams(client: MonitoredClient): void {
    this.#gauges("chive_streams", "Streams of applications.", "state", () => {
      const { streams, circuits } = client.statistics();
      return [["open", streams], ["waiting", circuits.waitingStreams]];
    });
    this.#counters(
      "chive_requests_total",
      "Requests of applications, by outcome.",
      "outcome",
      () => {
        const { opened, resolved, abandoned, failures } = client.statistics().requests;
        const failed = [...failures.values()].reduce((sum, number) => sum + number, 0);
        return [
          ["opened", opened],
          ["resolved", resolved],
          ["abandoned", abandoned],
          ["failed", failed],
        ];
      },
    );
    this.#counters(
      "chive_request_failures_total",
      "Requests of applications that failed.",
      "reason",
      () => client.statistics().requests.failures,
    );
    this.#counters(
      "chive_stream_retries_total",
      "Requests that were tried again on another circuit, by why the last try failed.",
      "reason",
      () => client.statistics().streamRetries,
    );
  }

  #aboutDirectory(client: MonitoredClient): void {
    const directory = () => client.statistics().directory;
    // Without a consensus there is no age: not a number, which any number would look like.
    this.#gauge(
      "chive_directory_age_seconds",
      "Since the consensus became valid.",
      () => (directory().consensus?.age ?? NaN) / 1000,
    );
    this.#gauge(
      "chive_directory_fresh",
      "1 if there is a consensus that is valid now, else 0.",
      () => Number(directory().consensus?.liveness === "live"),
    );
    this.#counters(
      "chive_directory_requests_total",
      "Directory requests.",
      "document",
      () =>
        Object.entries(directory().total.byKind).map(([kind, { requests }]) => [kind, requests]),
    );
    this.#counters(
      "chive_directory_read_bytes_total",
      "Bytes of answers of directories, mostly compressed.",
      "document",
      () =>
        Object.entries(directory().total.byKind).map(([kind, { received }]) => [kind, received]),
    );
    this.#counters(
      "chive_consensus_diffs_total",
      "Consensuses that came as a difference to the last one.",
      "outcome",
      () => Object.entries(directory().diffs),
    );
  }

  #gauge(name: string, help: string, read: () => number): void {
    this.#gauges(name, help, undefined, () => [["", read()]]);
  }

  #gauges(name: string, help: string, label: string | undefined, read: () => Values): void {
    const facts = { name, help, label, read };
    new Gauge(
      this.#repeating<GaugeType>(facts, (gauge, labels, value) => gauge.set(labels, value)),
    );
  }

  #counter(name: string, help: string, read: () => number): void {
    this.#counters(name, help, undefined, () => [["", read()]]);
  }

  #counters(name: string, help: string, label: string | undefined, read: () => Values): void {
    const facts = { name, help, label, read };
    new Counter(
      this.#repeating<CounterType>(facts, (counter, labels, value) => counter.inc(labels, value)),
    );
  }

  /** What makes a metric that repeats the numbers of the rooms whenever it is asked for. */
  #repeating<Kind extends GaugeType | CounterType>(
    { name, help, label, read }: RepeatedNumbers,
    take: (metric: Kind, labels: Readonly<Record<string, string>>, value: number) => void,
  ) {
    return {
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [this.#registry],
      collect(this: Kind) {
        this.reset();
        for (const [key, value] of read()) {
          take(this, label === undefined ? {} : { [label]: key }, value);
        }
      },
    };
  }
}
