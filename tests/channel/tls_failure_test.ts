import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { openChannel } from "../../src/channel/connect.ts";
import { ChannelError, type ChannelErrorCode } from "../../src/channel/errors.ts";
import { tlsFailure } from "../../src/channel/tls_failure.ts";
import { rsaIdentityFromBytes } from "../../src/crypto/identity.ts";
import { linkCertificate } from "../../testnet/link_certificate.ts";
import { impersonate, type ImpostorOutcome, speakOldTls } from "../../testnet/tls_impostor.ts";
import { testRuntime } from "./open_channel.ts";

const DAY = 86_400_000;
const NOW = testRuntime().clock.now();
const [owner, impostor] = [1, 2].map(() =>
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
);
const certificate = linkCertificate(owner, NOW - DAY, NOW + DAY);

/** Opens a channel to a server that deals with the connection like this, which must fail. */
async function failsWith(
  code: ChannelErrorCode,
  serve: (socket: Socket) => Promise<ImpostorOutcome>,
): Promise<ImpostorOutcome> {
  const served = Promise.withResolvers<ImpostorOutcome>();
  const server = createServer((socket) => served.resolve(serve(socket)));
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const rsaIdentity = rsaIdentityFromBytes(new Uint8Array(20));
  const target = { hostname: "127.0.0.1", port: address.port, rsaIdentity };
  await assert.rejects(openChannel(testRuntime(), target, { timeout: 10_000 }), (error) => {
    assert.ok(error instanceof ChannelError, `${error}`);
    assert.equal(error.code, code, error.message);
    return true;
  });
  const outcome = await served.promise;
  await new Promise((resolve) => server.close(resolve));
  return outcome;
}

/** TLS alerts (RFC 8446, section 6). */
const alert = (description: number): ImpostorOutcome => ({ kind: "alert", description });
const HANDSHAKE_FAILURE = alert(40);
const DECRYPT_ERROR = alert(51);
const PROTOCOL_VERSION = alert(70);

Deno.test("TLS: a server that knows nothing newer than TLS 1.1", async () => {
  const outcome = await failsWith("tls-version", (socket) => speakOldTls(socket, "TLS 1.1"));
  assert.deepEqual(outcome, PROTOCOL_VERSION);
});

Deno.test("TLS: a server that takes a suite without AEAD", async () => {
  const serve = (socket: Socket) => speakOldTls(socket, "TLS 1.2 with CBC");
  assert.deepEqual(await failsWith("tls-cipher-suite", serve), HANDSHAKE_FAILURE);
});

Deno.test("TLS: a server that finds no version or suite of its own in the greeting", async () => {
  await failsWith("tls-version", (socket) => speakOldTls(socket, { alert: 70 }));
  await failsWith("tls-cipher-suite", (socket) => speakOldTls(socket, { alert: 40 }));
  await failsWith("tls-handshake-failed", (socket) => speakOldTls(socket, { alert: 80 }));
});

Deno.test("TLS: the greeting offers no suite without AEAD, and no version before 1.2", async () => {
  const greeting = Promise.withResolvers<Uint8Array>();
  await failsWith("tls-handshake-failed", async (socket) => {
    socket.once("data", (bytes: Uint8Array) => {
      greeting.resolve(bytes);
      socket.destroy();
    });
    await greeting.promise;
    return { kind: "closed" };
  });
  const { suites, versions } = parseGreeting(await greeting.promise);
  // The last one is no suite: it says that renegotiation is safe.
  const AEAD_SUITES = [
    ...[0x1301, 0x1302, 0x1303],
    ...[0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9],
    0x00ff,
  ];
  assert.ok(suites.length >= 9);
  assert.ok(suites.every((suite) => AEAD_SUITES.includes(suite)), suites.join());
  assert.deepEqual(versions.toSorted(), [0x0303, 0x0304]);
});

/** The suites and the supported versions of a ClientHello in one record. */
function parseGreeting(bytes: Uint8Array): { suites: number[]; versions: number[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const list = (from: number, length: number) =>
    Array.from({ length: length / 2 }, (_, index) => view.getUint16(from + 2 * index));
  // Record header, message header, version and random.
  let at = 5 + 4 + 2 + 32;
  at += 1 + bytes[at]; // session id
  const suites = list(at + 2, view.getUint16(at));
  at += 2 + 2 * suites.length;
  at += 1 + bytes[at]; // compression methods
  let versions: number[] = [];
  const SUPPORTED_VERSIONS = 43;
  for (at += 2; at < bytes.length; at += 4 + view.getUint16(at + 2)) {
    if (view.getUint16(at) === SUPPORTED_VERSIONS) versions = list(at + 5, bytes[at + 4]);
  }
  return { suites, versions };
}

Deno.test("TLS: somebody who has copied a certificate and not its key", async () => {
  for (const version of ["TLS 1.2", "TLS 1.3"] as const) {
    const serve = (socket: Socket) =>
      impersonate(socket, { version, certificate, signer: impostor });
    assert.deepEqual(await failsWith("tls-signature", serve), DECRYPT_ERROR);
  }
});

Deno.test("tlsFailure: an error that is not known, or no error of TLS, is the general one", () => {
  const { InvalidData, ConnectionReset } = Deno.errors;
  const codeOf = (cause: unknown) => tlsFailure(cause).code;
  assert.equal(
    codeOf(new InvalidData("invalid peer certificate: Expired")),
    "tls-certificate-refused",
  );
  assert.equal(codeOf(new InvalidData("something new")), "tls-handshake-failed");
  assert.equal(codeOf(new ConnectionReset("fatal alert: ProtocolVersion")), "tls-handshake-failed");
  assert.equal(codeOf("text"), "tls-handshake-failed");
});
