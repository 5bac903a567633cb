/**
 * What `deno task bench` runs: `units` (the default) or `network`, with the latter's options.
 *
 * @module
 */
import { benchNetwork } from "./network.ts";

const [what = "units", ...rest] = Deno.args;
switch (what) {
  case "units": {
    const folder = new URL(".", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), { args: ["bench", "--quiet", folder] }).spawn();
    Deno.exit((await child.status).code);
    break;
  }
  case "network":
    await benchNetwork(rest);
    break;
  default:
    console.error("Usage: deno task bench [units | network [--rounds N] [--client chive|tor]]");
    Deno.exit(2);
}
