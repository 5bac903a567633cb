/**
 * How much directory requests cost.
 *
 * @module
 */
import { isConsensusDiff } from "../netdoc/consensus_diff.ts";
import type { Clock } from "../runtime/clock.ts";
import type { DocumentRequest } from "./requests.ts";

/** What was received, as far as it costs something. */
export const DOCUMENT_KINDS = [
  "consensus",
  "consensus-diff",
  "certificates",
  "microdescriptors",
] as const;

/** A kind of directory document. */
export type DocumentKind = typeof DOCUMENT_KINDS[number];

/** Requests, and the bytes of them and their answers. */
export interface Traffic {
  readonly requests: number;
  /** Bytes of requests on their streams. */
  readonly sent: number;
  /** Bytes of answers on their streams: mostly compressed, and with their heads. */
  readonly received: number;
  /** Bytes of the documents that came out; nothing for an answer that could not be used. */
  readonly uncompressed: number;
}

/** Traffic of every kind, and of all. */
export interface TrafficByKind {
  readonly all: Traffic;
  readonly byKind: Readonly<Record<DocumentKind, Traffic>>;
}

const NO_TRAFFIC: Traffic = { requests: 0, sent: 0, received: 0, uncompressed: 0 };
const HOUR = 60 * 60_000;
/** The last hour is made of pieces of this length, in ms. */
const PIECE = 5 * 60_000;

type Counts = Record<DocumentKind, Traffic>;

interface Piece {
  /** Monotonic ms. */
  readonly start: number;
  readonly counts: Counts;
}

/** Counts directory traffic. */
export class TrafficCounter {
  readonly #clock: Clock;
  readonly #total = noCounts();
  #pieces: readonly Piece[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Counts one request.
   *
   * @param sent bytes, as `received`
   * @param document what came out of the answer; `undefined` when it was no good
   */
  add(
    what: DocumentRequest["what"],
    sent: number,
    received: number,
    document: Uint8Array | undefined,
  ): void {
    const kind = document !== undefined && isConsensusDiff(document) ? "consensus-diff" : what;
    const one = { requests: 1, sent, received, uncompressed: document?.length ?? 0 };
    for (const counts of [this.#total, this.#currentPiece()]) {
      counts[kind] = sum([counts[kind], one]);
    }
  }

  /** Since the start. */
  total(): TrafficByKind {
    return byKind([this.#total]);
  }

  /** In the last hour, and up to 5 minutes before. */
  lastHour(): TrafficByKind {
    return byKind(this.#recentPieces().map(({ counts }) => counts));
  }

  #recentPieces(): Piece[] {
    const since = this.#clock.monotonic() - HOUR - PIECE;
    return this.#pieces.filter(({ start }) => start > since);
  }

  #currentPiece(): Counts {
    const now = this.#clock.monotonic();
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.start > now - PIECE) return last.counts;
    const counts = noCounts();
    this.#pieces = [...this.#recentPieces(), { start: now, counts }];
    return counts;
  }
}

/** As a line for a log: "3 requests, 1,200 bytes up, 56,000 down (300,000 uncompressed): ...". */
export function describeTraffic({ all, byKind }: TrafficByKind): string {
  const kinds = DOCUMENT_KINDS.filter((kind) => byKind[kind].requests > 0).map((kind) =>
    `${kind} ${byKind[kind].received} bytes in ${byKind[kind].requests}`
  );
  return `${all.requests} directory requests, ${all.sent} bytes up, ${all.received} down ` +
    `(${all.uncompressed} uncompressed)` + (kinds.length > 0 ? `: ${kinds.join(", ")}` : "");
}

function noCounts(): Counts {
  return {
    "consensus": NO_TRAFFIC,
    "consensus-diff": NO_TRAFFIC,
    "certificates": NO_TRAFFIC,
    "microdescriptors": NO_TRAFFIC,
  };
}

function byKind(all: readonly Counts[]): TrafficByKind {
  const kinds = noCounts();
  for (const kind of DOCUMENT_KINDS) kinds[kind] = sum(all.map((counts) => counts[kind]));
  return { all: sum(Object.values(kinds)), byKind: kinds };
}

function sum(parts: readonly Traffic[]): Traffic {
  const add = (key: keyof Traffic) => parts.reduce((total, part) => total + part[key], 0);
  return {
    requests: add("requests"),
    sent: add("sent"),
    received: add("received"),
    uncompressed: add("uncompressed"),
  };
}
