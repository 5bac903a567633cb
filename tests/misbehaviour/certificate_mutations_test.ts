import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:net";
import { verifyRelayCertificate } from "../../src/channel/relay_certificate.ts";
import { ChannelError } from "../../src/channel/errors.ts";
import { startRelayTls } from "../../src/channel/tls.ts";
import { randomBelow } from "../../src/runtime/random.ts";
import { linkCertificate } from "../../testnet/link_certificate.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import {
  impersonate,
  type ImpostorOutcome,
  type ImpostorParts,
} from "../../testnet/tls_impostor.ts";

const NOW = Date.now();
const DAY = 86_400_000;
const MUTATIONS = 1000;

/** Bytes that mean something in DER. */
const TELLING = [0, 1, 2, 3, 4, 5, 6, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0xff];

function mutated(certificate: Uint8Array, random: SeededRandom): Uint8Array {
  const at = randomBelow(random, certificate.length);
  const byte = randomBelow(random, 256);
  switch (randomBelow(random, 4)) {
    case 0:
      return certificate.with(at, byte);
    case 1:
      return certificate.with(at, TELLING[byte % TELLING.length]);
    case 2:
      return Uint8Array.from([...certificate.subarray(0, at), byte, ...certificate.subarray(at)]);
    default:
      return Uint8Array.from([...certificate.subarray(0, at), ...certificate.subarray(at + 1)]);
  }
}

Deno.test("no certificate, however badly encoded, is taken from a peer that lacks its key", async () => {
  const random = new SeededRandom(1);
  const [owner, impostor] = [1, 2].map(() =>
    generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
  );
  const honest = linkCertificate(owner, NOW - DAY, NOW + DAY);
  let parts: ImpostorParts = { version: "TLS 1.3", certificate: honest, signer: impostor };
  let outcome = Promise.withResolvers<ImpostorOutcome>();
  const server = createServer((socket) => outcome.resolve(impersonate(socket, parts)));
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");

  let taken = 0;
  for (let round = 0; round < MUTATIONS; round++) {
    const version = round % 2 === 0 ? "TLS 1.3" : "TLS 1.2";
    parts = { version, certificate: mutated(honest, random), signer: impostor };
    outcome = Promise.withResolvers();
    try {
      const tls = await startRelayTls(await Deno.connect({ port: address.port }));
      taken++;
      using _conn = tls.conn;
      assert.throws(
        () => verifyRelayCertificate(parts.certificate, NOW),
        ChannelError,
        `${version}: ${parts.certificate.toHex()}`,
      );
    } catch (error) {
      // Refused by the TLS handshake, or unreadable afterwards: as good.
      if (!(error instanceof ChannelError)) throw error;
    }
    await outcome.promise;
  }
  // Deno's handshake takes many of them, so that the check behind it is needed.
  assert.ok(taken > 5, `${taken}`);
  await new Promise((resolve) => server.close(resolve));
});
