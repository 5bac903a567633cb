/**
 * The figures of several rounds as a table of medians.
 *
 * @module
 */
import type { ClientKind } from "../tests/network/client_process.ts";
import { median, type Round } from "./network_round.ts";

/** One figure. */
export interface Row {
  readonly key: Exclude<keyof Round, "client">;
  readonly label: string;
  readonly unit: string;
  readonly digits: number;
  /** What chive's part of C tor's figure is to be, at most for times and memory, else at least. */
  readonly target?: number;
}

/** The figures that are compared. */
export const ROWS: readonly Row[] = [
  { key: "coldFirstByte", label: "start to first byte", unit: "ms", digits: 0, target: 0.8 },
  { key: "restartFirstByte", label: "restart to first byte", unit: "ms", digits: 0 },
  { key: "warmFirstByte", label: "first byte, warm", unit: "ms", digits: 1, target: 1 },
  { key: "downOne", label: "down, one stream", unit: "MB/s", digits: 1, target: 1 },
  { key: "downSixteen", label: "down, 16 streams", unit: "MB/s", digits: 1, target: 1 },
  { key: "up", label: "up, one stream", unit: "MB/s", digits: 1, target: 1 },
  { key: "cpuPerMegabyteDown", label: "CPU per MB down", unit: "ms", digits: 1, target: 1.2 },
  { key: "cpuPerMegabyteUp", label: "CPU per MB up", unit: "ms", digits: 1 },
  { key: "peakResident", label: "peak resident memory", unit: "MB", digits: 1 },
  { key: "peakAnonymous", label: "peak anonymous memory", unit: "MB", digits: 1 },
];

/** Markdown: a line for each figure with the medians, the ranges and chive's ratio to C tor. */
export function table(rounds: readonly Round[]): string {
  const lines = ROWS.map(({ key, label, unit, digits, target }) => {
    const cell = (client: ClientKind) => {
      const values = rounds.filter((round) => round.client === client).map((round) => round[key]);
      if (values.length === 0) return { text: "-", value: NaN };
      const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)]
        .map((value) => value.toFixed(digits));
      return { text: `${middle} (${least} to ${most})`, value: median(values) };
    };
    const [tor, chive] = [cell("tor"), cell("chive")];
    const ratio = chive.value / tor.value;
    const compared = Number.isFinite(ratio) ? ratio.toFixed(2) : "-";
    return [label, unit, tor.text, chive.text, compared, target?.toString() ?? ""];
  });
  const head = ["median (range)", "unit", "C tor", "chive", "chive / C tor", "target"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column].length))
  );
  const format = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [format(head), format(widths.map((width) => "-".repeat(width))), ...lines.map(format)]
    .join("\n");
}
