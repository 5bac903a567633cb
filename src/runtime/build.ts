/**
 * What this copy of the program was made as. `scripts/compile.ts` bundles the program with a copy of
 * this file of its own in this one's place; in the project's tree it always says "source".
 *
 * @module
 */

/** How the program was made and packed. */
export interface Build {
  /**
   * `source`: run by Deno from its source; `executable`: one file, by `deno compile`; `portable`: an
   * archive with Deno and a launcher. Only the first one's permissions are the user's to give.
   */
  readonly form: "source" | "executable" | "portable";
  /** The commit of the source, as Git writes it; undefined where it is not known. */
  readonly commit?: string;
  /** When that commit was made, for example `2026-11-24T04:00:00Z`. */
  readonly date?: string;
  /** The one folder that it may write to, which is the DataDirectory unless an option names another. */
  readonly dataDirectory: string;
}

/** This copy. */
export const BUILD: Build = { form: "source", dataDirectory: "./chive-data" };
