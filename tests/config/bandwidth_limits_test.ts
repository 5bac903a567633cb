import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/errors.ts";
import { fromTorrc } from "./source.ts";

const bandwidth = (torrc: string) => fromTorrc(torrc).config.bandwidth;

Deno.test("without BandwidthRate, or with C tor's default, there is no limit", () => {
  assert.equal(bandwidth(""), undefined);
  assert.equal(bandwidth("BandwidthRate 1 GB"), undefined);
  assert.equal(bandwidth("BandwidthRate 2 GB\nBandwidthBurst 2 GB"), undefined);
  assert.equal(bandwidth("BandwidthBurst 2 GB"), undefined);
});

Deno.test("BandwidthRate and BandwidthBurst are read in all units", () => {
  assert.deepEqual(bandwidth("BandwidthRate 100 KBytes"), { rate: 102_400, burst: 2 ** 30 });
  assert.deepEqual(bandwidth("BandwidthRateBytes 1.5 MBits\nBandwidthBurst 1m"), {
    rate: 196_608,
    burst: 1_048_576,
  });
});

const REFUSED: readonly (readonly [torrc: string, line: number, says: RegExp])[] = [
  ["BandwidthRate fast", 1, /not understood/],
  ["BandwidthRate 1 furlong", 1, /not understood/],
  ["BandwidthRate 10", 1, /at least 1 KB/],
  ["BandwidthRate 3 GB\nBandwidthBurst 3 GB", 1, /at most 2 GB/],
  ["BandwidthRate 2 MB\nBandwidthBurst 1 MB", 2, /not be less/],
  ["BandwidthBurst 1 MB", 1, /not be less/],
  ["BandwidthBurst -1", 1, /not understood/],
  ["BandwidthRate 2 GB", 1, /not be less/],
];

for (const [torrc, line, says] of REFUSED) {
  Deno.test(`refused: ${JSON.stringify(torrc)}`, () => {
    assert.throws(() => fromTorrc(torrc), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, says);
      assert.ok(error.message.startsWith(`test.torrc, line ${line}: `), error.message);
      return true;
    });
  });
}
