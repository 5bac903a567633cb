import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:net";
import { linkCertificate } from "../../testnet/link_certificate.ts";
import {
  impersonate,
  type ImpostorOutcome,
  type ImpostorParts,
} from "../../testnet/tls_impostor.ts";

const NOW = Date.now();
const DAY = 86_400_000;

function p256Key() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** One TLS client's handshake with the impostor: what the client said, and its error if any. */
async function handshake(parts: ImpostorParts): Promise<[ImpostorOutcome, string]> {
  const outcome = Promise.withResolvers<ImpostorOutcome>();
  const server = createServer((socket) => outcome.resolve(impersonate(socket, parts)));
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: address.port });
  using conn = await Deno.startTls(tcp, { hostname: "192.0.2.1" });
  const error = await conn.handshake().then(() => "", (error) => String(error));
  const said = await outcome.promise;
  await new Promise((resolve) => server.close(resolve));
  return [said, error];
}

for (const version of ["TLS 1.2", "TLS 1.3"] as const) {
  Deno.test(`impersonate: under ${version} nothing but a wrong key makes a client refuse`, async () => {
    const owner = p256Key();
    const certificate = linkCertificate(owner, NOW - DAY, NOW + DAY);
    const [accepted] = await handshake({ version, certificate, signer: owner });
    assert.deepEqual(accepted, { kind: "accepted" });
    const [refused, error] = await handshake({ version, certificate, signer: p256Key() });
    assert.deepEqual(refused, { kind: "alert", description: 51 });
    assert.match(error, /BadSignature/);
  });
}
