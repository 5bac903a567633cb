/**
 * What is built says what it was made of: the commit and its date, never the time of the build, so
 * that the same source gives the same bytes.
 *
 * @module
 */
import type { Build } from "../src/runtime/build.ts";

/** Where a build comes from, as far as it is known. */
export type BuildOrigin = Pick<Build, "commit" | "date">;

/** What Git and the environment say, each undefined where it says nothing. */
interface Sources {
  /** The name of the commit. */
  readonly commit: string | undefined;
  /** When it was made, in seconds since 1970. */
  readonly commitTime: string | undefined;
  /** Whether files of the tree differ from it. */
  readonly changed: boolean;
  /** SOURCE_DATE_EPOCH, in seconds since 1970, which counts more. */
  readonly epoch: string | undefined;
}

/**
 * The origin in the form that is shown.
 *
 * @throws RangeError where SOURCE_DATE_EPOCH is no time
 */
export function describeOrigin({ commit, commitTime, changed, epoch }: Sources): BuildOrigin {
  const time = epoch ?? commitTime;
  if (time !== undefined && !/^\d{1,11}$/.test(time)) {
    throw new RangeError(`SOURCE_DATE_EPOCH '${time}' is no number of seconds`);
  }
  return {
    ...(commit === undefined ? {} : { commit: changed ? `${commit}-changed` : commit }),
    ...(time === undefined
      ? {}
      : { date: new Date(Number(time) * 1000).toISOString().replace(".000Z", "Z") }),
  };
}

/** Asks Git about the tree in `root`, and the environment. */
export async function findOrigin(root: string): Promise<BuildOrigin> {
  const [commit, commitTime, changes] = await Promise.all([
    git(root, "rev-parse", "HEAD"),
    git(root, "log", "-1", "--format=%ct"),
    git(root, "status", "--porcelain", "--untracked-files=no"),
  ]);
  const changed = (changes ?? "") !== "";
  return describeOrigin({ commit, commitTime, changed, epoch: Deno.env.get("SOURCE_DATE_EPOCH") });
}

/** The text of the module that takes the place of `src/runtime/build.ts`. */
export function buildModule(build: Build): string {
  return `export const BUILD = ${JSON.stringify(build)};\n`;
}

/** What Git prints; undefined where there is no Git, or no repository. */
async function git(root: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["-C", root, ...args],
      stdin: "null",
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
