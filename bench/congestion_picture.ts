/**
 * A trace of congestion control as an SVG picture: the windows above, the round-trip times below.
 *
 * @module
 */
import type { CongestionResult } from "./congestion_trace.ts";

type Sample = CongestionResult["samples"][number];

/** A line of a chart. */
interface Line {
  readonly label: string;
  readonly color: string;
  readonly value: (sample: Sample) => number;
}

const WIDTH = 900;
const CHART_HEIGHT = 260;
const MARGIN = { left: 60, right: 20, top: 40, between: 60, bottom: 50 } as const;
/** More points than these are thinned out: the picture has no more columns. */
const MOST_POINTS = 1500;
const TICKS = 5;

const WINDOWS: readonly Line[] = [
  { label: "congestion window", color: "#1f5fa8", value: ({ cwnd }) => cwnd },
  { label: "in flight", color: "#e08a1e", value: ({ inflight }) => inflight },
  { label: "bandwidth-delay product", color: "#4a9a4a", value: ({ bdp }) => bdp },
];

const TIMES: readonly Line[] = [
  { label: "round-trip time", color: "#c9c9c9", value: ({ rtt }) => rtt },
  { label: "average", color: "#9c3b8e", value: ({ averageRtt }) => averageRtt },
  { label: "least", color: "#444444", value: ({ minRtt }) => minRtt },
];

/** @param samples at least one */
export function congestionPicture(samples: readonly Sample[]): string {
  const step = Math.max(1, Math.ceil(samples.length / MOST_POINTS));
  const shown = samples.filter((_, index) => index % step === 0);
  const height = MARGIN.top + 2 * CHART_HEIGHT + MARGIN.between + MARGIN.bottom;
  const second = MARGIN.top + CHART_HEIGHT + MARGIN.between;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    slowStart(samples, height),
    ...chart(shown, samples, WINDOWS, MARGIN.top, "cells"),
    ...chart(shown, samples, TIMES, second, "ms"),
    `<text x="${WIDTH / 2}" y="${height - 12}" text-anchor="middle">seconds</text>`,
    "</svg>",
    "",
  ].join("\n");
}

/** Where slow start was, in grey. */
function slowStart(samples: readonly Sample[], height: number): string {
  const end = samples.find(({ inSlowStart }) => !inSlowStart) ?? samples[samples.length - 1];
  const width = x(end, samples) - MARGIN.left;
  const tall = height - MARGIN.top - MARGIN.bottom;
  return `<rect x="${MARGIN.left}" y="${MARGIN.top}" width="${width.toFixed(1)}" ` +
    `height="${tall}" fill="#f0f0f0"><title>slow start</title></rect>`;
}

function x({ time }: Sample, samples: readonly Sample[]): number {
  const last = Math.max(samples[samples.length - 1].time, 1);
  return MARGIN.left + time / last * (WIDTH - MARGIN.left - MARGIN.right);
}

function chart(
  shown: readonly Sample[],
  samples: readonly Sample[],
  lines: readonly Line[],
  top: number,
  unit: string,
): string[] {
  const most = Math.max(1, ...lines.flatMap(({ value }) => shown.map(value)));
  const bottom = top + CHART_HEIGHT;
  const y = (value: number) => bottom - value / most * CHART_HEIGHT;
  const seconds = Math.max(samples[samples.length - 1].time, 1) / 1000;
  const parts: string[] = [];
  for (let tick = 0; tick <= TICKS; tick++) {
    const value = most * tick / TICKS;
    const at = y(value).toFixed(1);
    const across = MARGIN.left + tick / TICKS * (WIDTH - MARGIN.left - MARGIN.right);
    parts.push(
      `<line x1="${MARGIN.left}" y1="${at}" x2="${
        WIDTH - MARGIN.right
      }" y2="${at}" stroke="#ddd"/>`,
      `<text x="${MARGIN.left - 6}" y="${at}" dy="4" text-anchor="end">${label(value)}</text>`,
      `<text x="${across}" y="${bottom + 16}" text-anchor="middle">${
        label(seconds * tick / TICKS)
      }</text>`,
    );
  }
  parts.push(`<text x="${MARGIN.left}" y="${top - 10}" text-anchor="end">${unit}</text>`);
  lines.forEach(({ label, color, value }, index) => {
    const points = shown.map((sample) =>
      `${x(sample, samples).toFixed(1)},${y(value(sample)).toFixed(1)}`
    );
    const at = MARGIN.left + 20 + index * 190;
    parts.push(
      `<polyline points="${points.join(" ")}" fill="none" stroke="${color}" stroke-width="1.5"/>`,
      `<rect x="${at}" y="${top - 18}" width="10" height="10" fill="${color}"/>`,
      `<text x="${at + 16}" y="${top - 9}">${label}</text>`,
    );
  });
  return parts;
}

function label(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}
