import assert from "node:assert/strict";
import fc from "fast-check";
import * as v from "valibot";
import {
  BUILD_TIME_DOCUMENT,
  buildTimeDocumentSchema,
  decodeBuildTimes,
  encodeBuildTimes,
} from "../../src/circuit/build_time_document.ts";
import { ABANDONED, BuildTimeHistory } from "../../src/circuit/build_time_history.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";

const accepts = (document: unknown) => v.safeParse(buildTimeDocumentSchema, document).success;
const VALID = {
  version: 1,
  total_build_times: 6,
  circuit_build_abandoned: 1,
  circuit_build_time_bins: { "125": 3, "2005": 2 },
};

Deno.test("build times on disk: a histogram without order", () => {
  const history = new BuildTimeHistory();
  for (const time of [2003, 121, ABANDONED, 129, 2000, 120] as const) history.add(time);
  assert.equal(
    JSON.stringify(encodeBuildTimes(history)),
    '{"version":1,"total_build_times":6,"circuit_build_abandoned":1,' +
      '"circuit_build_time_bins":{"125":3,"2005":2}}',
  );
  assert.ok(accepts(VALID));
  assert.ok(accepts(BUILD_TIME_DOCUMENT.initial()));
});

Deno.test("build times on disk: what is read has as many times in each bin, in an order by chance", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.integer({ min: 1, max: 2 ** 31 - 2 }), fc.constant(ABANDONED)),
        { maxLength: 1200, size: "max" },
      ),
      (times) => {
        const history = new BuildTimeHistory();
        for (const time of times) history.add(time);
        const document = v.parse(
          buildTimeDocumentSchema,
          JSON.parse(JSON.stringify(encodeBuildTimes(history))),
        );
        const again = new BuildTimeHistory();
        for (const time of decodeBuildTimes(document, new SeededRandom(1))) again.add(time);
        assert.deepEqual(encodeBuildTimes(again), document);
      },
    ),
    { seed: 1, numRuns: 50 },
  );
  const document = v.parse(buildTimeDocumentSchema, {
    ...VALID,
    total_build_times: 1000,
    circuit_build_abandoned: 500,
    circuit_build_time_bins: { "125": 500 },
  });
  const order = (seed: number) => decodeBuildTimes(document, new SeededRandom(seed));
  assert.notDeepEqual(order(1), order(2));
  // Of 1,000 in random order the first half has 250 of each kind, with a deviation of 8.
  const first = order(1).slice(0, 500).filter((time) => time === ABANDONED).length;
  assert.ok(Math.abs(first - 250) < 50, `${first}`);
});

Deno.test("build times on disk: documents that make no sense are refused", () => {
  const wrong: Record<string, unknown>[] = [
    { version: 2 },
    { total_build_times: 7 },
    { total_build_times: -1 },
    { circuit_build_abandoned: 2 },
    { circuit_build_abandoned: 0.5 },
    { circuit_build_time_bins: [3, 2] },
    { circuit_build_time_bins: { "125": 5, "2005": 0 } },
    { circuit_build_time_bins: { "0": 5 } },
    { circuit_build_time_bins: { "-5": 5 } },
    { circuit_build_time_bins: { "2147483647": 5 } },
    { circuit_build_time_bins: { "99999999999": 5 } },
    { circuit_build_time_bins: { "125": "5" } },
    { total_build_times: 1001, circuit_build_time_bins: { "125": 1000 } },
  ];
  for (const change of wrong) {
    assert.ok(!accepts({ ...VALID, ...change }), JSON.stringify(change));
  }
});
