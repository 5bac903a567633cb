/**
 * The embedded relays speak Tor with C tor: as a client of theirs, and beside them in one path.
 */
import assert from "node:assert/strict";
import {
  CC_REQUEST,
  type CircuitExtension,
  encodeCircuitExtensions,
} from "../../src/cell/circuit_extensions.ts";
import { CellCommand, RelayCommand } from "../../src/cell/command.ts";
import { HandshakeType } from "../../src/cell/create.ts";
import { ed25519IdentityFromBytes } from "../../src/crypto/identity.ts";
import { EmbeddedNetwork, type EmbeddedNetworkOptions } from "../../testnet/network.ts";
import type { RelayEvent } from "../../testnet/events.ts";
import type { RelayRole } from "../../testnet/relay.ts";
import { CONFLUX_RELAY_PROTOCOLS } from "../../testnet/relay_protocols.ts";
import { ChildProcess } from "../network/child_process.ts";
import { type ClientKind, ClientProcess } from "../network/client_process.ts";
import { freePort } from "../network/free_port.ts";
import { httpGet, httpUpload } from "../network/http_client.ts";
import { type Endpoint, socks5Connect } from "../network/socks_client.ts";
import { bodySha256 } from "../network/test_body.ts";
import { WebServer } from "../network/web_server.ts";
import { missingForWorld } from "../network/world.ts";
import { connectTo, RawCircuit } from "./raw_circuit.ts";

const missing = await missingForWorld();
if (missing !== undefined && Deno.env.get("CI") === "true") {
  throw new Error(`the tests with C tor cannot run: ${missing}`);
}
const skip = missing === undefined ? "" : ` (skipped: ${missing})`;

/** C tor relays have these addresses; the embedded ones are below. */
const FIRST_ADDRESS = 90;
/** Where the web server is: C tor takes 127.0.0.1 for itself, and refuses to exit there. */
const WEB_ADDRESS = "127.8.0.1";
/** What is sent each way, in bytes. */
const LENGTH = 3_000_000;
/** Legs of the Conflux sets that C tor keeps ready: two of each of three. */
const LEGS = 6;
/** The longest that a C tor relay may take to publish itself, in ms. */
const PUBLISH_TIMEOUT = 30_000;

/** An embedded network, C tor relays in it, a web server and a folder, for one test. */
class Mixed implements AsyncDisposable {
  readonly #resources: AsyncDisposableStack;

  private constructor(
    readonly network: EmbeddedNetwork,
    readonly web: WebServer,
    readonly folder: string,
    resources: AsyncDisposableStack,
  ) {
    this.#resources = resources;
  }

  static async start(
    options: EmbeddedNetworkOptions,
    cTorRelays: readonly RelayRole[] = [],
  ): Promise<Mixed> {
    await using starting = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "chive-mixed-" });
    starting.defer(() => Deno.remove(folder, { recursive: true }));
    const web = starting.use(new WebServer(WEB_ADDRESS));
    const network = starting.use(await EmbeddedNetwork.start(options));
    for (const [index, role] of cTorRelays.entries()) {
      starting.use(await startCTorRelay(network, folder, role, index));
    }
    return new Mixed(network, web, folder, starting.move());
  }

  /** Starts a client and waits until it has joined. */
  async client(kind: ClientKind): Promise<ClientProcess> {
    const client = await ClientProcess.start({
      makeDirectory: (name) => Deno.makeTempDir({ dir: this.folder, prefix: `${name}-` }),
      clientTorrc: (options) => this.network.clientTorrc(options),
    }, { kind });
    try {
      await client.bootstrapped();
      return client;
    } catch (error) {
      await client.stop();
      throw error;
    }
  }

  /** Downloads and uploads through a client, and checks every byte. */
  async exchange(socks: Endpoint, length: number, seed: number): Promise<void> {
    const { hostname, port } = this.web;
    using down = await socks5Connect(socks, { hostname, port });
    const got = await httpGet(down, `/bytes/${length}?seed=${seed}`);
    assert.deepEqual([got.length, got.sha256], [length, bodySha256(length, seed)]);
    using up = await socks5Connect(socks, { hostname, port });
    const sent = await httpUpload(up, length, seed);
    assert.deepEqual(sent, { length, sha256: bodySha256(length, seed) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Starts a relay of C tor, and waits until the embedded directory lists it. */
async function startCTorRelay(
  network: EmbeddedNetwork,
  folder: string,
  role: RelayRole,
  index: number,
): Promise<ChildProcess> {
  const nickname = `ctor${role}${index}`;
  const hostname = `127.${FIRST_ADDRESS + index}.0.1`;
  const lines = [
    `Nickname ${nickname}`,
    `DataDirectory ${folder}/${nickname}`,
    `Address ${hostname}`,
    `ORPort ${hostname}:${freePort(hostname)}`,
    "SocksPort 0",
    "TestingTorNetwork 1",
    "AssumeReachable 1",
    "ContactInfo test@example.com",
    `ExitRelay ${role === "exit" ? 1 : 0}`,
    ...role === "exit" ? ["ExitPolicyRejectPrivate 0", "ExitPolicy accept *:*"] : [],
    "Log notice stdout",
    `__OwningControllerProcess ${Deno.pid}`,
    ...network.authorityLines,
  ];
  const torrc = `${folder}/${nickname}.torrc`;
  await Deno.writeTextFile(torrc, lines.join("\n") + "\n");
  const relay = new ChildProcess(nickname, ["tor", "-f", torrc]);
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new Error(`${nickname} did not publish itself:\n${relay.log}`)),
    PUBLISH_TIMEOUT,
  );
  try {
    await network.adopt(nickname, role, late.signal);
    return relay;
  } catch (error) {
    await relay.stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

Deno.test({
  name: `C tor is a client of the embedded network${skip}`,
  ignore: missing !== undefined,
  fn: async () => {
    await using mixed = await Mixed.start({ authorities: 3 });
    await using client = await mixed.client("tor");
    await mixed.exchange(client.socks, LENGTH, 1);
    // It asks exits for congestion control, and for nothing else, and gets it.
    const created = mixed.network.events.since().flatMap((event) =>
      event.kind === "created" && event.handshakeType === HandshakeType.NTOR_V3 ? [event] : []
    );
    assert.ok(created.some(({ relay }) => relay.startsWith("exit")));
    for (const { asked, congestionControl } of created) {
      assert.deepEqual(asked, [CC_REQUEST]);
      assert.ok(congestionControl);
    }
  },
});

Deno.test({
  name: `C tor links Conflux sets with an embedded exit, and carries bytes over them${skip}`,
  ignore: missing !== undefined,
  fn: async () => {
    await using mixed = await Mixed.start({
      authorities: 3,
      guards: 3,
      middles: 3,
      exits: 1,
      protocols: { exit0: CONFLUX_RELAY_PROTOCOLS },
    });
    await using client = await mixed.client("tor");
    const { events } = mixed.network;
    const isAck = (event: RelayEvent) =>
      event.kind === "message" && event.command === RelayCommand.CONFLUX_LINKED_ACK;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("no legs")), PUBLISH_TIMEOUT);
    const { signal } = late;
    // Any of its sets may be used, and before its second leg is linked.
    await events.until((event) => isAck(event) && events.since().filter(isAck).length >= LEGS, {
      signal,
    });
    clearTimeout(timer);
    await mixed.exchange(client.socks, LENGTH, 1);
    // The exit takes turns with the legs; C tor answers for what comes by each of them.
    const sendmes = events.since().flatMap((event) =>
      event.kind === "message" && event.command === RelayCommand.SENDME && event.relay === "exit0"
        ? [event.circuit]
        : []
    );
    assert.ok(new Set(sendmes).size >= 2, `${sendmes.length} SENDMEs`);
  },
});

Deno.test({
  name: `a C tor relay takes ntor-v3 handshakes of ours, and answers their extensions${skip}`,
  ignore: missing !== undefined,
  fn: async () => {
    await using mixed = await Mixed.start({ guards: 0, middles: 0, exits: 0 }, ["middle"]);
    const listed = mixed.network.documents.relays.find(({ nickname }) =>
      nickname === "ctormiddle0"
    );
    assert.ok(listed !== undefined);
    const { hostname, orPort, rsaId, ed25519Id, onionKey, protocols = "" } = listed;
    assert.match(protocols, /FlowCtrl=1-2 .*Relay=\d-[4-9]/);
    const keys = { rsaId, ed25519Id: ed25519IdentityFromBytes(ed25519Id), onionKey };
    const relay = { hostname, orPort, keys };
    await using channel = await connectTo(relay);
    const asks = async (message: Uint8Array) =>
      (await new RawCircuit(channel).extendV3(relay, message)).toHex();
    const unknown: CircuitExtension = { type: 200, body: new Uint8Array(90) };
    assert.equal(await asks(encodeCircuitExtensions([])), "00");
    assert.equal(await asks(encodeCircuitExtensions([unknown])), "00");
    assert.equal(await asks(encodeCircuitExtensions([CC_REQUEST])), "0102011f");
    assert.equal(await asks(encodeCircuitExtensions([unknown, CC_REQUEST])), "0102011f");

    const refused = new RawCircuit(channel);
    const cutOff = refused.extendV3(relay, Uint8Array.of(1, CC_REQUEST.type));
    await assert.rejects(cutOff, { message: `command ${CellCommand.DESTROY} came` });
  },
});

/**
 * A C tor exit takes streams only from relays that have authenticated themselves to it, which the
 * embedded relays do not: before a C tor exit stands a C tor middle.
 */
const MIXED_PATHS: readonly [string, EmbeddedNetworkOptions, readonly RelayRole[]][] = [
  [
    "embedded guard, C tor middle, embedded exit",
    { guards: 1, middles: 0, exits: 1 },
    ["middle"],
  ],
  [
    "C tor guard, embedded middle, embedded exit",
    { guards: 0, middles: 1, exits: 1 },
    ["guard"],
  ],
  [
    "embedded guard, C tor middle, C tor exit",
    { guards: 1, middles: 0, exits: 0 },
    ["middle", "exit"],
  ],
];

for (const [path, embedded, cTorRelays] of MIXED_PATHS) {
  Deno.test({
    name: `chive downloads and uploads by ${path}${skip}`,
    ignore: missing !== undefined,
    fn: async () => {
      await using mixed = await Mixed.start(embedded, cTorRelays);
      await using client = await mixed.client("chive");
      const relays = mixed.network.relays.filter(({ role }) => role !== "authority");
      const cells = () =>
        relays.map(({ traffic }) => [traffic.cellsBackward, traffic.cellsForward]).flat();
      const before = cells();
      await mixed.exchange(client.socks, LENGTH, 2);
      // There is only this one path, and every embedded relay has carried the bytes both ways.
      for (const [index, count] of cells().entries()) {
        assert.ok(count - before[index] >= LENGTH / 498, `${count - before[index]} cells`);
      }
    },
  });
}
