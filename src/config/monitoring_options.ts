/**
 * Options about what is told of the client: the look of logs, and the port for metrics.
 *
 * @module
 */
import type { OptionFacts } from "./option_facts.ts";

/** By name, in the order of --help; LogFormat, LogMaxSize, LogFiles and MetricsPortHosts are chive's. */
export const MONITORING_OPTIONS = {
  LogFormat: {
    kind: "choice",
    default: "text",
    choices: ["text", "json"],
    flags: ["--log-format"],
    argument: "text|json",
    help: "How log lines look; json: one object for each line.",
    details:
      "An object has time, level, category, message and facts. With json there is no display on" +
      " a terminal.",
  },
  LogMessageDomains: {
    kind: "boolean",
    default: "0",
    argument: "0|1",
    help: "Write what each line of text is about, as {circuit}.",
  },
  LogMaxSize: {
    kind: "memory",
    default: "16 MBytes",
    argument: "SIZE",
    help: "A log file that would get larger is put aside; 0 for never.",
  },
  LogFiles: {
    kind: "count",
    default: "4",
    argument: "NUMBER",
    help: "How many log files that were put aside are kept.",
  },
  MetricsPort: {
    kind: "lines",
    flags: ["--metrics-port"],
    otherNames: ["__MetricsPort"],
    argument: "[ADDR:]PORT|auto|0 [prometheus]",
    help: "Where metrics, health and a status page are served over HTTP; none unless set.",
    details:
      "/ is a page for people, /metrics is for Prometheus, /healthz and /readyz are for those " +
      "who restart it, /status.json is what 'chive status' reads. None of it is encrypted, and " +
      "it tells your guards: keep it on this machine or behind something that checks who asks.",
  },
  MetricsPortPolicy: {
    kind: "lines",
    argument: "accept|reject ADDR[/BITS],...",
    help: "Who may ask the MetricsPort; this machine alone unless set.",
    details: "The first entry that fits counts; who fits none is refused.",
  },
  MetricsPortHosts: {
    kind: "lines",
    argument: "NAME,...",
    help: "Names besides localhost and IP addresses that requests to the MetricsPort may be for.",
  },
} as const satisfies Readonly<Record<string, OptionFacts>>;
