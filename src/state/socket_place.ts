/**
 * Where Unix sockets lie: in folders that nobody else may enter, as on some systems whoever can see
 * a socket can connect to it.
 *
 * @module
 */
import { grantAdvice, readFlag, writeFlag } from "../runtime/permission_flags.ts";

/** What others than the owner may do in a folder. */
const OTHERS = 0o077;
const OWNER_ONLY = 0o700;

/** Why a socket cannot lie in a folder. */
export interface SocketPlaceProblem {
  readonly kind: "not-permitted" | "unusable" | "not-private";
  /** What is wrong, as the end of a sentence. */
  readonly reason: string;
}

/**
 * Makes sure that the folder of a socket is there and is for its owner alone. Within the data
 * directory it is created where it is missing; elsewhere it must be there.
 *
 * @returns what is in the way; undefined when the socket may lie there
 */
export async function prepareSocketPlace(
  path: string,
  dataDirectory: string,
): Promise<SocketPlaceProblem | undefined> {
  const folder = folderOf(path);
  let info: Deno.FileInfo;
  try {
    if (isWithin(folder, dataDirectory)) {
      await Deno.mkdir(folder, { recursive: true, mode: OWNER_ONLY });
    }
    info = await Deno.lstat(folder);
  } catch (error) {
    return error instanceof Deno.errors.NotCapable
      ? {
        kind: "not-permitted",
        reason: `this process may not use the folder ${folder}; ` +
          grantAdvice([readFlag(folder), writeFlag(folder)]),
      }
      : {
        kind: "unusable",
        reason: `the folder ${folder} cannot be used: ${error instanceof Error ? error.name : ""}`,
      };
  }
  if (!info.isDirectory) return { kind: "unusable", reason: `${folder} is not a folder` };
  if (info.mode !== null && (info.mode & OTHERS) !== 0) {
    return { kind: "not-private", reason: `others than its owner may use the folder ${folder}` };
  }
  return undefined;
}

/**
 * Removes a socket that a process has left behind.
 *
 * @returns false when something else is there, which is left alone
 * @throws what the operating system says
 */
export async function removeSocket(path: string): Promise<boolean> {
  const { isSocket } = await Deno.lstat(path);
  if (!isSocket) return false;
  await Deno.remove(path);
  return true;
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "." : slash === 0 ? "/" : path.slice(0, slash);
}

/** As far as the two are written from the same place: absolute, or both relative. */
function isWithin(folder: string, dataDirectory: string): boolean {
  const parts = partsOf(folder);
  const outer = partsOf(dataDirectory);
  return folder.startsWith("/") === dataDirectory.startsWith("/") && !parts.includes("..") &&
    outer.every((part, index) => parts[index] === part);
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
