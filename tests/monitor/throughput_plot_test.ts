import assert from "node:assert/strict";
import { throughputPlot } from "../../src/monitor/throughput_plot.ts";

function plot(read: number[]): string {
  return throughputPlot({
    read: 0,
    written: 0,
    readPerSecond: 1_500_000,
    writtenPerSecond: 20,
    history: { intervalSeconds: 2, read, written: read.map(() => 0) },
  }).text;
}

Deno.test("the plot is as wide as what there is, up to ten minutes", () => {
  for (
    const [samples, width, past] of [
      [2, 30, "1 minute"],
      [31, 60, "2 minutes"],
      [100, 150, "5 minutes"],
      [300, 300, "10 minutes"],
    ] as const
  ) {
    const text = plot(Array(samples).fill(1));
    assert.ok(text.includes(`viewBox="0 0 ${width} 100"`), text);
    assert.ok(text.includes(`<span>${past} ago</span>`), text);
  }
});

Deno.test("the top of the plot is a round number that nothing exceeds", () => {
  for (
    const [most, top] of [[0, "1 kB"], [1001, "2 kB"], [2_400_000, "5 MB"], [5e6, "5 MB"], [
      6e6,
      "10 MB",
    ]] as const
  ) assert.ok(plot([most, 0]).includes(`<span class="top">${top}/s</span>`), `${most}`);
});

Deno.test("the line is at the top where the rate is, and now is on the right", () => {
  const text = plot([0, 1000, 500]);
  assert.ok(text.includes('<path class="line read" d="M28 99.0L29 1.0L30 50.0"/>'), text);
  assert.ok(text.includes("Read <b>1.5 MB/s</b>"));
});

Deno.test("one sample makes no line", () => {
  assert.ok(!plot([5]).includes("line read"));
});
