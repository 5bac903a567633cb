/**
 * What `deno task bench` runs: `units` (the default), `network`, `directory`, `streams`,
 * `congestion` or `profile`, with their options.
 *
 * @module
 */
import { benchCongestion } from "./congestion_trace.ts";
import { benchDirectory } from "./directory.ts";
import { benchStreams } from "./many_streams.ts";
import { benchNetwork } from "./network.ts";
import { benchProfile } from "./profile.ts";

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
  case "streams":
    await benchStreams(rest);
    break;
  case "congestion":
    await benchCongestion(rest);
    break;
  case "profile":
    await benchProfile(rest);
    break;
  default:
    console.error(
      "Usage: deno task bench [units | network [--rounds N] [--client chive|tor] | " +
        "directory [--relays N] [--paths N] [--runs N] [--settle MS] [--made-up-only] | " +
        "streams [--streams N] [--circuits N] [--seconds N] [--bytes N] | " +
        "congestion [--megabytes N] | profile [--megabytes N] [--upload]]",
    );
    Deno.exit(2);
}
