/**
 * A client to be monitored that a test can change, and what goes with it.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { CircuitStatus, ClientStatistics } from "../../src/client/client_status.ts";
import { parseRsaIdentity, type RsaIdentity } from "../../src/crypto/identity.ts";
import type { GuardReport } from "../../src/guard/guard_statistics.ts";
import { NO_COUNTS } from "../../src/guard/path_bias.ts";
import { BootstrapTracker } from "../../src/observe/bootstrap.ts";
import { RecentLines } from "../../src/observe/recent_lines.ts";
import type { MonitoredClient, StatusSources } from "../../src/monitor/status_report.ts";
import { FakeClock } from "../runtime/fake_clock.ts";

/** The identity whose 20 bytes are all the same. */
export function identityOf(byte: number): RsaIdentity {
  const identity = parseRsaIdentity(byte.toString(16).padStart(2, "0").repeat(20));
  assert.ok(identity !== undefined);
  return identity;
}

const NO_TRAFFIC = { requests: 0, sent: 0, received: 0, uncompressed: 0 };
const TRAFFIC = {
  all: { requests: 5, sent: 900, received: 70_000, uncompressed: 400_000 },
  byKind: {
    "consensus": { requests: 1, sent: 300, received: 60_000, uncompressed: 300_000 },
    "consensus-diff": NO_TRAFFIC,
    "certificates": { requests: 1, sent: 100, received: 2000, uncompressed: 20_000 },
    "microdescriptors": { requests: 3, sent: 500, received: 8000, uncompressed: 80_000 },
  },
};

/** A guard that has worked, with changes. */
export function guardReport(byte: number, changes: Partial<GuardReport> = {}): GuardReport {
  return {
    rsaIdentity: identityOf(byte),
    nickname: `guard${byte}`,
    address: `192.0.2.${byte}:9001`,
    confirmed: true,
    reachability: "yes",
    primary: true,
    filtered: true,
    pending: false,
    disabled: false,
    successes: 12,
    failures: 0,
    lastSuccess: Date.UTC(2026, 0, 1),
    lastFailure: undefined,
    pathBias: NO_COUNTS,
    ...changes,
  };
}

/** A circuit of three relays, with changes. */
export function circuitStatus(
  number: number,
  changes: Partial<CircuitStatus> = {},
): CircuitStatus {
  const hops = [1, 2, 3].map((place) => ({
    rsaIdentity: identityOf(16 * place + number),
    nickname: ["entry", "middle", "exit"][place - 1] + number,
    country: place === 2 ? undefined : ["de", "", "ca"][place - 1],
  }));
  return {
    number,
    confluxSet: undefined,
    relays: hops.map(({ rsaIdentity }) => rsaIdentity),
    hops,
    state: "used",
    age: 65_000,
    isolationKey: "a secret password for example.com",
    streams: 1,
    ...changes,
  };
}

/** All numbers of a client at work. */
export const STATISTICS: ClientStatistics = {
  dormant: false,
  guards: {
    selection: "default",
    counts: {
      sampled: 20,
      filtered: 19,
      confirmed: 2,
      primary: 3,
      usable: 18,
      unreachable: 1,
      pending: 0,
    },
    successes: 40,
    failures: 2,
    lastPrimaryChange: { time: Date.UTC(2025, 11, 31), reason: "a network is known now" },
    guards: [
      guardReport(9, {
        primary: false,
        confirmed: false,
        reachability: "maybe",
        successes: 0,
        lastSuccess: undefined,
      }),
      guardReport(7),
      guardReport(8, {
        reachability: "no",
        confirmed: false,
        failures: 2,
        lastFailure: Date.UTC(2026, 0, 1),
      }),
    ],
  },
  channels: {
    open: 2,
    opening: 1,
    queued: 0,
    attempts: 9,
    failures: { refused: 1, unreachable: 0, timeout: 2, tls: 0, link: 0, identity: 1, local: 0 },
    retries: { refused: 1, unreachable: 0, timeout: 0, tls: 0, link: 0, identity: 0, local: 0 },
    refusals: new Map([["tls-signature", 1]]),
    paddingSent: 3,
    paddingReceived: 4,
    bytes: { received: 5_000_000, sent: 400_000 },
  },
  circuits: {
    clean: 1,
    used: 1,
    confluxSets: 1,
    confluxQueued: 0,
    building: 2,
    oneHop: 1,
    waitingStreams: 1,
    pausesInARow: 0,
    built: 11,
    failures: new Map([["circuit-destroyed", 2]]),
  },
  buildTimes: {
    source: "learned",
    timeout: 1500,
    closeTimeout: 60_000,
    total: 120,
    abandoned: 3,
    pareto: undefined,
    timeoutRate: 0.05,
    closeRate: 0,
  },
  directory: {
    lastHour: TRAFFIC,
    total: TRAFFIC,
    diffs: { applied: 2, failed: 0 },
    consensus: { validAfter: Date.UTC(2025, 11, 31, 23), age: 3_600_000, liveness: "live" },
    nextFetch: Date.UTC(2026, 0, 1, 2),
  },
  streams: 1,
  requests: { opened: 30, resolved: 4, abandoned: 1, failures: new Map([["no-exit", 2]]) },
  streamRetries: new Map([["stream-circuit-closed", 3]]),
};

/** A client whose parts can be set. */
export class FakeClient implements MonitoredClient {
  readonly bootstrap = new BootstrapTracker();
  startedAt = 0;
  numbers: ClientStatistics = STATISTICS;
  circuitStatus: readonly CircuitStatus[] = [
    circuitStatus(1),
    circuitStatus(2, { state: "clean", isolationKey: undefined, streams: 0, confluxSet: 2 }),
  ];
  channelStatus = [{ relay: identityOf(17), circuits: 2 }, { relay: identityOf(7), circuits: 0 }];
  ready: ReturnType<MonitoredClient["readiness"]> = { ready: true };
  readonly listeners = new Set<(took: number) => void>();

  /** A client that has started. */
  static started(): FakeClient {
    const client = new FakeClient();
    client.bootstrap.report("done");
    return client;
  }

  statistics(): ClientStatistics {
    return this.numbers;
  }

  readiness(): ReturnType<MonitoredClient["readiness"]> {
    return this.ready;
  }

  countryOf(address: string): string | undefined {
    return address === "192.0.2.7" ? "se" : undefined;
  }

  onCircuitBuilt(listener: (took: number) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

/** What a report is made of, with a client that has started and one warning. */
export function statusSources(changes: Partial<StatusSources> = {}): StatusSources {
  const warnings = new RecentLines();
  warnings.add({
    time: Date.UTC(2025, 11, 31, 23, 59),
    level: "warn",
    category: "channel",
    message: "No relay could be reached for 8 s.",
  });
  return {
    client: FakeClient.started(),
    clock: new FakeClock(),
    version: "1.2.3",
    throughput: {
      present: { read: 1234.5, written: 99.4 },
      history: [{ read: 1000, written: 10 }, { read: 2_400_000, written: 200 }],
    },
    eventLoop: { greatest: 12 },
    warnings,
    safeLogging: true,
    ...changes,
  };
}
