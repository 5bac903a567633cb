/**
 * The version, from the one place where it is written, and what this copy was made of.
 *
 * @module
 */
import project from "../../deno.json" with { type: "json" };
import { BUILD, type Build } from "../runtime/build.ts";

/** For example `0.1.0`. */
export const VERSION: string = project.version;

/**
 * What `--version` prints: for example `chive 0.1.0`, and of what was built from a commit
 * `chive 0.1.0 (commit 0123456789abcdef0123456789abcdef01234567, 2026-11-24T04:00:00Z)`.
 */
export function versionLine({ commit, date }: Build = BUILD): string {
  const origin = [commit === undefined ? undefined : `commit ${commit}`, date]
    .filter((part) => part !== undefined)
    .join(", ");
  return origin === "" ? `chive ${VERSION}` : `chive ${VERSION} (${origin})`;
}
