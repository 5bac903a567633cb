/**
 * The version, from the one place where it is written.
 *
 * @module
 */
import project from "../../deno.json" with { type: "json" };

/** For example `0.1.0`. */
export const VERSION: string = project.version;
