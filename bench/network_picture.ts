/**
 * The figures of several rounds as an SVG picture: for each figure a bar for C tor and one for chive.
 *
 * @module
 */
import type { ClientKind } from "../tests/network/client_process.ts";
import { median, type Round } from "./network_round.ts";
import { type Row, ROWS } from "./network_table.ts";

const WIDTH = 900;
const LABELS = 210;
/** Room for the figures behind the bars. */
const FIGURES = 150;
const BAR = 14;
const ROW = 2 * BAR + 18;
const TOP = 50;

const COLORS: Readonly<Record<ClientKind, string>> = { tor: "#7d4698", chive: "#2f7d4f" };
const NAMES: Readonly<Record<ClientKind, string>> = { tor: "C tor", chive: "chive" };
const KINDS = ["tor", "chive"] as const;

/** Bars as long as the medians, each figure to its own scale; a line marks the target for chive. */
export function networkPicture(rounds: readonly Round[]): string {
  const height = TOP + ROWS.length * ROW + 10;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    ...KINDS.flatMap((kind, index) => [
      `<rect x="${LABELS + index * 90}" y="16" width="12" height="12" fill="${COLORS[kind]}"/>`,
      `<text x="${LABELS + index * 90 + 18}" y="26">${NAMES[kind]}</text>`,
    ]),
    `<path d="M${LABELS + 180} 14v16" stroke="#c0392b" stroke-width="2"/>`,
    `<text x="${LABELS + 188}" y="26">target for chive</text>`,
    ...ROWS.flatMap((row, index) => bars(row, rounds, TOP + index * ROW)),
    "</svg>",
    "",
  ].join("\n");
}

function bars({ key, label, unit, digits, target }: Row, rounds: readonly Round[], top: number) {
  const values = KINDS.map((client) => {
    const ofClient = rounds.filter((round) => round.client === client).map((round) => round[key]);
    return ofClient.length === 0 ? undefined : median(ofClient);
  });
  const [tor] = values;
  const wanted = tor === undefined || target === undefined ? undefined : tor * target;
  const most = Math.max(...values.map((value) => value ?? 0), wanted ?? 0, Number.MIN_VALUE);
  const x = (value: number) => LABELS + value / most * (WIDTH - LABELS - FIGURES);
  const parts = [`<text x="${LABELS - 10}" y="${top + BAR + 4}" text-anchor="end">${label}</text>`];
  values.forEach((value, index) => {
    if (value === undefined) return;
    const y = top + index * (BAR + 1);
    parts.push(
      `<rect x="${LABELS}" y="${y}" width="${(x(value) - LABELS).toFixed(1)}" height="${BAR}" ` +
        `fill="${COLORS[KINDS[index]]}"/>`,
      `<text x="${(x(value) + 6).toFixed(1)}" y="${y + 11}">${
        value.toFixed(digits)
      } ${unit}</text>`,
    );
  });
  if (wanted !== undefined) {
    const d = `M${x(wanted).toFixed(1)} ${top - 3}v${2 * BAR + 7}`;
    parts.push(`<path d="${d}" stroke="#c0392b" stroke-width="2"/>`);
  }
  return parts;
}
