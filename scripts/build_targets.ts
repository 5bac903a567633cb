/**
 * The systems that chive is built for.
 *
 * @module
 */

/** What is particular to a system. */
export interface BuildTarget {
  readonly os: "linux" | "darwin" | "windows";
  /** What the file of a program begins with there, in hexadecimal, with `.` for any digit. */
  readonly programHead: RegExp;
}

const ELF = "7f454c4602";

/** By the names that `deno compile --target` takes. */
export const BUILD_TARGETS = {
  // e_machine, a little-endian number at 18.
  "x86_64-unknown-linux-gnu": { os: "linux", programHead: new RegExp(`^${ELF}.{26}3e00`) },
  "aarch64-unknown-linux-gnu": { os: "linux", programHead: new RegExp(`^${ELF}.{26}b700`) },
  // The magic of 64-bit Mach-O and the type of the processor.
  "x86_64-apple-darwin": { os: "darwin", programHead: /^cffaedfe07000001/ },
  "aarch64-apple-darwin": { os: "darwin", programHead: /^cffaedfe0c000001/ },
  "x86_64-pc-windows-msvc": { os: "windows", programHead: /^4d5a/ },
} as const satisfies Readonly<Record<string, BuildTarget>>;

/** The name of a target. */
export type TargetName = keyof typeof BUILD_TARGETS;

/** Bytes of a program's file that {@link isProgramOf} looks at. */
export const PROGRAM_HEAD_LENGTH = 20;

/** Whether it is the name of a target. */
export function isTargetName(name: string): name is TargetName {
  return Object.hasOwn(BUILD_TARGETS, name);
}

/** Whether a file that begins with `head` is a program of the target. */
export function isProgramOf(name: TargetName, head: Uint8Array): boolean {
  return BUILD_TARGETS[name].programHead.test(head.toHex());
}
