/**
 * Relay crypto for each cell, by number of hops, by the kernel and by portable code:
 * `deno bench bench/crypto_bench.ts`.
 */
import type { CircuitLayers } from "../src/crypto/circuit_layers.ts";
import { KernelLayers } from "../src/crypto/kernel_layers.ts";
import { PortableLayers } from "../src/crypto/portable_layers.ts";
import { RelayCrypto } from "../src/crypto/relay_crypto.ts";
import { relayKernel } from "../src/crypto/relay_kernel.ts";
import { RelayCryptoLayer } from "../testnet/relay_layer.ts";

/** Cells opened or sealed in each measured call: 1 MB of data. */
const CELLS = 2008;
const CELL_LENGTH = 514;
const MOST_HOPS = 4;

const kernel = relayKernel();
const BACKENDS: Readonly<Record<string, (() => CircuitLayers) | undefined>> = {
  kernel: kernel && (() => new KernelLayers(kernel)),
  portable: () => new PortableLayers(),
};

function keysOf(hop: number) {
  return {
    forwardDigest: new Uint8Array(20).fill(hop),
    backwardDigest: new Uint8Array(20).fill(hop + 10),
    forwardKey: new Uint8Array(16).fill(hop + 20),
    backwardKey: new Uint8Array(16).fill(hop + 30),
  };
}

function benchHops(backend: string, layers: CircuitLayers, hops: number): void {
  const client = new RelayCrypto(layers);
  const relays: RelayCryptoLayer[] = [];
  for (let hop = 0; hop < hops; hop++) {
    client.addHop(keysOf(hop));
    relays.push(new RelayCryptoLayer(keysOf(hop)));
  }
  const buffer = new Uint8Array(64 * CELL_LENGTH);

  Deno.bench(`seal 2,008 cells for hop ${hops} of ${hops}, ${backend}`, {
    group: `seal, ${hops} hops`,
  }, () => {
    for (let cell = 0; cell < CELLS; cell++) {
      client.seal(buffer, (cell % 64) * CELL_LENGTH + 5, hops - 1);
    }
  });

  Deno.bench(`open 2,008 cells from hop ${hops} of ${hops}, ${backend}`, {
    group: `open, ${hops} hops`,
  }, (bench) => {
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

for (let hops = 1; hops <= MOST_HOPS; hops++) {
  for (const [backend, layers] of Object.entries(BACKENDS)) {
    if (layers !== undefined) benchHops(backend, layers(), hops);
  }
}
