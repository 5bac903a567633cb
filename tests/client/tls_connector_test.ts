import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { ClientError } from "../../src/client/errors.ts";
import { TlsConnector } from "../../src/client/tls_connector.ts";
import { selfSigned, type ServerCertificate, TestCa } from "./tls_certificates.ts";

const WEEK = 7 * 86_400_000;

/** How a handshake with a server that shows this certificate ends: "secure", or a code. */
async function outcome(
  connector: TlsConnector,
  certificate: ServerCertificate,
  host: string,
): Promise<string> {
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...certificate });
  const serving = listener.accept().then(async (conn) => {
    using server = conn;
    await server.handshake().catch(() => {});
    await server.read(new Uint8Array(1)).catch(() => {});
  });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const stream = Duplex.from({ readable: conn.readable, writable: conn.writable });
  stream.on("error", () => {});
  try {
    const socket = await connector.secure(stream, host);
    socket.destroy();
    return "secure";
  } catch (error) {
    return error instanceof ClientError ? error.code : String(error);
  } finally {
    stream.destroy();
    await serving;
  }
}

Deno.test("a certificate must be signed by who is trusted, and be for the host", async () => {
  const ca = new TestCa();
  const connector = new TlsConnector([ca.cert]);
  const name = ca.issue("web.example");
  const address = ca.issue("127.0.0.1");
  assert.equal(await outcome(connector, name, "web.example"), "secure");
  assert.equal(await outcome(connector, address, "127.0.0.1"), "secure");
  const refused: readonly [ServerCertificate, string][] = [
    [name, "other.example"],
    [name, "127.0.0.1"],
    [address, "web.example"],
    [selfSigned("web.example"), "web.example"],
    [new TestCa().issue("web.example"), "web.example"],
    [ca.issue("web.example", -WEEK), "web.example"],
    [ca.issue("web.example", WEEK), "web.example"],
  ];
  for (const [certificate, host] of refused) {
    assert.equal(await outcome(connector, certificate, host), "fetch-certificate-refused", host);
  }
  const nobody = new TlsConnector([]);
  assert.equal(await outcome(nobody, name, "web.example"), "fetch-certificate-refused");
});

Deno.test("the name for which Deno checks nothing is refused", () => {
  const connector = new TlsConnector([]);
  assert.throws(() => connector.check("192.0.2.1"), ClientError);
  connector.check("192.0.2.2");
});
