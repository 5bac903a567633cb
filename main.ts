/**
 * The program: arguments in, exit code out.
 *
 * @module
 */
import { run } from "./src/cli/run.ts";

Deno.exit(await run(Deno.args));
