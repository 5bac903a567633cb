/**
 * Streams that must be kept apart never share a circuit: 200 requests at once, each with a random
 * setting of all that isolates, and the exits tell which circuit each of them came by.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { buildConfig } from "../../src/config/build.ts";
import { parseTorrc } from "../../src/config/torrc.ts";
import { RunningClient } from "../../src/client/running_client.ts";
import { RelayCommand } from "../../src/cell/command.ts";
import { randomBelow, randomElement } from "../../src/runtime/random.ts";
import { systemRuntime } from "../../src/runtime/runtime.ts";
import type { Misbehaviour } from "../../testnet/behaviour.ts";
import { EmbeddedNetwork } from "../../testnet/network.ts";
import { SeededRandom } from "../../testnet/seeded_random.ts";
import type { Endpoint } from "./socks_client.ts";
import { bodySha256 } from "./test_body.ts";
import { WebServer } from "./web_server.ts";

const REQUESTS = 200;
const LISTENERS = 12;
const LENGTH = 1000;

/** The flags of a listener that isolate, each with what of a request it looks at. */
const FLAGS = {
  IsolateClientAddr: (request: Setting) => request.from,
  IsolateSOCKSAuth: ({ username, password }: Setting) => JSON.stringify([username, password]),
  IsolateClientProtocol: (request: Setting) => request.version,
  IsolateDestPort: (request: Setting) => request.target.port,
  IsolateDestAddr: (request: Setting) => request.target.hostname,
} as const;

type Flag = keyof typeof FLAGS;

const FLAG_NAMES: readonly Flag[] = [
  "IsolateClientAddr",
  "IsolateSOCKSAuth",
  "IsolateClientProtocol",
  "IsolateDestPort",
  "IsolateDestAddr",
];

interface Listener {
  readonly flags: ReadonlySet<Flag>;
  readonly sessionGroup: number | undefined;
}

interface Setting {
  readonly listener: number;
  readonly from: string;
  readonly version: 4 | 5;
  readonly username: string;
  /** Always empty with SOCKS4, which has none. */
  readonly password: string;
  readonly target: Endpoint;
}

Deno.test("200 requests at once: those that are isolated never share a circuit", async () => {
  const random = new SeededRandom("isolation");
  await using resources = new AsyncDisposableStack();
  const webs = Array.from({ length: 3 }, () => resources.use(new WebServer("127.0.0.1")));
  const hosts = ["one.example", "two.example", "three.example"];

  // Which circuit each request came by, as its exit saw it: "exit0 17".
  const circuits = new Map<number, Set<string>>();
  const network = resources.use(
    await EmbeddedNetwork.start({
      exits: 3,
      names: Object.fromEntries(hosts.map((host) => [host, "127.0.0.1"])),
      misbehaviours: Object.fromEntries(
        ["exit0", "exit1", "exit2"].map((exit) => [exit, watchingExit(exit, circuits)]),
      ),
    }),
  );
  const listeners = Array.from({ length: LISTENERS }, (): Listener => ({
    flags: new Set(FLAG_NAMES.filter(() => randomBelow(random, 2) === 0)),
    // Half of them share one of two groups; the others have groups of their own.
    sessionGroup: randomBelow(random, 2) === 0 ? undefined : randomBelow(random, 2),
  }));
  const dataDirectory = await Deno.makeTempDir();
  resources.defer(() => Deno.remove(dataDirectory, { recursive: true }));
  const torrc = network.clientTorrc({ dataDirectory, socksPort: 0 })
    .replace(/^SocksPort .*$/m, listeners.map(socksPortLine).join("\n"));
  const { config } = buildConfig([parseTorrc(torrc, "torrc")]);
  const client = resources.use(await RunningClient.start(config, systemRuntime()));

  const settings = Array.from({ length: REQUESTS }, (): Setting => {
    const version = randomElement(random, [4, 5] as const);
    return {
      listener: randomBelow(random, LISTENERS),
      from: `127.0.0.${1 + randomBelow(random, 3)}`,
      version,
      username: randomElement(random, ["", "alice", "bob"]),
      password: version === 4 ? "" : randomElement(random, ["", "secret"]),
      target: {
        hostname: randomElement(random, hosts),
        port: randomElement(random, webs).port,
      },
    };
  });
  await Promise.all(
    settings.map((setting, id) => request(setting, client.socksAddresses[setting.listener], id)),
  );

  const circuitOf = settings.map((_, id) => {
    const [circuit, ...more] = circuits.get(id) ?? [];
    assert.ok(circuit !== undefined && more.length === 0, `request ${id} came by one circuit`);
    return circuit;
  });
  let isolated = 0;
  let together = 0;
  for (let a = 0; a < REQUESTS; a++) {
    for (let b = 0; b < a; b++) {
      const shared = circuitOf[a] === circuitOf[b];
      if (shared) together++;
      if (!areIsolated(settings[a], settings[b], listeners)) continue;
      isolated++;
      assert.ok(!shared, `${JSON.stringify([settings[a], settings[b]])} shared a circuit`);
    }
  }
  // Otherwise nothing would have been tested.
  assert.ok(isolated > 1000 && together > 20, `${isolated} isolated pairs, ${together} together`);
  console.log(
    `${new Set(circuitOf).size} circuits, ${isolated} isolated pairs, ${together} on one circuit`,
  );
});

/** Whether either listener wants these two apart (C tor: the flags of SocksPort). */
function areIsolated(a: Setting, b: Setting, listeners: readonly Listener[]): boolean {
  const [first, second] = [listeners[a.listener], listeners[b.listener]];
  if (a.listener !== b.listener) {
    const { sessionGroup } = first;
    if (sessionGroup === undefined || sessionGroup !== second.sessionGroup) return true;
  }
  return [...first.flags, ...second.flags].some((flag) => FLAGS[flag](a) !== FLAGS[flag](b));
}

function socksPortLine({ flags, sessionGroup }: Listener): string {
  const words = FLAG_NAMES.map((flag) => flags.has(flag) ? flag : `No${flag}`);
  if (sessionGroup !== undefined) words.push(`SessionGroup=${sessionGroup}`);
  return `SocksPort auto ${words.join(" ")}`;
}

/** An exit that is honest, but notes by which circuit the request of each number came. */
function watchingExit(exit: string, circuits: Map<number, Set<string>>): Misbehaviour {
  return {
    name: "watching",
    onMessage({ command, body }, circuit, next) {
      if (command === RelayCommand.DATA) {
        const id = /[?&]id=(\d+)/.exec(new TextDecoder().decode(body))?.[1];
        if (id !== undefined) {
          const seen = circuits.get(Number(id)) ?? new Set();
          circuits.set(Number(id), seen.add(`${exit} ${circuit.number}`));
        }
      }
      next();
    },
  };
}

/** Makes one request from an address of its own, and fails unless the right body comes. */
async function request(setting: Setting, proxy: Endpoint, id: number): Promise<void> {
  const socket = connect({
    host: proxy.hostname,
    port: proxy.port,
    localAddress: setting.from,
    noDelay: true,
  });
  const text = new TextEncoder();
  const http = text.encode(`GET /bytes/${LENGTH}?id=${id} HTTP/1.1\r\nHost: web\r\n\r\n`);
  const socks = setting.version === 5 ? socks5(setting) : socks4a(setting);
  // All at once, as optimistic applications do.
  socket.write(Uint8Array.from([...socks, ...http]));
  const answer = await readAll(socket);
  const body = answer.subarray(answer.length - LENGTH);
  const sha256 = createHash("sha256").update(body).digest("hex");
  assert.equal(sha256, bodySha256(LENGTH, 0), `request ${id}: ${answer.length} bytes came`);
}

/** Method 0 or 2, RFC 1929 if there is a user name or a password, and CONNECT to a name. */
function socks5({ username, password, target }: Setting): number[] {
  const [user, pass, host] = [username, password, target.hostname].map((
    word,
  ) => [...new TextEncoder().encode(word)]);
  const auth = [1, user.length, ...user, pass.length, ...pass];
  const named = user.length + pass.length > 0;
  return [
    ...[5, 1, named ? 2 : 0],
    ...named ? auth : [],
    ...[5, 1, 0, 3, host.length, ...host],
    ...[target.port >> 8, target.port & 0xff],
  ];
}

function socks4a({ username, target }: Setting): number[] {
  const [user, host] = [username, target.hostname].map((
    word,
  ) => [...new TextEncoder().encode(word)]);
  return [4, 1, target.port >> 8, target.port & 0xff, 0, 0, 0, 1, ...user, 0, ...host, 0];
}

async function readAll(socket: Socket): Promise<Uint8Array> {
  const pieces: number[] = [];
  for await (const piece of socket) pieces.push(...piece);
  return Uint8Array.from(pieces);
}
