/**
 * What `deno task bench` runs: `units` (the default), `network` or `directory`, with their options.
 *
 * @module
 */
import { benchDirectory } from "./directory.ts";
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
  case "directory":
    await benchDirectory(rest);
    break;
  default:
    console.error(
      "Usage: deno task bench [units | network [--rounds N] [--client chive|tor] | " +
        "directory [--relays N] [--paths N] [--runs N] [--settle MS] [--made-up-only]]",
    );
    Deno.exit(2);
}
