/**
 * Congestion control at work in a private network of C tor, as numbers and as a picture:
 *
 *     deno task bench congestion [--megabytes N]
 *
 * A client's congestion window rules what it sends, so an upload is traced; of a download, which the
 * exit's window rules, the SENDMEs that the client sends are counted. The client runs in this
 * process. Writes bench/results/congestion.json and congestion.svg.
 *
 * @module
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { type CircuitTrace, CongestionRecorder } from "../tests/network/congestion_recorder.ts";
import { httpGet, httpUpload } from "../tests/network/http_client.ts";
import { InProcessClient } from "../tests/network/in_process_client.ts";
import { bodySha256 } from "../tests/network/test_body.ts";
import { missingForWorld, World } from "../tests/network/world.ts";
import { NETWORK_PARAMETERS } from "./network_parameters.ts";
import { congestionPicture } from "./congestion_picture.ts";

const MEGABYTE = 1_000_000;
const DEFAULT_MEGABYTES = 20;

/** What {@link benchCongestion} writes. */
export interface CongestionResult {
  readonly megabytes: number;
  /** MB (10^6 bytes) a second. */
  readonly up: number;
  readonly down: number;
  /** SENDMEs that the client has sent for the download. */
  readonly sendmesSent: number;
  /** One for each SENDME of the upload; ms since the first of them, windows in cells. */
  readonly samples: readonly {
    readonly time: number;
    readonly cwnd: number;
    readonly inflight: number;
    readonly bdp: number;
    readonly rtt: number;
    readonly averageRtt: number;
    readonly minRtt: number;
    readonly inSlowStart: boolean;
    readonly isBlocked: boolean;
  }[];
}

/**
 * Measures as the arguments say.
 *
 * @param args those after the benchmark's name
 */
export async function benchCongestion(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { megabytes: { type: "string", default: String(DEFAULT_MEGABYTES) } },
  });
  const megabytes = Number(values.megabytes);
  if (!Number.isInteger(megabytes) || megabytes < 1) {
    console.error("Usage: congestion [--megabytes N]");
    Deno.exit(2);
  }
  const missing = await missingForWorld();
  if (missing) {
    console.error(`The trace cannot be taken: ${missing}.`);
    Deno.exit(1);
  }
  const result = await trace(megabytes);
  console.log(summary(result));
  const directory = new URL("results/", import.meta.url);
  await Deno.mkdir(directory, { recursive: true });
  const file = (name: string) => new URL(name, directory);
  await Deno.writeTextFile(file("congestion.json"), JSON.stringify(result, null, 1) + "\n");
  await Deno.writeTextFile(file("congestion.svg"), congestionPicture(result.samples));
  console.log(`\nAll samples: ${file("congestion.json").pathname}, and congestion.svg beside it`);
}

async function trace(megabytes: number): Promise<CongestionResult> {
  console.error("Starting the network");
  await using world = await World.start({ parameters: NETWORK_PARAMETERS });
  const recorder = new CongestionRecorder();
  await using client = await InProcessClient.start(world.network, {
    congestionObserver: recorder,
  });
  await client.bootstrapped();
  const length = megabytes * MEGABYTE;
  // What is measured is not the compiler, and the streams of each kind have a circuit of their own.
  for (let round = 0; round < 2; round++) {
    await httpUpload(await client.connect(world.target, "warm-up"), length, round);
  }
  const known = new Set(recorder.traces.keys());
  const before = recorder.sendmesSent;
  const uploading = performance.now();
  const sent = await httpUpload(await client.connect(world.target, "up"), length, 1);
  const up = megabytes / (performance.now() - uploading) * 1000;
  assert.deepEqual(sent, { length, sha256: bodySha256(length, 1) });
  const uploaded = [...recorder.traces].filter(([number]) => !known.has(number))
    .map(([, found]) => found).toSorted((a, b) => b.samples.length - a.samples.length)[0];
  assert.ok(uploaded !== undefined, "the upload's circuit has congestion control");

  const downloading = performance.now();
  const got = await httpGet(
    await client.connect(world.target, "down"),
    `/bytes/${length}?seed=2`,
  );
  const down = megabytes / (performance.now() - downloading) * 1000;
  assert.equal(got.sha256, bodySha256(length, 2));
  return {
    megabytes,
    up,
    down,
    sendmesSent: recorder.sendmesSent - before,
    samples: fromFirst(uploaded),
  };
}

/** The samples with times from the first of them on, in ms. */
function fromFirst({ samples }: CircuitTrace): CongestionResult["samples"] {
  const [first] = samples;
  return samples.map(({ time, rtt, averageRtt, minRtt, ...rest }) => ({
    time: time - first.time,
    ...rest,
    rtt: rtt / 1000,
    averageRtt: averageRtt / 1000,
    minRtt: minRtt / 1000,
  }));
}

function summary({ megabytes, up, down, sendmesSent, samples }: CongestionResult): string {
  const windows = samples.map(({ cwnd }) => cwnd);
  const slowStart = samples.findIndex(({ inSlowStart }) => !inSlowStart);
  const end = slowStart < 0 ? undefined : samples[slowStart];
  const last = samples[samples.length - 1];
  return [
    `Upload of ${megabytes} MB: ${up.toFixed(1)} MB/s, ${samples.length} SENDMEs received`,
    `Congestion window: ${Math.min(...windows)} to ${
      Math.max(...windows)
    }, at the end ${last.cwnd} cells`,
    end === undefined
      ? "Slow start did not end"
      : `Slow start ended after ${end.time.toFixed(0)} ms at ${end.cwnd} cells` +
        (end.isBlocked ? ", because the channel was blocked" : ""),
    `Round trips: ${last.minRtt.toFixed(1)} ms at least, ${
      last.averageRtt.toFixed(1)
    } ms at the end`,
    `SENDMEs while the channel was blocked: ${samples.filter(({ isBlocked }) => isBlocked).length}`,
    `Download of ${megabytes} MB: ${down.toFixed(1)} MB/s, ${sendmesSent} SENDMEs sent`,
  ].join("\n");
}
