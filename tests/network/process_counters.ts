/**
 * What the kernel counts for a process, read from /proc.
 *
 * @module
 */

/** Bytes that passed through read(2) and write(2): for a relay, above all its TLS connections. */
export interface IoCounters {
  readonly read: number;
  readonly written: number;
}

/** Memory of a process, in bytes. */
export interface MemoryCounters {
  /** Resident now. */
  readonly resident: number;
  /** The most that was ever resident. */
  readonly peakResident: number;
  /** Resident and backed by no file: what the process itself has allocated. */
  readonly anonymous: number;
}

/** The kernel's clock ticks a second in /proc/PID/stat (USER_HZ, 100 on every Linux port). */
const TICKS_PER_SECOND = 100;

/** @throws Deno.errors.NotFound when the process is gone */
export async function ioCounters(pid: number): Promise<IoCounters> {
  const text = await Deno.readTextFile(`/proc/${pid}/io`);
  return { read: field(text, "rchar"), written: field(text, "wchar") };
}

/** @throws Deno.errors.NotFound when the process is gone */
export async function memoryCounters(pid: number): Promise<MemoryCounters> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  return {
    resident: field(text, "VmRSS") * 1024,
    peakResident: field(text, "VmHWM") * 1024,
    anonymous: field(text, "RssAnon") * 1024,
  };
}

/**
 * CPU time of all the process's threads, user and system, in milliseconds (steps of 10 ms).
 *
 * @throws Deno.errors.NotFound when the process is gone
 */
export async function cpuTime(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The program's name, in parentheses, may hold spaces: count the fields after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND;
}

function field(text: string, name: string): number {
  const match = text.match(new RegExp(`^${name}:\\s*(\\d+)`, "m"));
  if (!match) throw new Error(`no ${name} in the process's counters`);
  return Number(match[1]);
}

/**
 * The remote ends of the process's established IPv4 TCP connections, as `address:port`.
 *
 * @throws Deno.errors.NotFound when the process is gone
 */
export async function tcpPeers(pid: number): Promise<Set<string>> {
  const sockets = new Set<string>();
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await linkTarget(`/proc/${pid}/fd/${name}`);
    const inode = target.match(/^socket:\[(\d+)\]$/)?.[1];
    if (inode !== undefined) sockets.add(inode);
  }
  const peers = new Set<string>();
  const table = await Deno.readTextFile(`/proc/${pid}/net/tcp`);
  for (const line of table.split("\n").slice(1)) {
    const [, , remote, state, , , , , , inode] = line.trim().split(/\s+/);
    if (state === ESTABLISHED && sockets.has(inode)) peers.add(parseAddress(remote));
  }
  return peers;
}

/** The state of an established connection in /proc/net/tcp. */
const ESTABLISHED = "01";

/** `0100007F:1F90` is 127.0.0.1:8080: the address is a number in this machine's byte order. */
function parseAddress(text: string): string {
  const [address, port] = text.split(":");
  return `${Uint8Array.fromHex(address).reverse().join(".")}:${parseInt(port, 16)}`;
}

/** What a symbolic link of /proc names; empty when it has gone meanwhile. */
async function linkTarget(path: string): Promise<string> {
  try {
    return await Deno.readLink(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
