/**
 * The line that a terminal shows while something is fetched: text out of numbers, nothing else.
 *
 *     [###-----------------]  15% Handshake with a relay done
 *     [###########---------]  55% 5.5 MB of 10 MB   1.2 MB/s   4 s left
 *     5.5 MB   1.2 MB/s
 *
 * @module
 */
import { describeBytes, describeSeconds } from "../monitor/amounts.ts";
import { barLine } from "./display.ts";

/** How far a download is. */
export type FetchProgress =
  | { readonly kind: "joining"; readonly percent: number; readonly summary: string }
  | { readonly kind: "waiting"; readonly seconds: number }
  | {
    readonly kind: "receiving";
    readonly bytes: number;
    /** Bytes of the whole answer; undefined where the server does not say. */
    readonly total: number | undefined;
    /** Since the head of the answer. */
    readonly seconds: number;
  };

const GAP = "   ";

/** The line for a terminal of `width` columns; it is not as long as that. */
export function renderFetchProgress(progress: FetchProgress, width: number): readonly string[] {
  const room = Math.max(0, width - 1);
  return [line(progress, room).slice(0, room)];
}

function line(progress: FetchProgress, room: number): string {
  switch (progress.kind) {
    case "joining":
      return barLine(progress.percent, progress.summary, room);
    case "waiting":
      return `Waiting for the answer${GAP}${describeSeconds(progress.seconds)}`;
    case "receiving": {
      const { bytes, total, seconds } = progress;
      const rate = seconds > 0 ? bytes / seconds : 0;
      const speed = `${describeBytes(rate)}/s`;
      if (total === undefined || total < bytes) return `${describeBytes(bytes)}${GAP}${speed}`;
      const left = rate > 0 ? `${GAP}${describeSeconds((total - bytes) / rate)} left` : "";
      const told = `${describeBytes(bytes)} of ${describeBytes(total)}${GAP}${speed}${left}`;
      return barLine(total === 0 ? 100 : (bytes / total) * 100, told, room);
    }
  }
}
