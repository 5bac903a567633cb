/**
 * The directory's figures beside their targets.
 *
 * @module
 */
import { median } from "./network_round.ts";

/** One figure of one network, measured several times. */
export interface Figure {
  readonly network: string;
  readonly name: string;
  readonly unit: "ms" | "MB";
  /** The most that it should be; `undefined` for what is only told. */
  readonly target: number | undefined;
  readonly samples: readonly number[];
  /** Why there are no samples, if so. */
  readonly skipped?: string;
}

/** Markdown: a line for each figure with target, median, range and verdict. */
export function directoryTable(figures: readonly Figure[]): string {
  const head = ["figure", "network", "unit", "target", "median (range)", "verdict"];
  const lines = figures.map((figure) => {
    const { name, network, unit, target, samples, skipped } = figure;
    const middle = samples.length === 0 ? NaN : median(samples);
    return [
      name,
      network,
      unit,
      target === undefined ? "-" : `${target}`,
      samples.length === 0
        ? "-"
        : `${round(middle)} (${round(Math.min(...samples))} to ${round(Math.max(...samples))})`,
      skipped === undefined ? verdict(middle, target) : `SKIPPED: ${skipped}`,
    ];
  });
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column].length))
  );
  const format = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [format(head), format(widths.map((width) => "-".repeat(width))), ...lines.map(format)]
    .join("\n");
}

function verdict(value: number, target: number | undefined): string {
  if (target === undefined) return "-";
  return value <= target ? "met" : `MISSED, ${(value / target).toFixed(2)} times as much`;
}

function round(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
