import assert from "node:assert/strict";
import { createCipheriv, createHash } from "node:crypto";
import fc from "fast-check";
import type { CircuitLayers } from "../../src/crypto/circuit_layers.ts";
import { KernelLayers } from "../../src/crypto/kernel_layers.ts";
import { PortableLayers } from "../../src/crypto/portable_layers.ts";
import { type HopKeys, RelayCrypto } from "../../src/crypto/relay_crypto.ts";
import { RelayKernel } from "../../src/crypto/relay_kernel.ts";
import { RelayCryptoLayer } from "../../testnet/relay_layer.ts";

const LENGTH = 509;

/** XORs the AES-128-CTR stream of `key` from byte `position` on, made anew from its beginning. */
function applyCtr(key: Uint8Array, position: number, payload: Uint8Array): void {
  const cipher = createCipheriv("aes-128-ctr", key, new Uint8Array(16));
  cipher.update(new Uint8Array(position));
  payload.set(cipher.update(payload));
  cipher.final();
}

/** One direction of one hop, slow and plain: everything that was ever hashed is hashed again. */
class SlowDirection {
  #position = 0;
  #payloads: Uint8Array[] = [];
  digest: Uint8Array = new Uint8Array(20);

  constructor(readonly seed: Uint8Array, readonly key: Uint8Array) {}

  crypt(payload: Uint8Array): void {
    applyCtr(this.key, this.#position, payload);
    this.#position += LENGTH;
  }

  stamp(payload: Uint8Array): void {
    payload.fill(0, 1, 3).fill(0, 5, 9);
    this.#payloads.push(payload.slice());
    this.digest = this.#hash(this.#payloads);
    payload.set(this.digest.subarray(0, 4), 5);
  }

  recognizes(payload: Uint8Array): boolean {
    if (payload[1] !== 0 || payload[2] !== 0) return false;
    const zeroed = payload.slice().fill(0, 5, 9);
    const digest = this.#hash([...this.#payloads, zeroed]);
    if (digest.subarray(0, 4).toHex() !== payload.subarray(5, 9).toHex()) return false;
    this.#payloads.push(zeroed);
    this.digest = digest;
    return true;
  }

  #hash(payloads: readonly Uint8Array[]): Uint8Array {
    const hash = createHash("sha1").update(this.seed);
    for (const payload of payloads) hash.update(payload);
    return new Uint8Array(hash.digest());
  }
}

function keysOf(hop: number): HopKeys {
  return {
    forwardDigest: new Uint8Array(20).fill(hop + 1),
    backwardDigest: new Uint8Array(20).fill(hop + 51),
    forwardKey: new Uint8Array(16).fill(hop + 101),
    backwardKey: new Uint8Array(16).fill(hop + 151),
  };
}

const forwardOf = (keys: HopKeys) => new SlowDirection(keys.forwardDigest, keys.forwardKey);
const backwardOf = (keys: HopKeys) => new SlowDirection(keys.backwardDigest, keys.backwardKey);

/** One kernel for all tests, so that what one circuit leaves behind would trouble the next. */
const kernel = new RelayKernel();

const BACKENDS: Readonly<Record<string, () => CircuitLayers>> = {
  kernel: () => new KernelLayers(kernel),
  portable: () => new PortableLayers(),
};

/** Declares a test for each way of doing the work. */
function testEach(
  name: string,
  test: (circuitOf: (keys: readonly HopKeys[]) => RelayCrypto) => void,
): void {
  for (const [backend, layers] of Object.entries(BACKENDS)) {
    Deno.test(`${backend}: ${name}`, () => {
      using circuits = new DisposableStack();
      test((keys) => circuits.use(circuitOf(keys, layers())));
    });
  }
}

function circuitOf(keys: readonly HopKeys[], layers?: CircuitLayers): RelayCrypto {
  const circuit = new RelayCrypto(layers);
  for (const hop of keys) circuit.addHop(hop);
  return circuit;
}

/** A payload in the middle of a buffer that is itself in the middle of another. */
function placed(payload: Uint8Array, before: number): { buffer: Uint8Array; offset: number } {
  const whole = new Uint8Array(before + 7 + LENGTH + 9).fill(0xee);
  const buffer = whole.subarray(before);
  buffer.set(payload, 7);
  return { buffer, offset: 7 };
}

function assertSurroundingsUntouched(buffer: Uint8Array): void {
  const whole = new Uint8Array(buffer.buffer);
  const at = buffer.byteOffset + 7;
  assert(whole.subarray(0, at).every((byte) => byte === 0xee));
  assert(whole.subarray(at + LENGTH).every((byte) => byte === 0xee));
}

const payloads = fc.uint8Array({ minLength: LENGTH, maxLength: LENGTH });

type Step =
  | { kind: "seal" | "open"; hop: number; payload: Uint8Array; before: number }
  | { kind: "garbage"; payload: Uint8Array; before: number }
  | { kind: "extend" }
  | { kind: "trim" };

function steps(): fc.Arbitrary<Step[]> {
  const before = fc.integer({ min: 0, max: 9 });
  const hop = fc.integer({ min: 0, max: 3 });
  return fc.array(
    fc.oneof(
      {
        weight: 9,
        arbitrary: fc.record({
          kind: fc.constantFrom("seal" as const, "open" as const),
          hop,
          payload: payloads,
          before,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant("garbage" as const), payload: payloads, before }),
      },
      { weight: 1, arbitrary: fc.constant({ kind: "extend" as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: "trim" as const }) },
    ),
    { minLength: 1, maxLength: 40, size: "max" },
  );
}

testEach(
  "relay crypto does as a slow model does, whatever the order of cells and hops",
  (circuitOf) => {
    fc.assert(
      fc.property(steps(), (script) => {
        using circuit = circuitOf([keysOf(0)]);
        const forward = [forwardOf(keysOf(0))];
        const backward = [backwardOf(keysOf(0))];
        // Both of a hop's ends: what the relay does to a cell, and what the client must find.
        const clientBackward = [backwardOf(keysOf(0))];
        for (const step of script) {
          const hops = forward.length;
          if (step.kind === "trim") {
            circuit.trim();
            continue;
          }
          if (step.kind === "extend") {
            if (hops === 4) continue;
            circuit.addHop(keysOf(hops));
            forward.push(forwardOf(keysOf(hops)));
            backward.push(backwardOf(keysOf(hops)));
            clientBackward.push(backwardOf(keysOf(hops)));
            continue;
          }
          if (step.kind === "seal") {
            const hop = step.hop % hops;
            const expected = step.payload.slice();
            forward[hop].stamp(expected);
            for (let layer = hop; layer >= 0; layer--) forward[layer].crypt(expected);
            const { buffer, offset } = placed(step.payload, step.before);
            circuit.seal(buffer, offset, hop);
            assert.deepEqual(buffer.slice(offset, offset + LENGTH), expected);
            assertSurroundingsUntouched(buffer);
            assert.deepEqual(circuit.sentDigest(hop), forward[hop].digest);
            continue;
          }
          const cell = step.payload.slice();
          if (step.kind === "open") {
            const hop = step.hop % hops;
            backward[hop].stamp(cell);
            for (let layer = hop; layer >= 0; layer--) backward[layer].crypt(cell);
          } else {
            // Nobody's cell takes key stream of every layer, at both ends.
            for (const layer of backward) layer.crypt(new Uint8Array(LENGTH));
          }
          const { buffer, offset } = placed(cell, step.before);
          let expectedHop = -1;
          for (let layer = 0; layer < hops && expectedHop === -1; layer++) {
            clientBackward[layer].crypt(cell);
            if (clientBackward[layer].recognizes(cell)) {
              expectedHop = layer;
              cell.fill(0, 5, 9);
            }
          }
          assert.equal(expectedHop, step.kind === "open" ? step.hop % hops : -1);
          assert.equal(circuit.open(buffer, offset), expectedHop);
          assert.deepEqual(buffer.slice(offset, offset + LENGTH), cell);
          assertSurroundingsUntouched(buffer);
          for (let layer = 0; layer < hops; layer++) {
            assert.deepEqual(circuit.receivedDigest(layer), clientBackward[layer].digest);
          }
        }
      }),
      { seed: 1, numRuns: 60 },
    );
  },
);

testEach("a cell that looks recognized at a hop too early goes on to its own hop", (circuitOf) => {
  // The second and third byte of this key's stream are zero, so that the first cell of hop 2
  // has a recognized field of zero already when hop 1's layer is removed.
  const transparent = Uint8Array.fromHex("0000000000000000000000000000321e");
  const stream = new Uint8Array(LENGTH);
  applyCtr(transparent, 0, stream);
  assert.deepEqual([stream[1], stream[2]], [0, 0]);

  const keys = [keysOf(0), keysOf(1), { ...keysOf(2), backwardKey: transparent }];
  using circuit = circuitOf(keys);
  const relays = keys.map(backwardOf);
  const receive = (hop: number, fill: number): number => {
    const cell = new Uint8Array(LENGTH).fill(fill);
    relays[hop].stamp(cell);
    for (let layer = hop; layer >= 0; layer--) relays[layer].crypt(cell);
    const opened = circuit.open(cell, 0);
    assert(cell.subarray(9).every((byte) => byte === fill));
    return opened;
  };
  assert.equal(receive(1, 9), 1);
  const before = circuit.receivedDigest(1);
  assert.equal(receive(2, 10), 2);
  assert.deepEqual(circuit.receivedDigest(1), before);
  assert.deepEqual(circuit.receivedDigest(2), relays[2].digest);
  // Hop 1's running digest was not disturbed by the cell that it did not recognize.
  assert.equal(receive(1, 11), 1);
  assert.equal(receive(0, 12), 0);
  assert.equal(receive(2, 13), 2);
});

testEach("a cell with recognized zero but a wrong digest is nobody's", (circuitOf) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 }),
      fc.integer({ min: 5 * 8, max: LENGTH * 8 - 1 }),
      (hop, bit) => {
        const keys = [keysOf(0), keysOf(1), keysOf(2)];
        using circuit = circuitOf(keys);
        const relays = keys.map(backwardOf);
        const cell = new Uint8Array(LENGTH).fill(3);
        relays[hop].stamp(cell);
        for (let layer = hop; layer >= 0; layer--) relays[layer].crypt(cell);
        cell[bit >> 3] ^= 0x80 >> (bit & 7);
        assert.equal(circuit.open(cell, 0), -1);
        assert.deepEqual(circuit.receivedDigest(hop), new Uint8Array(20));
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

testEach("key streams run on over many pieces in both directions", (circuitOf) => {
  const keys = [keysOf(0), keysOf(1), keysOf(2)];
  using circuit = circuitOf(keys);
  const relays = keys.map((hop) => new RelayCryptoLayer(hop));
  const cell = new Uint8Array(LENGTH);
  for (let count = 0; count < 300; count++) {
    cell.fill(count & 0xff);
    circuit.seal(cell, 0, 2);
    if (count === 299) {
      // The last cell against AES-CTR itself, so that both ends cannot be wrong alike.
      const plain = cell.slice();
      for (const hop of keys) applyCtr(hop.forwardKey, 299 * LENGTH, plain);
      assert(plain.subarray(9).every((byte) => byte === (count & 0xff)));
    }
    assert.equal(relays[0].openForward(cell, 0), false);
    assert.equal(relays[1].openForward(cell, 0), false);
    assert.equal(relays[2].openForward(cell, 0), true);
    assert.deepEqual(relays[2].receivedDigest, circuit.sentDigest(2));

    cell.fill(~count & 0xff);
    relays[2].sealBackward(cell, 0);
    relays[1].passBackward(cell, 0);
    relays[0].passBackward(cell, 0);
    assert.equal(circuit.open(cell, 0), 2);
    assert(cell.subarray(9).every((byte) => byte === (~count & 0xff)));
    assert.deepEqual(relays[2].sentDigest, circuit.receivedDigest(2));
  }
});

testEach("the digests given out are copies, and zero before the first cell", (circuitOf) => {
  using circuit = circuitOf([keysOf(0)]);
  assert.deepEqual(circuit.sentDigest(0), new Uint8Array(20));
  assert.deepEqual(circuit.receivedDigest(0), new Uint8Array(20));
  circuit.seal(new Uint8Array(LENGTH), 0, 0);
  const digest = circuit.sentDigest(0);
  const again = circuit.sentDigest(0);
  digest.fill(1);
  assert.deepEqual(circuit.sentDigest(0), again);
});

testEach("the caller's keys may be wiped once they are given", (circuitOf) => {
  const keys = keysOf(0);
  using circuit = circuitOf([keys]);
  for (const key of [keys.forwardDigest, keys.backwardDigest, keys.forwardKey, keys.backwardKey]) {
    key.fill(0);
  }
  const cell = new Uint8Array(LENGTH);
  circuit.seal(cell, 0, 0);
  assert.equal(new RelayCryptoLayer(keysOf(0)).openForward(cell, 0), true);
});

testEach("relay crypto refuses unknown hops, short buffers and bad keys", (circuitOf) => {
  using circuit = circuitOf([keysOf(0)]);
  const buffer = new Uint8Array(LENGTH + 1);
  for (const hop of [-1, 1, 0.5, NaN]) {
    assert.throws(() => circuit.seal(buffer, 0, hop), RangeError);
    assert.throws(() => circuit.sentDigest(hop), RangeError);
    assert.throws(() => circuit.receivedDigest(hop), RangeError);
  }
  for (const offset of [-1, 2, NaN]) {
    assert.throws(() => circuit.seal(buffer, offset, 0), RangeError);
    assert.throws(() => circuit.open(buffer, offset), RangeError);
  }
  assert.throws(() => circuit.addHop({ ...keysOf(1), forwardKey: buffer }), RangeError);
  assert.throws(() => circuit.addHop({ ...keysOf(1), backwardDigest: buffer }), RangeError);
  assert.equal(circuit.hops, 1);
  using empty = circuitOf([]);
  assert.equal(empty.open(buffer, 0), -1);
});

testEach("after its disposal relay crypto refuses every use", (circuitOf) => {
  const circuit = circuitOf([keysOf(0)]);
  const buffer = new Uint8Array(LENGTH);
  circuit.seal(buffer, 0, 0);
  circuit[Symbol.dispose]();
  circuit[Symbol.dispose]();
  for (
    const use of [
      () => circuit.seal(buffer, 0, 0),
      () => circuit.open(buffer, 0),
      () => circuit.addHop(keysOf(1)),
      () => circuit.sentDigest(0),
      () => circuit.receivedDigest(0),
    ]
  ) {
    assert.throws(use, { name: "CryptoError", code: "relay-crypto-disposed" });
  }
});

Deno.test("kernel and portable code do the same, byte for byte", () => {
  const payload = fc.oneof(
    payloads,
    // Recognized is zero in the clear, which a transparent layer may show too early.
    payloads.map((bytes) => bytes.fill(0, 1, 9)),
  );
  const script = fc.array(
    fc.record({ seal: fc.boolean(), hop: fc.nat(6), payload, trim: fc.nat(20) }),
    { minLength: 1, maxLength: 60, size: "max" },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), script, (hops, script) => {
      const keys = Array.from({ length: hops }, (_, hop) => keysOf(hop));
      using first = circuitOf(keys, new KernelLayers(kernel));
      using second = circuitOf(keys, new PortableLayers());
      for (const { seal, hop, payload, trim } of script) {
        const [a, b] = [payload.slice(), payload.slice()];
        if (seal) {
          first.seal(a, 0, hop % hops);
          second.seal(b, 0, hop % hops);
          assert.deepEqual(first.sentDigest(hop % hops), second.sentDigest(hop % hops));
        } else {
          assert.equal(first.open(a, 0), second.open(b, 0));
        }
        assert.deepEqual(a, b);
        if (trim === 0) first.trim();
        if (trim === 1) second.trim();
      }
    }),
    { seed: 1, numRuns: 60 },
  );
});

Deno.test("a circuit takes the kernel's memory and gives all of it back", () => {
  const before = kernel.memory.used;
  const circuit = circuitOf([keysOf(0), keysOf(1), keysOf(2)], new KernelLayers(kernel));
  assert.equal(kernel.memory.used, before + 3 * 256);
  const cell = new Uint8Array(LENGTH);
  circuit.seal(cell, 0, 2);
  assert.equal(kernel.memory.used, before + 3 * (256 + 1024));
  for (let count = 0; count < 300; count++) circuit.seal(cell, 0, 2);
  assert.equal(kernel.memory.used, before + 3 * (256 + 32768));
  assert.equal(kernel.longPieces.size, 3);
  circuit.trim();
  assert.equal(kernel.memory.used, before + 3 * 256);
  assert.equal(kernel.longPieces.size, 0);
  circuit.seal(cell, 0, 2);
  circuit[Symbol.dispose]();
  circuit.trim();
  assert.equal(kernel.memory.used, before);
});

Deno.test("a kernel without room is not chosen, and says so when it is used", () => {
  const full = new RelayKernel();
  assert.equal(full.hasRoom, true);
  const circuits: RelayCrypto[] = [];
  const more = (hop: number) => {
    const circuit = circuitOf([keysOf(hop)], new KernelLayers(full));
    circuits.push(circuit);
    for (let count = 0; count < 20; count++) circuit.seal(new Uint8Array(LENGTH), 0, 0);
  };
  assert.throws(
    () => {
      for (let count = 0; count < 20_000; count++) more(count % 7);
    },
    { name: "CryptoError", code: "relay-crypto-memory-full" },
  );
  assert.equal(full.hasRoom, false);
  // What one circuit gives back is enough for another.
  for (const circuit of circuits.splice(0, 2)) circuit[Symbol.dispose]();
  more(1);
  for (const circuit of circuits) circuit[Symbol.dispose]();
  assert.equal(full.memory.used, 0);
});
