/**
 * chive with a look at its event loop, as a process: takes the path of a torrc, says "Joined", and at each SIGUSR2 "Figures N" with JSON of the delays since
 * the last and the circuits with streams.
 *
 * @module
 */
import { RunningClient } from "../src/client/running_client.ts";
import { buildConfig } from "../src/config/build.ts";
import { parseTorrc } from "../src/config/torrc.ts";
import { systemRuntime } from "../src/runtime/runtime.ts";
import { EventLoopDelaySampler } from "./event_loop_delay.ts";

const [torrc] = Deno.args;
const { config } = buildConfig([parseTorrc(await Deno.readTextFile(torrc), torrc)]);
const client = await RunningClient.start(config, systemRuntime());
const sampler = new EventLoopDelaySampler();
client.bootstrap.onProgress(({ percent }) => percent === 100 && console.log("Joined"));
let figures = 0;
Deno.addSignalListener("SIGUSR2", () => {
  const circuits = client.circuitStatus.filter(({ streams }) => streams > 0).length;
  const json = JSON.stringify({ ...sampler.take(), circuits });
  console.log(`Figures ${++figures} ${json}`);
});
Deno.addSignalListener("SIGTERM", async () => {
  await client.stop();
  Deno.exit(0);
});
