import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { object, RsaSigner } from "../../testnet/document_writer.ts";
import { makeRelayKeys } from "../../testnet/relay_keys.ts";
import { fixedRsaKey } from "../../testnet/rsa_keys.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import { readServerDescriptor } from "../../testnet/server_descriptor.ts";

const signer = new RsaSigner(fixedRsaKey(0));
const keys = makeRelayKeys(fixedRsaKey(0), new SeededRandom(1));

/** The lines of a descriptor up to its signature. */
const LINES = [
  "router relay 127.40.0.1 9001 0 0",
  `master-key-ed25519 ${keys.ed25519Id}`,
  "proto FlowCtrl=1-2 Relay=2-6",
  "bandwidth 1000 1000 1000",
  `signing-key\n${object("RSA PUBLIC KEY", signer.der).trimEnd()}`,
  `ntor-onion-key ${keys.onionKey.toBase64({ omitPadding: true })}`,
  "reject *:*",
  "router-signature",
];

function signed(lines: readonly string[], by = signer): string {
  const text = lines.join("\n") + "\n";
  return text + object("SIGNATURE", by.sign(createHash("sha1").update(text).digest()));
}

Deno.test("a descriptor that its relay has signed says who and where the relay is", () => {
  assert.deepEqual(readServerDescriptor(signed(LINES)), {
    nickname: "relay",
    hostname: "127.40.0.1",
    orPort: 9001,
    rsaId: keys.rsaId,
    ed25519Id: keys.ed25519IdBytes,
    onionKey: keys.onionKey,
    protocols: "FlowCtrl=1-2 Relay=2-6",
  });
});

Deno.test("a descriptor may not say what its relay speaks", () => {
  const lines = LINES.filter((line) => !line.startsWith("proto "));
  assert.equal(readServerDescriptor(signed(lines))?.protocols, undefined);
  assert.equal(readServerDescriptor(signed(lines))?.nickname, "relay");
});

Deno.test("a descriptor is refused that lacks something or is signed by another", () => {
  for (const keyword of ["router ", "master-key", "signing-key", "ntor-", "router-signature"]) {
    const lines = LINES.filter((line) => !line.startsWith(keyword));
    assert.ok(lines.length < LINES.length);
    assert.equal(readServerDescriptor(signed(lines)), undefined, `without ${keyword}`);
  }
  assert.equal(readServerDescriptor(signed(LINES, new RsaSigner(fixedRsaKey(1)))), undefined);
  const changed = signed(LINES).replace("127.40.0.1", "127.40.0.2");
  assert.equal(readServerDescriptor(changed), undefined);
  assert.equal(readServerDescriptor(""), undefined);
});
