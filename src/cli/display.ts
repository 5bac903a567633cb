/**
 * The look of the lines that a terminal shows below the log: text out of numbers, nothing else.
 *
 * While it starts:
 *
 *     [#########-----------]  45% Asking for relay descriptors
 *     Connecting for 12 s   Down 120 kB/s   Up 3 kB/s
 *
 * and then:
 *
 *     Ready   SOCKS 127.0.0.1:9050   running for 5 min
 *     Circuits 3 (1 being built)   Streams 2   Down 1.2 MB/s   Up 20 kB/s   (12 MB and 3 MB so far)
 *
 * @module
 */
import { describeBytes, describeSeconds } from "../monitor/amounts.ts";

/** What is shown. */
export interface DisplayState {
  readonly bootstrap: { readonly percent: number; readonly summary: string };
  /** Why a request would not be served now, as a sentence; undefined: it would. */
  readonly notReady: string | undefined;
  /** Whether it sleeps for lack of use. */
  readonly dormant: boolean;
  /** Where applications connect, such as `SOCKS 127.0.0.1:9050`. */
  readonly doors: readonly string[];
  /** Since the start. */
  readonly seconds: number;
  readonly circuits: { readonly open: number; readonly building: number };
  readonly streams: { readonly open: number; readonly waiting: number };
  /** Bytes per second, and since the start. */
  readonly rate: { readonly received: number; readonly sent: number };
  readonly total: { readonly received: number; readonly sent: number };
}

/** Between two things in a line. */
const GAP = "   ";
/** The longest bar, in columns, without its brackets. */
const LONGEST_BAR = 40;
/** The shortest bar that says anything. */
const SHORTEST_BAR = 10;
/** In fewer columns there is no bar. */
const NARROW = 45;
/** Columns that the longest text beside a bar needs. */
const LONGEST_TEXT = 59;

/** The lines for a terminal of `width` columns; none is as wide as that, so that none is broken. */
export function renderDisplay(state: DisplayState, width: number): readonly string[] {
  const room = Math.max(0, width - 1);
  const lines = state.bootstrap.percent < 100 ? starting(state, room) : running(state, room);
  return lines.map((line) => line.slice(0, room));
}

function starting({ bootstrap, seconds, rate }: DisplayState, room: number): string[] {
  return [
    barLine(bootstrap.percent, bootstrap.summary, room),
    fitting([`Connecting for ${describeSeconds(seconds)}`, ...rates(rate)], room),
  ];
}

/** A bar with what it says; it is as long whatever that is, and left out where there is no room. */
export function barLine(percent: number, what: string, room: number): string {
  const told = `${String(Math.floor(percent)).padStart(3)}% ${what}`;
  if (room < NARROW) return told.trimStart();
  const columns = Math.min(LONGEST_BAR, Math.max(SHORTEST_BAR, room - LONGEST_TEXT));
  return `${drawBar(percent, columns)} ${told}`;
}

/** `[####----]`: the part of `columns` that is done. */
export function drawBar(percent: number, columns: number): string {
  const done = Math.floor((Math.min(Math.max(percent, 0), 100) / 100) * columns);
  return `[${"#".repeat(done)}${"-".repeat(columns - done)}]`;
}

function running(state: DisplayState, room: number): string[] {
  const { notReady, dormant, doors, seconds, circuits, streams, rate, total } = state;
  const health = dormant
    ? "Asleep until the next request"
    : notReady === undefined
    ? "Ready"
    : `Not ready: ${notReady}`;
  const building = circuits.building > 0 ? ` (${circuits.building} being built)` : "";
  const waiting = streams.waiting > 0 ? ` (${streams.waiting} waiting)` : "";
  return [
    fitting([health, ...doors, `running for ${describeSeconds(seconds)}`], room),
    fitting([
      `Circuits ${circuits.open}${building}`,
      `Streams ${streams.open}${waiting}`,
      ...rates(rate),
      `(${describeBytes(total.received)} and ${describeBytes(total.sent)} so far)`,
    ], room),
  ];
}

function rates({ received, sent }: DisplayState["rate"]): string[] {
  return [`Down ${describeBytes(received)}/s`, `Up ${describeBytes(sent)}/s`];
}

/** As many of the parts as there is room for, and at least the first. */
function fitting(parts: readonly string[], room: number): string {
  const [first, ...more] = parts;
  let line = first;
  for (const part of more) {
    if (line.length + GAP.length + part.length > room) break;
    line += GAP + part;
  }
  return line;
}
