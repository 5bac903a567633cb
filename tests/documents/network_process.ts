/**
 * The network that commands of the documents meet, as a process: a Tor network of our own relays, and
 * web servers behind its exits that have the names that the documents use. It prints one line when it
 * is up, `ready` and JSON: the lines of a torrc that joins it, and the certificate of the servers,
 * which nobody else has signed.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { der, x509 } from "../../testnet/certificates.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";

/** Web servers of the documents. Where the exits believe them to be, nothing listens. */
const SITES: Readonly<Record<string, string>> = {
  "check.torproject.org": "127.0.0.2",
  "www.torproject.org": "127.0.0.3",
  "www.example.com": "127.0.0.4",
};

const DAY = 86_400_000;

const certificate = makeCertificate(Object.keys(SITES));
/** Real ports on 127.0.0.1, by where the exits connect to. */
const ports = new Map<string, number>();

for (const address of Object.values(SITES)) {
  for (const [port, tls] of [[80, {}], [443, certificate]] as const) {
    const options = { hostname: "127.0.0.1", port: 0, onListen() {}, ...tls };
    const server = Deno.serve(options, answer);
    ports.set(`${address}:${port}`, server.addr.port);
  }
}

const { connect } = Deno;
Object.assign(Deno, {
  connect(options: Deno.ConnectOptions) {
    const port = ports.get(`${options.hostname}:${options.port}`);
    return connect(port === undefined ? options : { ...options, hostname: "127.0.0.1", port });
  },
});

const network = await EmbeddedNetwork.start({ authorities: 3, guards: 3, names: SITES });
const torrc = [
  "TestingTorNetwork 1",
  // TestingTorNetwork switches this off, though here every relay may be in a /16 of its own.
  `EnforceDistinctSubnets ${network.distinctAddresses ? 1 : 0}`,
  ...network.authorityLines,
];
const told = { torrc: torrc.join("\n") + "\n", certificate: certificate.cert };
console.log(`ready ${JSON.stringify(told)}`);

/** As check.torproject.org answers, and a page for all else. */
function answer({ url }: Request): Response {
  const { pathname } = new URL(url);
  if (pathname === "/api/ip") return Response.json({ IsTor: true, IP: "192.0.2.44" });
  return new Response("<!doctype html>\n<title>A page</title>\n", {
    headers: { "content-type": "text/html" },
  });
}

/** One for all these names, as PEM. */
function makeCertificate(
  names: readonly string[],
): { readonly key: string; readonly cert: string } {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const alternatives = names.map((name) => der(0x82, Buffer.from(name)));
  const extension = der(
    0x30,
    der(0x06, Uint8Array.fromHex("551d11")),
    der(0x04, der(0x30, ...alternatives)),
  );
  const bytes = x509({
    key,
    notBefore: Date.now() - DAY,
    notAfter: Date.now() + DAY,
    optionalFields: [der(0xa3, der(0x30, extension))],
  });
  return {
    key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${bytes.toBase64()}\n-----END CERTIFICATE-----\n`,
  };
}
