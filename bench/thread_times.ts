/**
 * CPU time of each thread of a process, from /proc.
 *
 * @module
 */

/** CPU time of one thread so far, in milliseconds (steps of 10 ms). */
export interface ThreadTime {
  readonly name: string;
  readonly user: number;
  readonly system: number;
}

/** The kernel's clock ticks a second in /proc/PID/stat (USER_HZ, 100 on every Linux port). */
const TICKS_PER_SECOND = 100;

/** The CPU time of the process's threads by thread id; the main thread's id is the process's. */
export async function threadTimes(pid: number): Promise<Map<number, ThreadTime>> {
  const times = new Map<number, ThreadTime>();
  for await (const { name: thread } of Deno.readDir(`/proc/${pid}/task`)) {
    const text = await Deno.readTextFile(`/proc/${pid}/task/${thread}/stat`);
    // The thread's name, in parentheses, may hold spaces: count the fields after it.
    const nameEnd = text.lastIndexOf(")");
    const fields = text.slice(nameEnd + 2).split(" ");
    times.set(Number(thread), {
      name: text.slice(text.indexOf("(") + 1, nameEnd),
      user: Number(fields[11]) * 1000 / TICKS_PER_SECOND,
      system: Number(fields[12]) * 1000 / TICKS_PER_SECOND,
    });
  }
  return times;
}
