/**
 * What a client tells about itself to the program that uses it. No password, destination or
 * isolation is in it.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import type { CircuitStatus, RelayStatus, RunningClient } from "./running_client.ts";

/** How far the start is. */
export interface BootstrapProgress {
  /** 0 to 100. */
  readonly percent: number;
  /** C tor's name of the phase. */
  readonly tag: string;
  /** The phase in a few words. */
  readonly summary: string;
}

/** A line of the log that somebody should see. */
export interface WarningSummary {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** As bad as it is. */
  readonly level: "warn" | "err";
  /** What it is about. */
  readonly category: string;
  /** A sentence. */
  readonly message: string;
}

/** A relay. */
export interface RelaySummary {
  /** The name that its operator gave it. */
  readonly nickname: string;
  /** The RSA identity: 40 hexadecimal digits. */
  readonly fingerprint: string;
  /** Two lower-case letters, where GeoIPFile tells it. */
  readonly country: string | undefined;
}

/** A relay that circuits may begin at. */
export interface GuardSummary extends Omit<RelaySummary, "country"> {
  /** One of the few that are used. */
  readonly primary: boolean;
  /** Whether a circuit through it was ever used. */
  readonly confirmed: boolean;
  /** Whether it could be reached when it was tried last; `untried`: worth a try. */
  readonly state: "reachable" | "unreachable" | "untried";
}

/** A circuit for streams. */
export interface CircuitSummary {
  /** Its number in logs. */
  readonly number: number;
  /** The number of the Conflux set that it is a leg of: all its legs carry the same streams. */
  readonly confluxSet: number | undefined;
  /** Never used; used; or taking no new streams any more. */
  readonly state: "clean" | "used" | "retired";
  /** Milliseconds since it was built. */
  readonly age: number;
  /** Streams that are open on it. */
  readonly streams: number;
  /** Equal for circuits that serve the same isolation, and nothing else; undefined before use. */
  readonly isolation: string | undefined;
  /** Guard, middle and exit. */
  readonly relays: readonly RelaySummary[];
}

/** Streams and requests; numbers since the start but for `open`. */
export interface StreamSummary {
  /** Open or being opened. */
  readonly open: number;
  /** That were opened. */
  readonly opened: number;
  /** Names and addresses that were looked up. */
  readonly resolved: number;
  /** Given up by who asked before there was an answer. */
  readonly abandoned: number;
  /** By the code of the error. */
  readonly failures: Readonly<Record<string, number>>;
}

/** What a client has and does. */
export interface ClientStatus {
  /** How far the start is. */
  readonly bootstrap: BootstrapProgress;
  /** Whether a request would be served now. */
  readonly ready: boolean;
  /** Why not, as a sentence. */
  readonly reason: string | undefined;
  /** Asleep for lack of use; the next request wakes it. */
  readonly dormant: boolean;
  /** Where SOCKS ports listen, if there are any. */
  readonly socksPorts: readonly Deno.NetAddr[];
  /** The sample in use. */
  readonly guards: readonly GuardSummary[];
  /** Those for streams. */
  readonly circuits: readonly CircuitSummary[];
  /** Streams and requests. */
  readonly streams: StreamSummary;
  /** Bytes of cells since the start. */
  readonly traffic: { readonly received: number; readonly sent: number };
  /** When the consensus in use became valid, in milliseconds since 1970; undefined without one. */
  readonly consensusValidAfter: number | undefined;
  /** The last ones, the oldest one first. */
  readonly warnings: readonly WarningSummary[];
}

/** In which state a guard is, by what its sample says. */
const GUARD_STATES = { yes: "reachable", no: "unreachable", maybe: "untried" } as const;

/** What is looked at of a client. */
export type SummarizedClient = Pick<
  RunningClient,
  "bootstrap" | "readiness" | "statistics" | "circuitStatus" | "socksAddresses"
>;

/**
 * Everything at this moment.
 *
 * @param secret makes what is told of isolation good for nothing but comparing
 */
export function summarize(
  client: SummarizedClient,
  warnings: readonly WarningSummary[],
  secret: Uint8Array,
): ClientStatus {
  const { dormant, guards, channels, directory, streams, requests } = client.statistics();
  const { percent, tag, summary } = client.bootstrap.status;
  const readiness = client.readiness();
  const { opened, resolved, abandoned, failures } = requests;
  const { received, sent } = channels.bytes;
  return {
    bootstrap: { percent, tag, summary },
    ready: readiness.ready,
    reason: readiness.ready ? undefined : readiness.why,
    dormant,
    socksPorts: client.socksAddresses.map((address) => ({ transport: "tcp", ...address })),
    guards: guards.guards.map(({ nickname, rsaIdentity, primary, confirmed, reachability }) => ({
      nickname,
      fingerprint: rsaIdentity,
      primary,
      confirmed,
      state: GUARD_STATES[reachability],
    })),
    circuits: client.circuitStatus.map((circuit) => summarizeCircuit(circuit, secret)),
    streams: {
      open: streams,
      opened,
      resolved,
      abandoned,
      failures: Object.fromEntries(failures),
    },
    traffic: { received, sent },
    consensusValidAfter: directory.consensus?.validAfter,
    warnings: [...warnings],
  };
}

/** A relay as the library shows it. */
export function summarizeRelay({ nickname, rsaIdentity, country }: RelayStatus): RelaySummary {
  return { nickname, fingerprint: rsaIdentity, country };
}

/**
 * A circuit as the library shows it.
 *
 * @param secret as for {@link summarize}
 */
export function summarizeCircuit(
  { number, confluxSet, state, age, streams, isolationKey, hops }: CircuitStatus,
  secret: Uint8Array,
): CircuitSummary {
  const isolation = isolationKey === undefined
    ? undefined
    : createHmac("sha256", secret).update(isolationKey).digest("hex").slice(0, 16);
  return { number, confluxSet, state, age, streams, isolation, relays: hops.map(summarizeRelay) };
}
