/**
 * What `/status.json` says. Times are ISO 8601 in UTC; durations are in seconds; what is not known is
 * null. Destinations and isolation are never in it.
 *
 * @module
 */
import * as v from "valibot";
import { MonitorError } from "./errors.ts";

/** Changes when a reader of the last one could not read it any more. */
export const STATUS_FORMAT = 1;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const amount = v.pipe(v.number(), v.minValue(0));
const time = v.pipe(v.string(), v.isoTimestamp());
/** Numbers by a name: of an error, a class. */
const counts = v.record(v.string(), count);

const relay = v.object({
  nickname: v.string(),
  /** The RSA identity: 40 hexadecimal digits. */
  fingerprint: v.pipe(v.string(), v.regex(/^[0-9A-F]{40}$/)),
  /** Two lower-case letters, where GeoIPFile tells it. */
  country: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-z]{2}$/))),
});

const guard = v.object({
  ...relay.entries,
  /** Whether it could be reached when it was tried last; `untried`: worth a try. */
  state: v.picklist(["reachable", "unreachable", "untried"]),
  primary: v.boolean(),
  /** Whether a circuit through it was ever used. */
  confirmed: v.boolean(),
  /** Listed and allowed. */
  filtered: v.boolean(),
  /** Given up for its path bias. */
  disabled: v.boolean(),
  /** In this run. */
  successes: count,
  failures: count,
  lastSuccess: v.nullable(time),
  lastFailure: v.nullable(time),
});

const circuit = v.object({
  /** Its number in the log. */
  number: count,
  /** For streams by itself, or as a leg of a Conflux set. */
  purpose: v.picklist(["general", "conflux"]),
  /** The number of its Conflux set; null for one by itself. */
  confluxSet: v.nullable(count),
  /** Never used; used; or taking no new streams any more. */
  state: v.picklist(["clean", "used", "retired"]),
  ageSeconds: amount,
  /** Streams that are open on it. */
  streams: count,
  /** Guard first. */
  relays: v.array(relay),
});

/** The schema of a {@link StatusReport}. */
export const STATUS_SCHEMA = v.object({
  format: v.literal(STATUS_FORMAT),
  version: v.string(),
  time,
  uptimeSeconds: amount,
  health: v.object({
    /** Whether a request would be served now. */
    ready: v.boolean(),
    /** Why not, as a sentence. */
    reason: v.nullable(v.string()),
    /** Asleep for lack of use; the next request wakes it. */
    dormant: v.boolean(),
  }),
  bootstrap: v.object({
    percent: v.pipe(count, v.maxValue(100)),
    tag: v.string(),
    summary: v.string(),
  }),
  /** Of the sample in use, the primary ones first. */
  guards: v.array(guard),
  /** When and why other guards became primary last. */
  guardChange: v.nullable(v.object({ time, reason: v.string() })),
  circuits: v.array(circuit),
  circuitCounts: v.object({
    /** Being built for streams. */
    building: count,
    /** Of one hop, for directory requests. */
    directory: count,
    /** Built for streams since the start. */
    built: count,
    /** Not built, by the code of the error. */
    failures: counts,
  }),
  buildTimes: v.object({
    timeoutSeconds: amount,
    source: v.picklist(["initial", "learned", "doubled", "fixed"]),
    /** How many times are known. */
    known: count,
  }),
  streams: v.object({
    open: count,
    /** Waiting for a circuit. */
    waiting: count,
    /** Since the start: opened, looked up, given up by the application. */
    opened: count,
    resolved: count,
    abandoned: count,
    /** Since the start, by the code of the error. */
    failures: counts,
  }),
  traffic: v.object({
    /** Bytes of cells since the start. */
    read: count,
    written: count,
    /** Bytes per second, of the last ten seconds. */
    readPerSecond: amount,
    writtenPerSecond: amount,
    /** Bytes per second for up to ten minutes, the oldest one first. */
    history: v.object({
      intervalSeconds: amount,
      read: v.array(amount),
      written: v.array(amount),
    }),
  }),
  /** Null before the first consensus. */
  directory: v.nullable(v.object({
    validAfter: time,
    ageSeconds: v.number(),
    /** Whether it is valid now. */
    fresh: v.boolean(),
    liveness: v.string(),
    nextFetch: v.nullable(time),
  })),
  directoryTraffic: v.object({ requests: count, read: count, written: count }),
  channels: v.array(v.object({ fingerprint: relay.entries.fingerprint, circuits: count })),
  channelCounts: v.object({
    opening: count,
    queued: count,
    /** Since the start: connections that were begun, failed and tried again, each by class. */
    attempts: count,
    failures: counts,
    retries: counts,
    /** Relays that were refused for what they showed or said, by the code of the error. */
    refusals: counts,
  }),
  process: v.object({
    residentBytes: count,
    heapBytes: count,
    /** The longest that anything waited for the event loop, in the last minute. */
    eventLoopDelaySeconds: amount,
  }),
  warnings: v.object({
    /** How many there were since the start. */
    total: count,
    /** The last ones, the oldest one first. */
    lines: v.array(v.object({
      time,
      level: v.picklist(["warn", "err"]),
      category: v.string(),
      message: v.string(),
    })),
    /** Whether they are left out, because with SafeLogging 0 destinations would be among them. */
    hidden: v.boolean(),
  }),
});

/** All that a client tells about itself. */
export type StatusReport = v.InferOutput<typeof STATUS_SCHEMA>;

/**
 * Reads what a client has told.
 *
 * @throws MonitorError `status-unreadable`
 */
export function readStatus(text: string): StatusReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MonitorError("status-unreadable", "the status is not JSON", { cause });
  }
  const result = v.safeParse(STATUS_SCHEMA, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? "the whole";
  throw new MonitorError("status-unreadable", `the status makes no sense at ${where}`);
}
