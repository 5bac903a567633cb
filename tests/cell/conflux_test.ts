import assert from "node:assert/strict";
import { RelayCommand } from "../../src/cell/command.ts";
import {
  type ConfluxLink,
  ConfluxUx,
  decodeConfluxLink,
  decodeConfluxSwitch,
  encodeConfluxLink,
  encodeConfluxSwitch,
  isMultiplexed,
} from "../../src/cell/conflux.ts";

const LINK: ConfluxLink = {
  nonce: new Uint8Array(32).fill(0xab),
  lastSent: 0x0102030405060708n,
  lastReceived: 2n ** 64n - 1n,
  desiredUx: ConfluxUx.HIGH_THROUGHPUT,
};
const BYTES = Uint8Array.fromHex(
  "01" + "ab".repeat(32) + "0102030405060708" + "ff".repeat(8) + "03",
);

Deno.test("Conflux: LINK, as C tor writes it", () => {
  assert.deepEqual(encodeConfluxLink(LINK), BYTES);
  assert.deepEqual(decodeConfluxLink(BYTES), LINK);
  // What later versions may add is passed over.
  assert.deepEqual(decodeConfluxLink(Uint8Array.of(...BYTES, 1, 2)), LINK);
});

Deno.test("Conflux: LINK that is cut off, of another version or with an unknown wish", () => {
  for (let length = 0; length < BYTES.length; length++) {
    assert.throws(() => decodeConfluxLink(BYTES.subarray(0, length)), { code: "cell-truncated" });
  }
  for (const [at, value] of [[0, 0], [0, 2], [49, 5], [49, 255]]) {
    assert.throws(() => decodeConfluxLink(BYTES.with(at, value)), { code: "cell-malformed" });
  }
});

Deno.test("Conflux: SWITCH has 32 bits", () => {
  assert.deepEqual(encodeConfluxSwitch(0x01020304), Uint8Array.of(1, 2, 3, 4));
  for (const relative of [0, 1, 31, 2 ** 31, 2 ** 32 - 1]) {
    assert.equal(decodeConfluxSwitch(encodeConfluxSwitch(relative)), relative);
  }
  assert.throws(() => decodeConfluxSwitch(new Uint8Array(3)), { code: "cell-truncated" });
});

Deno.test("Conflux: messages of streams are put in order, but no others", () => {
  const names = Object.entries(RelayCommand).filter(([, command]) => isMultiplexed(command))
    .map(([name]) => name);
  assert.deepEqual(names.toSorted(), [
    "BEGIN",
    "CONNECTED",
    "DATA",
    "END",
    "RESOLVE",
    "RESOLVED",
    "XOFF",
    "XON",
  ]);
});
