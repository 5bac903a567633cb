/**
 * Puts together what a client tells about itself.
 *
 * @module
 */
import type { RelayStatus, RunningClient } from "../client/running_client.ts";
import type { GuardReport } from "../guard/guard_statistics.ts";
import type { LogEntry } from "../observe/log_line.ts";
import type { RecentLines } from "../observe/recent_lines.ts";
import type { Clock } from "../runtime/clock.ts";
import type { EventLoopDelay } from "./event_loop_delay.ts";
import { STATUS_FORMAT, type StatusReport } from "./status_schema.ts";
import { SAMPLE_INTERVAL, type Throughput } from "./throughput.ts";

/** What is looked at of a client. */
export type MonitoredClient = Pick<
  RunningClient,
  | "bootstrap"
  | "startedAt"
  | "readiness"
  | "statistics"
  | "circuitStatus"
  | "channelStatus"
  | "countryOf"
  | "onCircuitBuilt"
>;

/** What a report is made of. */
export interface StatusSources {
  readonly client: MonitoredClient;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Of the program. */
  readonly version: string;
  readonly throughput: Pick<Throughput, "present" | "history">;
  readonly eventLoop: Pick<EventLoopDelay, "greatest">;
  /** The last warnings, and whether lines may name destinations: nothing is told of them then. */
  readonly warnings: RecentLines;
  readonly safeLogging: boolean;
}

/** Everything at this moment. */
export function statusReport(sources: StatusSources): StatusReport {
  const { client, clock, version, eventLoop, warnings, safeLogging } = sources;
  const statistics = client.statistics();
  const { guards, channels, circuits, buildTimes, directory, requests } = statistics;
  const readiness = client.readiness();
  const { percent, tag, summary } = client.bootstrap.status;
  const memory = Deno.memoryUsage();
  const { consensus, nextFetch, total } = directory;
  const change = guards.lastPrimaryChange;
  return {
    format: STATUS_FORMAT,
    version,
    time: isoTime(clock.now()),
    uptimeSeconds: seconds(clock.monotonic() - client.startedAt),
    health: {
      ready: readiness.ready,
      reason: readiness.ready ? null : readiness.why,
      dormant: statistics.dormant,
    },
    bootstrap: { percent, tag, summary },
    guards: guards.guards.toSorted((a, b) => rank(a) - rank(b))
      .map((guard) => showGuard(guard, client)),
    guardChange: change === undefined
      ? null
      : { time: isoTime(change.time), reason: change.reason },
    circuits: client.circuitStatus.map(({ number, confluxSet, state, age, streams, hops }) => ({
      number,
      purpose: confluxSet === undefined ? "general" : "conflux",
      confluxSet: confluxSet ?? null,
      state,
      ageSeconds: seconds(age),
      streams,
      relays: hops.map(showRelay),
    })),
    circuitCounts: {
      building: circuits.building,
      directory: circuits.oneHop,
      built: circuits.built,
      failures: Object.fromEntries(circuits.failures),
    },
    buildTimes: {
      timeoutSeconds: seconds(buildTimes.timeout),
      source: buildTimes.source,
      known: buildTimes.total,
    },
    streams: {
      open: statistics.streams,
      waiting: circuits.waitingStreams,
      opened: requests.opened,
      resolved: requests.resolved,
      abandoned: requests.abandoned,
      failures: Object.fromEntries(requests.failures),
    },
    traffic: traffic(sources),
    directory: consensus === undefined ? null : {
      validAfter: isoTime(consensus.validAfter),
      ageSeconds: Math.round(consensus.age / 1000),
      fresh: consensus.liveness === "live",
      liveness: consensus.liveness,
      nextFetch: nextFetch === undefined ? null : isoTime(nextFetch),
    },
    directoryTraffic: {
      requests: total.all.requests,
      read: total.all.received,
      written: total.all.sent,
    },
    channels: client.channelStatus.map(({ relay, circuits }) => ({ fingerprint: relay, circuits })),
    channelCounts: {
      opening: channels.opening,
      queued: channels.queued,
      attempts: channels.attempts,
      failures: channels.failures,
      retries: channels.retries,
      refusals: Object.fromEntries(channels.refusals),
    },
    process: {
      residentBytes: memory.rss,
      heapBytes: memory.heapUsed,
      eventLoopDelaySeconds: eventLoop.greatest / 1000,
    },
    warnings: {
      total: warnings.total,
      lines: safeLogging ? warnings.lines.flatMap(showLine) : [],
      hidden: !safeLogging,
    },
  };
}

/** The primary guards come first, and then those that were used. */
function rank({ primary, confirmed }: GuardReport): number {
  return (primary ? 0 : 2) + (confirmed ? 0 : 1);
}

const GUARD_STATES = { yes: "reachable", no: "unreachable", maybe: "untried" } as const;

function showGuard(
  guard: GuardReport,
  client: Pick<MonitoredClient, "countryOf">,
): StatusReport["guards"][number] {
  const { rsaIdentity, nickname, address, reachability, lastSuccess, lastFailure } = guard;
  const hostname = address.slice(0, Math.max(0, address.lastIndexOf(":"))).replace(/[[\]]/g, "");
  return {
    ...showRelay({ rsaIdentity, nickname, country: client.countryOf(hostname) }),
    state: GUARD_STATES[reachability],
    primary: guard.primary,
    confirmed: guard.confirmed,
    filtered: guard.filtered,
    disabled: guard.disabled,
    successes: guard.successes,
    failures: guard.failures,
    lastSuccess: lastSuccess === undefined ? null : isoTime(lastSuccess),
    lastFailure: lastFailure === undefined ? null : isoTime(lastFailure),
  };
}

function showRelay({ rsaIdentity, nickname, country }: RelayStatus) {
  return { nickname, fingerprint: rsaIdentity, country: country ?? null };
}

function showLine({ time, level, category, message }: LogEntry) {
  if (level !== "warn" && level !== "err") return [];
  return [{ time: isoTime(time), level, category, message }];
}

function traffic({ client, throughput }: StatusSources): StatusReport["traffic"] {
  const { received, sent } = client.statistics().channels.bytes;
  const { present, history } = throughput;
  return {
    read: received,
    written: sent,
    readPerSecond: Math.round(present.read),
    writtenPerSecond: Math.round(present.written),
    history: {
      intervalSeconds: SAMPLE_INTERVAL / 1000,
      read: history.map(({ read }) => Math.round(read)),
      written: history.map(({ written }) => Math.round(written)),
    },
  };
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}

/** To a tenth, not negative. */
function seconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds / 100) / 10);
}
