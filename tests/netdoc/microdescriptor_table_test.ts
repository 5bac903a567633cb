import assert from "node:assert/strict";
import { ed25519IdentityFromBytes } from "../../src/crypto/identity.ts";
import { parsePortPolicy, REJECT_ALL_PORTS } from "../../src/netdoc/exit_policy.ts";
import type { Microdescriptor } from "../../src/netdoc/microdescriptor.ts";
import {
  microdescriptorDigestBytes,
  microdescriptorDigestFromBytes,
} from "../../src/netdoc/microdescriptor_digest.ts";
import { MicrodescriptorTable } from "../../src/netdoc/microdescriptor_table.ts";

const COUNT = 200;

function digestOf(index: number) {
  return microdescriptorDigestFromBytes(new Uint8Array(32).fill(index));
}

function microdescriptorOf(index: number): Microdescriptor {
  return {
    onionKey: new Uint8Array(32).fill(index + 1),
    ed25519Identity: index % 3 === 0
      ? undefined
      : ed25519IdentityFromBytes(new Uint8Array(32).fill(index + 2)),
    ipv6: index % 2 === 0 ? { hostname: "2001:db8::1", port: index } : undefined,
    family: [`relay${index}`],
    familyIds: [`id${index}`],
    exitPolicy: parsePortPolicy(`accept ${index + 1}`) ?? REJECT_ALL_PORTS,
    exitPolicy6: REJECT_ALL_PORTS,
  };
}

/** The bytes of {@link digestOf}. */
function bytesOf(index: number): Uint8Array {
  return microdescriptorDigestBytes(digestOf(index));
}

/** What the getters say, as an object that can be compared. */
function plain(microdescriptor: Microdescriptor | undefined): Microdescriptor {
  assert.ok(microdescriptor);
  const { onionKey, ed25519Identity, ipv6, family, familyIds } = microdescriptor;
  const { exitPolicy, exitPolicy6 } = microdescriptor;
  return { onionKey, ed25519Identity, ipv6, family, familyIds, exitPolicy, exitPolicy6 };
}

Deno.test("microdescriptors are read back as they were added", () => {
  const table = new MicrodescriptorTable();
  for (let index = 0; index < COUNT; index++) table.add(bytesOf(index), microdescriptorOf(index));
  assert.equal(table.size, COUNT);
  for (let index = 0; index < COUNT; index++) {
    assert.ok(table.has(bytesOf(index)));
    assert.deepEqual(plain(table.get(digestOf(index))), microdescriptorOf(index));
    assert.deepEqual(plain(table.at(index)), microdescriptorOf(index));
    assert.deepEqual(table.digest(index), bytesOf(index));
  }
  assert.equal(table.has(bytesOf(COUNT)), false);
  assert.equal(table.get(digestOf(COUNT)), undefined);
});

Deno.test("what was given does not change when more is added", () => {
  const table = new MicrodescriptorTable();
  table.add(bytesOf(1), microdescriptorOf(1));
  const held = table.get(digestOf(1));
  const key = held?.onionKey;
  for (let index = 0; index < COUNT; index++) table.add(bytesOf(index), microdescriptorOf(index));
  assert.deepEqual(plain(held), microdescriptorOf(1));
  assert.deepEqual(key, microdescriptorOf(1).onionKey);
});

Deno.test("of one digest the first microdescriptor stays", () => {
  const table = new MicrodescriptorTable();
  table.add(bytesOf(1), microdescriptorOf(1));
  table.add(bytesOf(1), microdescriptorOf(2));
  assert.equal(table.size, 1);
  assert.deepEqual(plain(table.get(digestOf(1))), microdescriptorOf(1));
});
