/**
 * What the examples of the library run against: loaded before each of them, it makes
 * `TorClient.start` start a network and servers in this process too, and the client join that
 * network; they end with the client. The servers have the names and ports that the examples have;
 * exits reach them wherever they really listen.
 *
 * @module
 */
import { TorClient } from "../../src/client/mod.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { type ServerCertificate, TestCa } from "./tls_certificates.ts";
import { networkOptions } from "./with_client.ts";

/** Where the exits believe the servers to be; nothing listens there. */
const WEB = "127.0.0.2";
const PRIVATE = "127.0.0.3";
const NAMES = {
  "www.example.com": WEB,
  "private.example.com": PRIVATE,
  "44.2.0.192.in-addr.arpa": "pointer.example.com",
};

const ca = new TestCa();
/** Real ports on 127.0.0.1, by where the exits connect to. */
const ports = new Map<string, number>();

const { connect } = Deno;
Object.assign(Deno, {
  connect(options: Deno.ConnectOptions) {
    const port = ports.get(`${options.hostname}:${options.port}`);
    return connect(port === undefined ? options : { ...options, hostname: "127.0.0.1", port });
  },
});

const { start } = TorClient;
TorClient.start = async (given = {}) => {
  const resources = new AsyncDisposableStack();
  const serve = (place: string, certificate?: ServerCertificate) => {
    const options = { hostname: "127.0.0.1", port: 0, onListen() {}, ...certificate };
    const server = resources.use(Deno.serve(options, () => new Response("hello")));
    ports.set(place, server.addr.port);
  };
  serve(`${WEB}:80`);
  serve(`${WEB}:443`, ca.issue("www.example.com"));
  serve(`${PRIVATE}:443`, ca.issue("private.example.com"));
  const network = resources.use(await EmbeddedNetwork.start({ names: NAMES }));
  const client = await start.call(TorClient, {
    ...given,
    caCerts: [ca.cert],
    options: { ...networkOptions(network), ...given.options },
  });
  const stop = client.stop.bind(client);
  client.stop = async () => {
    await stop();
    await resources.disposeAsync();
  };
  return client;
};

// The examples speak of files in the current folder.
const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
Deno.chdir(folder);
await Deno.writeTextFile("private-ca.pem", ca.cert);
