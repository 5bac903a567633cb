/**
 * Build times on disk: `circuit_build_times.json` in the data directory. Like C tor's state file it
 * has a histogram and no order, so that it does not tell when which circuit was built.
 *
 * | member                        | meaning                                                   |
 * | ----------------------------- | --------------------------------------------------------- |
 * | `version`                     | 1                                                         |
 * | `total_build_times`           | circuits that were measured, at most 1,000                |
 * | `circuit_build_abandoned`     | those of them that were given up before they were built   |
 * | `circuit_build_time_bins`     | for each bin of 10 ms that is not empty, by its middle in |
 * |                               | ms: how many of the others took so long                   |
 *
 * @module
 */
import * as v from "valibot";
import { randomBelow, type RandomSource } from "../runtime/random.ts";
import { DATA_FILES } from "../state/data_files.ts";
import { histogramOf, LONGEST_TIME } from "./build_time_estimate.ts";
import {
  ABANDONED,
  type BuildTime,
  type BuildTimeHistory,
  HISTORY_SIZE,
} from "./build_time_history.ts";

const { name: NAME, version: VERSION } = DATA_FILES.circuitBuildTimes;

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(HISTORY_SIZE));
const middle = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,9}$/),
  v.check((text) => Number(text) < LONGEST_TIME),
);

/** Checks the parsed file. */
export const buildTimeDocumentSchema = v.pipe(
  v.object({
    version: v.literal(VERSION),
    total_build_times: count,
    circuit_build_abandoned: count,
    circuit_build_time_bins: v.record(middle, v.pipe(count, v.minValue(1))),
  }),
  v.check((document) => {
    const built = Object.values(document.circuit_build_time_bins).reduce((sum, n) => sum + n, 0);
    return document.total_build_times === built + document.circuit_build_abandoned;
  }, "as many times as total_build_times says"),
);

/** The contents of `circuit_build_times.json`. */
export type BuildTimeDocument = v.InferOutput<typeof buildTimeDocumentSchema>;

/** How the file is kept. */
export const BUILD_TIME_DOCUMENT = {
  name: NAME,
  version: VERSION,
  schema: buildTimeDocumentSchema,
  initial: (): BuildTimeDocument => ({
    version: VERSION,
    total_build_times: 0,
    circuit_build_abandoned: 0,
    circuit_build_time_bins: {},
  }),
} as const;

/** The history as a document. */
export function encodeBuildTimes(history: BuildTimeHistory): BuildTimeDocument {
  return {
    version: VERSION,
    total_build_times: history.total,
    circuit_build_abandoned: history.abandoned,
    circuit_build_time_bins: Object.fromEntries(histogramOf(history.completed())),
  };
}

/**
 * The times of a checked document, each as the middle of its bin. They are in random order: which
 * of them are the first to be replaced by new ones must not depend on how long they are.
 */
export function decodeBuildTimes(document: BuildTimeDocument, random: RandomSource): BuildTime[] {
  const times = new Array<BuildTime>(document.circuit_build_abandoned).fill(ABANDONED);
  for (const [middle, count] of Object.entries(document.circuit_build_time_bins)) {
    for (let n = 0; n < count; n++) times.push(Number(middle));
  }
  for (let last = times.length - 1; last > 0; last--) {
    const chosen = randomBelow(random, last + 1);
    [times[last], times[chosen]] = [times[chosen], times[last]];
  }
  return times;
}
