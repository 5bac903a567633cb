/**
 * The throughput of the last minutes as a plot.
 *
 * @module
 */
import { describeBytes } from "./amounts.ts";
import { Markup, markup } from "./markup.ts";
import type { StatusReport } from "./status_schema.ts";

/** How many samples the plot is wide: the least of these that has all that there are. */
const WIDTHS = [30, 60, 150, 300];
const HEIGHT = 100;
/** The least that the top of the plot means, in bytes per second. */
const LEAST_TOP = 1000;

/** A figure with the rates of now and a plot, on whose right side is now. */
export function throughputPlot(traffic: StatusReport["traffic"]): Markup {
  const { read, written, intervalSeconds } = traffic.history;
  const top = niceTop(Math.max(LEAST_TOP, ...read, ...written));
  const width = WIDTHS.find((each) => each >= read.length) ?? read.length;
  const minutes = Math.round(width * intervalSeconds / 60);
  const past = minutes === 1 ? "1 minute" : `${minutes} minutes`;
  const lines = `M0 1H${width}M0 ${HEIGHT / 2}H${width}M0 ${HEIGHT - 1}H${width}`;
  return markup`
<figure>
  <figcaption>
    <span class="read">Read <b>${describeBytes(traffic.readPerSecond)}/s</b></span>
    <span class="written">Written <b>${describeBytes(traffic.writtenPerSecond)}/s</b></span>
  </figcaption>
  <div class="plot">
    <span class="top">${describeBytes(top)}/s</span>
    <svg viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img"
      aria-label="Bytes per second, read and written, from ${past} ago until now">
      <path class="grid" d="${lines}"/>
      ${curve("read", read, { top, width })}
      ${curve("written", written, { top, width })}
    </svg>
  </div>
  <div class="times"><span>${past} ago</span><span>now</span></div>
</figure>`;
}

function curve(
  name: "read" | "written",
  rates: readonly number[],
  { top, width }: { readonly top: number; readonly width: number },
): Markup {
  if (rates.length < 2) return new Markup("");
  const first = width - rates.length + 1;
  const points = rates.map((rate, index) =>
    `${first + index} ${(HEIGHT - 1 - (HEIGHT - 2) * Math.min(rate / top, 1)).toFixed(1)}`
  ).join("L");
  return markup`
      <path class="area ${name}" d="M${first} ${HEIGHT - 1}L${points}V${HEIGHT - 1}Z"/>
      <path class="line ${name}" d="M${points}"/>`;
}

/** The next of 1, 2, 5, 10, 20, 50, ... */
function niceTop(rate: number): number {
  const power = 10 ** Math.floor(Math.log10(rate));
  return [1, 2, 5].map((step) => step * power).find((step) => step >= rate) ?? 10 * power;
}
