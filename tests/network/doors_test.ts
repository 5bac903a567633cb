/**
 * Every door of a client, used by curl and by a resolver through a network of our own relays.
 */
import assert from "node:assert/strict";
import { RunningClient } from "../../src/client/running_client.ts";
import { RelayCommand } from "../../src/cell/command.ts";
import { buildConfig } from "../../src/config/build.ts";
import type { ClientPortKind } from "../../src/config/config.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { DatagramSocket } from "../../src/runtime/datagram_socket.ts";
import { formatAddress, type SocketAddress } from "../../src/runtime/network.ts";
import { systemRuntime } from "../../src/runtime/runtime.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { dnsQuery, type DnsResponse, framed, readResponse } from "../proxy/dns_packets.ts";
import { isInstalled } from "./child_process.ts";
import { bodySha256 } from "./test_body.ts";
import { WebServer } from "./web_server.ts";

const NAME = "web.test.example";
const AUTOMAPPED = "web.automapped";
const LENGTH = 200_000;

const missing = await isInstalled("curl") ? undefined : "curl is not installed";
const mustRun = Deno.env.get("CI") === "true";

/** A network, a web server behind it, and a client with all kinds of doors. */
class Doors implements AsyncDisposable {
  readonly client: RunningClient;
  readonly web: WebServer;
  readonly socksPath: string;
  readonly tunnelPath: string;
  /** Which circuits carried the requests of each number, as "exit0 17". */
  readonly circuits: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    parts: Pick<Doors, "client" | "web" | "socksPath" | "tunnelPath" | "circuits">,
    resources: AsyncDisposableStack,
  ) {
    this.client = parts.client;
    this.web = parts.web;
    this.socksPath = parts.socksPath;
    this.tunnelPath = parts.tunnelPath;
    this.circuits = parts.circuits;
    this.#resources = resources;
  }

  static async start(...more: readonly string[]): Promise<Doors> {
    await using starting = new AsyncDisposableStack();
    const web = starting.use(new WebServer("127.0.0.1"));
    const circuits = new Map<string, Set<string>>();
    const network = starting.use(
      await EmbeddedNetwork.start({
        names: { [NAME]: "127.0.0.1", [AUTOMAPPED]: "127.0.0.1" },
        misbehaviours: {
          exit0: watchingExit("exit0", circuits),
          exit1: watchingExit("exit1", circuits),
        },
      }),
    );
    const dataDirectory = await Deno.makeTempDir();
    starting.defer(() => Deno.remove(dataDirectory, { recursive: true }));
    const socksPath = `${dataDirectory}/doors/socks`;
    const tunnelPath = `${dataDirectory}/doors/tunnel`;
    const torrc = network.clientTorrc({
      dataDirectory,
      socksPort: 0,
      more: [
        `SocksPort unix:${socksPath}`,
        "HTTPTunnelPort auto",
        `HTTPTunnelPort unix:${tunnelPath}`,
        "DNSPort auto",
        ...more,
      ],
    });
    const { config } = buildConfig([parseTorrc(torrc, "torrc")]);
    const client = starting.use(await RunningClient.start(config, systemRuntime()));
    return new Doors({ client, web, socksPath, tunnelPath, circuits }, starting.move());
  }

  /** Where the first door of a kind listens for TCP. */
  address(kind: ClientPortKind): SocketAddress {
    for (const door of this.client.doors) {
      if (door.kind === kind && door.place.kind === "tcp") return door.place;
    }
    throw new RangeError(`no ${kind} is open for TCP`);
  }

  url(path: string, host = NAME): string {
    return `http://${host}:${this.web.port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** An exit that is honest, but notes by which circuit the request of each number came. */
function watchingExit(exit: string, circuits: Map<string, Set<string>>): Misbehaviour {
  return {
    name: "watching",
    onMessage({ command, body }, circuit, next) {
      if (command === RelayCommand.DATA) {
        const id = /[?&]id=(\w+)/.exec(new TextDecoder().decode(body))?.[1];
        if (id !== undefined) {
          const seen = circuits.get(id) ?? new Set();
          circuits.set(id, seen.add(`${exit} ${circuit.number}`));
        }
      }
      next();
    },
  };
}

/** What curl does; `-q` keeps it from reading a file of the user's. */
async function curl(...args: readonly string[]): Promise<{ code: number; body: Uint8Array }> {
  const { code, stdout } = await new Deno.Command("curl", {
    args: ["-q", "--silent", "--max-time", "60", ...args],
    stdout: "piped",
    stderr: "null",
    env: { NO_PROXY: "" },
  }).output();
  return { code, body: stdout };
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Downloads through a proxy, and fails unless every byte is right. */
async function download(doors: Doors, ...proxy: readonly string[]): Promise<void> {
  const { code, body } = await curl(...proxy, doors.url(`/bytes/${LENGTH}`));
  assert.equal(code, 0, proxy.join(" "));
  assert.equal(await sha256(Uint8Array.from(body)), bodySha256(LENGTH, 0), proxy.join(" "));
}

/** Asks over UDP, once more each second until there is an answer. */
async function askUdp(server: SocketAddress, query: Uint8Array): Promise<DnsResponse> {
  const answered = Promise.withResolvers<Uint8Array>();
  const socket = await DatagramSocket.bind({ hostname: "127.0.0.1", port: 0 }, answered.resolve);
  const again = setInterval(() => socket.send(query, server), 1000);
  try {
    socket.send(query, server);
    return readResponse(await answered.promise);
  } finally {
    clearInterval(again);
    await socket.close();
  }
}

async function askTcp(server: SocketAddress, query: Uint8Array): Promise<DnsResponse> {
  using conn = await Deno.connect(server);
  await conn.write(framed(query));
  await conn.closeWrite();
  const response = await new Response(conn.readable).bytes();
  return readResponse(response.subarray(2));
}

Deno.test({
  name: missing ? `all doors, with curl (skipped: ${missing})` : "all doors, with curl",
  ignore: missing !== undefined && !mustRun,
  fn: async (t) => {
    assert.equal(missing, undefined);
    await using doors = await Doors.start(
      "AutomapHostsOnResolve 1",
      "AutomapHostsSuffixes .automapped",
      `MapAddress 10.9.8.7 ${NAME}`,
    );
    const socks = formatAddress(doors.address("SocksPort"));
    const tunnel = `http://${formatAddress(doors.address("HTTPTunnelPort"))}`;

    await t.step("SocksPort", () => download(doors, "--socks5-hostname", socks));
    await t.step("SocksPort, SOCKS4a", () => download(doors, "--socks4a", socks));
    await t.step("HTTPTunnelPort", () => download(doors, "--proxytunnel", "--proxy", tunnel));
    await t.step("SocksPort unix:", async () => {
      await download(doors, "--proxy", `socks5h://localhost${doors.socksPath}`);
    });
    await t.step("HTTPTunnelPort unix:", async () => {
      using conn = await Deno.connect({ transport: "unix", path: doors.tunnelPath });
      const request = `CONNECT ${NAME}:${doors.web.port} HTTP/1.1\r\n\r\n` +
        `GET /bytes/${LENGTH} HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`;
      await conn.write(new TextEncoder().encode(request));
      const answer = await new Response(conn.readable).bytes();
      assert.match(new TextDecoder().decode(answer.subarray(0, 20)), /^HTTP\/1\.0 200 OK/);
      assert.equal(await sha256(answer.slice(-LENGTH)), bodySha256(LENGTH, 0));
    });
    await t.step("HTTPTunnelPort tells what failed", async () => {
      const closed = doors.url("/", NAME).replace(/:\d+\//, ":1/");
      const status = ["--output", "/dev/null", "--write-out", "%{http_connect}"];
      const { code, body } = await curl(...status, "--proxytunnel", "--proxy", tunnel, closed);
      assert.notEqual(code, 0);
      assert.equal(new TextDecoder().decode(body), "403");
    });
    await t.step("HTTPTunnelPort without a tunnel is explained", async () => {
      const { body } = await curl("--include", `${tunnel}/`);
      assert.match(new TextDecoder().decode(body), /^HTTP\/1\.0 405 [^]*<h1>/);
    });
    await t.step("DNSPort over UDP and TCP", async () => {
      const server = doors.address("DNSPort");
      for (const ask of [askUdp, askTcp]) {
        const found = await ask(server, dnsQuery("A", NAME));
        assert.deepEqual(found.answers.map(({ data }) => data), ["127.0.0.1"]);
        assert.ok(found.answers[0].ttl >= 60);
        const unknown = await ask(server, dnsQuery("A", "missing.test.example"));
        assert.deepEqual([unknown.rcode, unknown.answers.length], ["NXDOMAIN", 0]);
      }
    });
    await t.step("an automapped name is reached by the address that DNS gave", async () => {
      const question = dnsQuery("A", AUTOMAPPED);
      const { answers: [{ data }] } = await askUdp(doors.address("DNSPort"), question);
      assert.match(data, /^127\.(19[2-9]|2\d\d)\./);
      for (const address of [data, "10.9.8.7"]) {
        const url = doors.url(`/bytes/${LENGTH}`, address);
        const { code, body } = await curl("--socks5", socks, url);
        assert.deepEqual([code, body.length], [0, LENGTH], address);
      }
    });
    await t.step("what is isolated never shares a circuit", async () => {
      const request = async (id: string, ...proxy: readonly string[]) => {
        assert.equal((await curl(...proxy, doors.url(`/bytes/10?id=${id}`))).code, 0, id);
        const [circuit, ...others] = doors.circuits.get(id) ?? [];
        assert.deepEqual(others, []);
        return circuit;
      };
      const viaTunnel = ["--proxytunnel", "--proxy", tunnel];
      const header = (text: string) => [...viaTunnel, "--proxy-header", text];
      const circuits = [
        await request("socks", "--socks5-hostname", socks),
        await request("socket", "--proxy", `socks5h://localhost${doors.socksPath}`),
        await request("plain", ...viaTunnel),
        await request("auth", ...viaTunnel, "--proxy-user", "tor:a"),
        await request("other", ...viaTunnel, "--proxy-user", "tor:b"),
        await request("isolated", ...header("Tor-Stream-Isolation: a")),
        await request("older", ...header("X-Tor-Stream-Isolation: a")),
      ];
      assert.equal(new Set(circuits).size, circuits.length, circuits.join(", "));
      assert.equal(await request("again", ...header("Tor-Stream-Isolation: a")), circuits[5]);
    });
  },
});

Deno.test({
  name: "BandwidthRate bounds a download, and all of it arrives",
  ignore: missing !== undefined && !mustRun,
  fn: async () => {
    await using doors = await Doors.start("BandwidthRate 400 KBytes", "BandwidthBurst 400 KBytes");
    const socks = formatAddress(doors.address("SocksPort"));
    await download(doors, "--socks5-hostname", socks);
    const start = performance.now();
    for (let count = 0; count < 6; count++) await download(doors, "--socks5-hostname", socks);
    // 1.2 MB of data, of which a third at most may have been saved up.
    const time = performance.now() - start;
    assert.ok(time >= 1900, `${time} ms`);
  },
});
