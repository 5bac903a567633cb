/**
 * A CPU profile as two tables: self times by function, and CPU time by thread.
 *
 * @module
 */
import type { CpuProfile, ProfileNode } from "./inspector.ts";
import type { ThreadTime } from "./thread_times.ts";

/** How many functions are shown. */
const SHOWN = 10;

/** Names that V8 gives to what is no function of JavaScript and may be waiting. */
const OUTSIDE = new Set(["(program)", "(idle)", "(root)"]);

/** The profiler's own thread, which does not count. */
const PROFILER_THREAD = /^v8:Prof/;

/** What {@link profileTable} shows. */
export interface Profiled {
  readonly profile: CpuProfile;
  /** The threads' CPU times at the beginning and at the end. */
  readonly before: ReadonlyMap<number, ThreadTime>;
  readonly after: ReadonlyMap<number, ThreadTime>;
  /** The id of the thread that runs JavaScript. */
  readonly mainThread: number;
  /** How long it took. */
  readonly milliseconds: number;
  /** How much was carried, in MB (10^6 bytes). */
  readonly megabytes: number;
}

/** Markdown: the functions that took most, in CPU ms for each MB, and the threads. */
export function profileTable(profiled: Profiled): string {
  const { megabytes, milliseconds } = profiled;
  const threads = threadLines(profiled);
  const total = threads.reduce((sum, { user, system }) => sum + user + system, 0);
  const main = threads.find(({ id }) => id === profiled.mainThread);
  const mainTime = main === undefined ? 0 : main.user + main.system;

  const byFunction = selfTimes(profiled.profile);
  let javascript = 0;
  for (const time of byFunction.values()) javascript += time;
  // V8 cannot tell waiting from native work, so that is what the kernel counted and V8 did not.
  const native = Math.max(0, mainTime - javascript);
  byFunction.set("(native outside of operations: event loop)", native);
  const top = [...byFunction].sort(([, a], [, b]) => b - a).slice(0, SHOWN + 1);

  const perMegabyte = (time: number) => (time / megabytes).toFixed(3);
  const share = (time: number) => `${(time / total * 100).toFixed(1)} %`;
  return [
    `${megabytes} MB in ${(milliseconds / 1000).toFixed(1)} s, ` +
    `${perMegabyte(total)} ms CPU per MB in all threads`,
    "",
    // A system call that another process interrupts counts in full, so the sum may be over the CPU time.
    "| self time on the main thread, sampled by the wall clock | ms per MB | of all |",
    "| --- | --- | --- |",
    ...top.map(([name, time]) => `| ${name} | ${perMegabyte(time)} | ${share(time)} |`),
    "",
    "| thread | user, ms per MB | system, ms per MB | of all |",
    "| --- | --- | --- | --- |",
    ...threads.map(({ name, user, system }) =>
      `| ${name} | ${perMegabyte(user)} | ${perMegabyte(system)} | ${share(user + system)} |`
    ),
  ].join("\n");
}

/** Self time by function in milliseconds, without what is outside of JavaScript. */
function selfTimes(profile: CpuProfile): Map<string, number> {
  const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node)]));
  const times = new Map<string, number>();
  for (let index = 0; index < profile.samples.length; index++) {
    const name = names.get(profile.samples[index]) ?? "(unknown)";
    if (OUTSIDE.has(name)) continue;
    // A sample stands for the time until the next one.
    const microseconds = profile.timeDeltas[index + 1] ?? 0;
    times.set(name, (times.get(name) ?? 0) + microseconds / 1000);
  }
  return times;
}

function nameOf({ callFrame }: ProfileNode): string {
  const { functionName, url, lineNumber } = callFrame;
  if (url === "") return functionName === "" ? "(anonymous)" : functionName;
  const file = url.replace(/^.*\/src\//, "").replace(/^file:.*\//, "");
  return `${functionName === "" ? "(anonymous)" : functionName} (${file}:${lineNumber + 1})`;
}

interface ThreadLine extends ThreadTime {
  readonly id: number;
}

/** What each thread spent between the two looks, busiest first, without those that did nothing. */
function threadLines({ before, after }: Profiled): ThreadLine[] {
  return [...after].map(([id, { name, user, system }]) => ({
    id,
    name,
    user: user - (before.get(id)?.user ?? 0),
    system: system - (before.get(id)?.system ?? 0),
  })).filter(({ name, user, system }) => user + system > 0 && !PROFILER_THREAD.test(name))
    .sort((a, b) => b.user + b.system - a.user - a.system);
}
