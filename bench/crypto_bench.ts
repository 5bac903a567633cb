/** Relay crypto for each cell, by number of hops: `deno bench bench/crypto_bench.ts`. */
import { RelayCrypto } from "../src/crypto/relay_crypto.ts";
import { RelayCryptoLayer } from "../testnet/relay_layer.ts";

/** Cells opened or sealed in each measured call. */
const CELLS = 2008;
const CELL_LENGTH = 514;

function keysOf(hop: number) {
  return {
    forwardDigest: new Uint8Array(20).fill(hop),
    backwardDigest: new Uint8Array(20).fill(hop + 10),
    forwardKey: new Uint8Array(16).fill(hop + 20),
    backwardKey: new Uint8Array(16).fill(hop + 30),
  };
}

for (let hops = 1; hops <= 4; hops++) {
  const client = new RelayCrypto();
  const relays: RelayCryptoLayer[] = [];
  for (let hop = 0; hop < hops; hop++) {
    client.addHop(keysOf(hop));
    relays.push(new RelayCryptoLayer(keysOf(hop)));
  }
  const buffer = new Uint8Array(64 * CELL_LENGTH);

  Deno.bench(`seal 2,008 cells (1 MB) for hop ${hops} of ${hops}`, { group: "seal" }, () => {
    for (let cell = 0; cell < CELLS; cell++) {
      client.seal(buffer, (cell % 64) * CELL_LENGTH + 5, hops - 1);
    }
  });

  Deno.bench(`open 2,008 cells (1 MB) from hop ${hops} of ${hops}`, { group: "open" }, (bench) => {
    const cells = new Uint8Array(CELLS * CELL_LENGTH);
    for (let cell = 0; cell < CELLS; cell++) {
      const at = cell * CELL_LENGTH + 5;
      relays[hops - 1].sealBackward(cells, at);
      for (let hop = hops - 2; hop >= 0; hop--) relays[hop].passBackward(cells, at);
    }
    bench.start();
    for (let cell = 0; cell < CELLS; cell++) {
      if (client.open(cells, cell * CELL_LENGTH + 5) !== hops - 1) throw new Error("not opened");
    }
    bench.end();
  });
}
